// The wall clock of Redis is stepped, an hour forward or back, as when NTP or an administrator sets
// it: what stands in the queue by time keeps its meaning as far as it can.
#include <doctest/doctest.h>

#include "queue/queue.h"
#include "tests/support/redis_server.h"

using namespace wp;
using namespace wp::queue;
using wp::test::RedisServer;

namespace {

const std::string kWorker = "pod-a/00000001";
const std::string kOther = "pod-b/00000002";
constexpr Millis kHour{3600000};
constexpr Millis kLease{15000};

struct ClockQueue {
  explicit ClockQueue(std::map<std::string, std::string> fields = {}) {
    connection.connect();
    fields["lease_ms"] = std::to_string(kLease.count());
    (void)queue.write_config(fields, "hash", "uid", 1);
  }
  void put(const std::string& id, Millis delay = Millis{0}) {
    std::vector<NewJob> jobs(1);
    jobs[0].id = id;
    jobs[0].delay = delay;
    (void)queue.enqueue(jobs);
  }
  std::vector<ClaimedJob> claim(const std::string& worker, int want = 1) {
    return queue.step(worker, {}, want).claimed;
  }
  bool complete(const std::string& worker, const ClaimedJob& job) {
    Settlement end;
    end.id = job.id;
    end.epoch = job.epoch;
    return queue.step(worker, {end}, 0).settled.at(0) == Settled::done;
  }
  JobState state(const std::string& id) { return queue.job(id).state; }
  void check() {
    for (const std::string& problem : queue.check()) FAIL_CHECK(problem);
  }

  RedisServer redis{{}, RedisServer::Clock::steppable};
  redis::Connection connection{redis.endpoint()};
  Queue queue{connection, "q"};
};

}  // namespace

TEST_CASE("an hour forward: nothing that runs is reaped until its worker could renew") {
  ClockQueue f;
  f.put("x");
  const auto claimed = f.claim(kWorker);
  f.redis.step_clock(kHour);
  CHECK(f.claim(kOther).empty());
  CHECK(f.queue.trim().reaped == 0);
  CHECK(f.state("x") == JobState::active);
  CHECK(f.queue.beat(kWorker, {{"x", claimed[0].epoch}}, {}, "", false).lost.empty());
  // Nothing of the pause remains: a worker that is silent from now on loses its job.
  f.redis.step_clock(kLease * 2 / 5);
  (void)f.claim(kOther);
  f.redis.step_clock(kLease * 2 / 5);
  (void)f.claim(kOther);
  CHECK(f.state("x") == JobState::active);
  f.redis.step_clock(kLease * 2 / 5);
  CHECK(f.claim(kOther).size() == 1);
  CHECK(f.queue.job("x").losses == 1);
  f.check();
}

TEST_CASE("an hour back: no lease lasts an hour longer, and none is reaped early") {
  ClockQueue f;
  f.put("x");
  f.put("y");
  const auto claimed = f.claim(kWorker, 2);
  f.redis.step_clock(-kHour);
  CHECK(f.claim(kOther).empty());
  const Millis now = f.queue.counts().now;
  for (const char* id : {"x", "y"}) CHECK(f.queue.job(id).lease_until <= now + kLease);
  CHECK(f.queue.beat(kWorker, {{"x", claimed[0].epoch}}, {}, "", false).lost.empty());
  // The worker has lost y: one lease later, not an hour, somebody else has it.
  for (int i = 0; i < 3; ++i) {
    f.redis.step_clock(kLease * 2 / 5);
    CHECK(f.queue.beat(kWorker, {{"x", claimed[0].epoch}}, {}, "", false).lost.empty());
    if (i < 2) CHECK(f.claim(kOther).empty());
  }
  const auto again = f.claim(kOther, 2);
  REQUIRE(again.size() == 1);
  CHECK(again[0].id == "y");
  CHECK(again[0].epoch > claimed[1].epoch);
  CHECK(f.complete(kWorker, claimed[0]));
  f.check();
}

TEST_CASE("there and back again, with nobody looking in between") {
  ClockQueue f;
  f.put("x");
  const auto claimed = f.claim(kWorker);
  f.redis.step_clock(-kHour);
  f.redis.step_clock(kHour);
  CHECK(f.claim(kOther).empty());
  f.redis.step_clock(kHour);
  CHECK(f.claim(kOther).empty());
  f.redis.step_clock(-kHour);
  CHECK(f.claim(kOther).empty());
  CHECK(f.queue.job("x").lease_until <= f.queue.counts().now + kLease);
  CHECK(f.complete(kWorker, claimed[0]));
  f.check();
}

TEST_CASE("delayed jobs go by the clock; a rate is open after either step, and still a rate") {
  ClockQueue f({{"rate_jobs", "2"}, {"rate_per_ms", "60000"}});
  f.put("soon", kHour / 2);
  f.put("today", 4 * kHour);
  for (int i = 0; i < 9; ++i) f.put("job-" + std::to_string(i));
  CHECK(f.claim(kWorker, 9).size() == 2);
  CHECK(f.claim(kWorker, 9).empty());
  f.redis.step_clock(kHour);
  CHECK(f.claim(kWorker, 9).size() == 2);  // not an hour's worth
  CHECK(f.state("soon") == JobState::ready);
  CHECK(f.state("today") == JobState::delayed);
  f.redis.step_clock(-2 * kHour);
  StepResult result = f.queue.step(kWorker, {}, 9);
  CHECK(result.claimed.empty());
  REQUIRE(result.view.next_due.has_value());
  CHECK(*result.view.next_due <= result.view.now + Millis{30000});  // opens, and workers know when
  f.redis.step_clock(Millis{31000});
  CHECK(f.claim(kWorker, 9).size() == 1);
  CHECK(f.state("today") == JobState::delayed);
  f.check();
}

TEST_CASE("a person's retirement holds at any time, and the operator's once it is renewed") {
  ClockQueue f;
  const std::string first = "pod-a", second = "pod-b";
  f.put("x");
  f.put("y");
  (void)f.queue.retire({first}, RetiredBy::person, 1);
  (void)f.queue.retire({second}, RetiredBy::controller, 1);
  for (const Millis step : {kHour, -2 * kHour}) {
    f.redis.step_clock(step);
    (void)f.queue.retire({second}, RetiredBy::controller, 1);
    CHECK(f.claim(kWorker).empty());
    CHECK(f.claim(kOther).empty());
    f.redis.step_clock(Millis{59000});
    CHECK(f.claim(kOther).empty());
    f.redis.step_clock(Millis{2000});
    CHECK(f.claim(kWorker).empty());
    CHECK(f.claim(kOther).size() == 1);  // lapsed: its operator is gone
  }
  f.check();
}

TEST_CASE("sessions outlive a step, and a worker that is up stays known with what it said") {
  ClockQueue f({{"session_ttl_ms", std::to_string(2 * kHour.count())}});
  std::vector<NewJob> jobs(2);
  jobs[0].session = jobs[1].session = "document";
  (void)f.queue.enqueue(jobs);
  (void)f.queue.register_worker(kWorker, R"({"pod":"a"})", {});
  (void)f.queue.register_worker(kOther, R"({"pod":"b"})", {});
  auto claimed = f.claim(kWorker);
  REQUIRE(claimed.size() == 1);
  Settlement end;
  end.id = claimed[0].id;
  end.epoch = claimed[0].epoch;
  end.session = SessionWrite{claimed[0].session_version, R"({"n":1})"};
  CHECK(f.queue.step(kWorker, {end}, 0).settled.at(0) == Settled::done);
  for (const Millis step : {kHour, -2 * kHour, kHour}) {
    f.redis.step_clock(step);
    (void)f.queue.beat(kWorker, {}, {}, "", false);
    (void)f.queue.trim();
    const auto counts = f.queue.counts({.worker_info = true});
    REQUIRE(counts.workers.size() == 2);
    for (const WorkerCounts& worker : counts.workers) CHECK_FALSE(worker.info.empty());
    (void)f.queue.beat(kOther, {}, {}, "", false);
  }
  claimed = f.claim(kOther);
  REQUIRE(claimed.size() == 1);
  CHECK(claimed[0].session_document == R"({"n":1})");
  f.check();
}
