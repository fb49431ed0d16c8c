// Suspects: jobs that may have taken their worker down with others run alone, and soon.
#include <doctest/doctest.h>

#include "queue/queue.h"
#include "tests/queue/fixture.h"

using namespace wp;
using namespace wp::queue;

namespace {

const std::string kBusy = "pod-b/00000001";
const std::string kIdle = "pod-c/00000001";

// A queue whose Redis has a clock that steps.
struct SuspectsFixture {
  SuspectsFixture() {
    connection.connect();
    (void)queue.write_config({{"lease_ms", "60000"}}, "hash", "pool-uid", 1);
  }
  void put(const std::string& id) {
    std::vector<NewJob> jobs(1);
    jobs[0].id = id;
    (void)queue.enqueue(jobs);
  }
  // These become suspects: their worker crashed with both.
  void crash(const std::string& one, const std::string& other) {
    put(one);
    put(other);
    REQUIRE(claim("pod-a/00000001", 2) == one + " " + other);
    CHECK(queue.reclaim({"pod-a"}, LossCause::crash, "OOMKilled", 1)->taken == 2);
    CHECK(queue.job(one).state == JobState::alone);
  }
  // The ids.
  std::string claim(const std::string& worker, int want = 1) {
    std::string ids;
    for (const ClaimedJob& job : queue.step(worker, {}, want).claimed) {
      ids += (ids.empty() ? "" : " ") + job.id;
      last = job;
    }
    return ids;
  }
  std::string settle_and_claim(const std::string& worker, const ClaimedJob& job) {
    Settlement s;
    s.id = job.id;
    s.epoch = job.epoch;
    const auto result = queue.step(worker, {s}, 1);
    CHECK(result.settled[0] == Settled::done);
    return result.claimed.empty() ? "" : result.claimed[0].id;
  }
  void check() {
    for (const std::string& problem : queue.check()) FAIL_CHECK(problem);
  }

  test::RedisServer server{{}, test::RedisServer::Clock::steppable};
  redis::Connection connection{server.endpoint()};
  Queue queue{connection, "q"};
  ClaimedJob last;
};

}  // namespace

TEST_CASE("an overdue suspect gets the next worker that STEPs: it claims nothing else until idle") {
  SuspectsFixture f;
  f.put("long");
  REQUIRE(f.claim(kBusy) == "long");
  const ClaimedJob running = f.last;
  f.crash("x", "y");
  f.put("more");
  CHECK(f.claim(kBusy) == "more");  // not overdue: a busy worker goes on
  const ClaimedJob second = f.last;
  f.put("much-more");
  f.server.step_clock(Millis{11000});
  CHECK(f.claim(kBusy).empty());  // reserved
  CHECK(f.settle_and_claim(kBusy, running).empty());
  CHECK(f.settle_and_claim(kBusy, second) == "x");
  CHECK(f.queue.job("x").state == JobState::active);
  f.check();
}

TEST_CASE("a suspect goes first to an idle worker, and its reservation ends with that") {
  SuspectsFixture f;
  f.put("long");
  REQUIRE(f.claim(kBusy) == "long");
  f.crash("x", "y");
  (void)f.queue.remove({"y"});
  f.put("more");
  f.server.step_clock(Millis{11000});
  CHECK(f.claim(kBusy).empty());
  CHECK(f.claim(kIdle, 5) == "x");
  CHECK(f.claim(kBusy) == "more");
  f.check();
}

TEST_CASE("a reservation keeps its worker from nothing once no suspect is overdue") {
  SuspectsFixture f;
  f.put("long");
  REQUIRE(f.claim(kBusy) == "long");
  f.crash("x", "y");
  f.server.step_clock(Millis{11000});
  CHECK(f.claim(kBusy).empty());
  (void)f.queue.remove({"x", "y"});  // nobody took what it is reserved for
  f.crash("a", "b");
  f.put("more");
  CHECK(f.claim(kBusy) == "more");
  f.check();
}

TEST_CASE("a reservation dies with its worker, and when that retires") {
  for (const bool retires : {false, true}) {
    SuspectsFixture f;
    f.put("one");
    f.put("two");
    REQUIRE(f.claim(kBusy) == "one");
    REQUIRE(f.claim(kIdle) == "two");
    const ClaimedJob other = f.last;
    f.crash("x", "y");
    f.put("more");
    f.server.step_clock(Millis{11000});
    CHECK(f.claim(kBusy).empty());
    CHECK(f.claim(kIdle) == "more");  // reserved is the other one
    const ClaimedJob more = f.last;
    f.put("much-more");
    if (retires) {
      (void)f.queue.retire({"pod-b"}, RetiredBy::controller, 1);
    } else {
      (void)f.queue.release(kBusy, {}, ReleaseKind::unstarted, true);
    }
    CHECK(f.claim(kIdle).empty());  // now this one is
    CHECK(f.settle_and_claim(kIdle, other).empty());
    CHECK(f.settle_and_claim(kIdle, more) == "x");
    f.check();
  }
}

TEST_CASE("a suspect that crashes alone is counted a crash, and runs alone again") {
  SuspectsFixture f;
  f.crash("x", "y");
  REQUIRE(f.claim(kIdle, 5) == "x");
  CHECK(f.last.alone);
  (void)f.queue.register_worker("pod-c/00000002", "{}", {});
  CHECK(f.queue.job("x").crashes == 1);
  CHECK(f.queue.job("x").losses == 1);
  CHECK(f.queue.job("x").state == JobState::alone);
  f.check();
}
