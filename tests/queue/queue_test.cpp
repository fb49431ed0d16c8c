// The operations on a real Redis, one behaviour a case; CHECK holds after each.
#include "queue/queue.h"

#include <algorithm>
#include <doctest/doctest.h>

#include "tests/queue/fixture.h"

using namespace wp;
using namespace wp::queue;
using wp::test::Fields;
using wp::test::QueueFixture;

namespace {
using wp::test::kOther;
using wp::test::kWorker;
}  // namespace

TEST_CASE("a job travels from enqueue to done, with its bytes untouched") {
  QueueFixture f;
  NewJob job;
  job.type = "thumbnail";
  job.payload = std::string("line\n\0binary\xff", 13);
  const auto enqueued = f.put({job});
  REQUIRE(enqueued.size() == 1);
  CHECK(enqueued[0].id.size() == 13);
  CHECK_FALSE(enqueued[0].duplicate);

  const auto claimed = f.claim(kWorker);
  REQUIRE(claimed.size() == 1);
  CHECK(claimed[0].id == enqueued[0].id);
  CHECK(claimed[0].type == "thumbnail");
  CHECK(claimed[0].payload == job.payload);
  CHECK(claimed[0].failures == 0);
  CHECK(f.queue.job(enqueued[0].id).state == JobState::active);
  CHECK(f.queue.job(enqueued[0].id).worker == kWorker);
  f.check();

  const auto result =
      f.queue.step(kWorker, {f.settle(claimed[0], Outcome::complete, "{\"n\":1}")}, 0);
  REQUIRE(result.settled.size() == 1);
  CHECK(result.settled[0] == Settled::done);
  const JobView view = f.queue.job(enqueued[0].id);
  CHECK(view.state == JobState::done);
  CHECK(view.result.find("\"result\":{\"n\":1}") != std::string::npos);
  CHECK_FALSE(view.payload_kept);
  CHECK(view.type == "thumbnail");
  f.check();
}

TEST_CASE("strict priority, first in first out within one") {
  QueueFixture f;
  f.put("low", 1);
  f.put("a");
  f.put("b");
  f.put("high", 255);
  const auto claimed = f.claim(kWorker, 10);
  REQUIRE(claimed.size() == 4);
  CHECK(claimed[0].id == "high");
  CHECK(claimed[1].id == "a");
  CHECK(claimed[2].id == "b");
  CHECK(claimed[3].id == "low");
  CHECK(claimed[0].epoch < claimed[1].epoch);
  f.check();
}

TEST_CASE("a live id answers duplicate with its state, and changes nothing") {
  QueueFixture f;
  f.put("x");
  NewJob again;
  again.id = "x";
  again.payload = "other";
  CHECK(f.put({again})[0].state == JobState::ready);
  const auto claimed = f.claim(kWorker);
  CHECK(claimed[0].payload == "payload of x");
  auto repeated = f.put({again, again});
  CHECK(repeated[0].duplicate);
  CHECK(repeated[0].state == JobState::active);
  (void)f.queue.step(kWorker, {f.settle(claimed[0])}, 0);
  CHECK(f.put({again})[0].state == JobState::done);
  CHECK(f.queue.counts().waiting == 0);
  f.check();
}

TEST_CASE("a batch larger than one call is split and all of it arrives") {
  QueueFixture f;
  std::vector<NewJob> jobs(1234);
  for (NewJob& job : jobs) job.payload = "p";
  CHECK(f.queue.enqueue(jobs).size() == 1234);
  CHECK(f.queue.counts().waiting == 1234);
  f.check();
}

TEST_CASE("refusals take nothing: full by depth, full by bytes, too big, no pool") {
  QueueFixture f(Fields{{"max_depth", "3"}, {"max_payload", "100"}});
  f.put("1");
  f.put("2");
  std::vector<NewJob> two(2);
  try {
    (void)f.queue.enqueue(two);
    FAIL("accepted beyond maxDepth");
  } catch (const EnqueueRefused& e) {
    CHECK(e.reason() == EnqueueRefused::Reason::full);
    CHECK(e.retry_after() >= Millis{1000});
  }
  f.put("3");
  CHECK_THROWS_AS(f.put("4"), EnqueueRefused);
  // A duplicate is answered even when the queue is full: a producer's repeat is safe.
  f.put("3");
  const auto claimed = f.claim(kWorker);
  (void)f.queue.step(kWorker, {f.settle(claimed[0])}, 0);
  f.put("4");

  f.set("max_depth", "0");
  f.set("max_bytes", "110");
  std::vector<NewJob> fat(1);
  fat[0].payload = std::string(101, 'x');
  try {
    (void)f.queue.enqueue(fat);
    FAIL("accepted beyond maxPayload");
  } catch (const EnqueueRefused& e) {
    CHECK(e.reason() == EnqueueRefused::Reason::too_big);
  }
  fat[0].payload = std::string(100, 'x');
  try {
    (void)f.queue.enqueue(fat);
    FAIL("accepted beyond maxBytes");
  } catch (const EnqueueRefused& e) {
    CHECK(e.reason() == EnqueueRefused::Reason::full);
  }
  CHECK(f.queue.counts().waiting == 3);
  f.check();

  Queue nobody(f.connection, "nobody");
  std::vector<NewJob> one(1);
  CHECK_THROWS_AS((void)nobody.enqueue(one), EnqueueRefused);
  CHECK(nobody.enqueue(one, true).size() == 1);
}

TEST_CASE("failures are retried, counted, and bury the job at maxAttempts") {
  QueueFixture f;
  f.put("x");
  for (int attempt = 1; attempt <= 3; ++attempt) {
    const auto claimed = f.claim(kWorker);
    REQUIRE(claimed.size() == 1);
    CHECK(claimed[0].failures == attempt - 1);
    const auto result = f.queue.step(kWorker, {f.settle(claimed[0], Outcome::fail, "no luck")}, 0);
    CHECK(result.settled[0] == (attempt < 3 ? Settled::retried : Settled::dead));
    f.check();
  }
  const JobView view = f.queue.job("x");
  CHECK(view.state == JobState::dead);
  CHECK(view.failures == 3);
  CHECK(view.result.find("no luck") != std::string::npos);
  CHECK(view.payload == "payload of x");
}

TEST_CASE("a deferral counts nothing and waits as long as it was told") {
  QueueFixture f;
  f.put("x");
  auto claimed = f.claim(kWorker);
  Settlement s = f.settle(claimed[0], Outcome::defer);
  s.delay = Millis{3600000};
  CHECK(f.queue.step(kWorker, {s}, 1).settled[0] == Settled::deferred);
  const Counts counts = f.queue.counts({.horizon = Millis{3700000}});
  CHECK(counts.delayed == 1);
  CHECK(counts.due == 0);
  CHECK(counts.due_soon == 1);
  CHECK(f.queue.job("x").failures == 0);
  f.check();
}

TEST_CASE("a job is deferred a hundred times; from then on each is a failure") {
  QueueFixture f(Fields{{"max_attempts", "1000"}, {"backoff_factor", "10"}});
  f.put("x");
  for (int time = 1; time <= 500; ++time) {  // 10^400 is infinite
    const auto claimed = f.claim(kWorker);
    REQUIRE(claimed.size() == 1);
    REQUIRE(claimed[0].failures == std::max(0, time - 101));
    const auto result = f.queue.step(kWorker, {f.settle(claimed[0], Outcome::defer)}, 0);
    REQUIRE(result.settled[0] == (time <= 100 ? Settled::deferred : Settled::retried));
  }
  f.check();
}

TEST_CASE("a delayed job is claimed when it is due and not before") {
  QueueFixture f;
  NewJob job;
  job.id = "later";
  job.delay = Millis{3600000};
  CHECK(f.put({job})[0].state == JobState::delayed);
  const auto early = f.queue.step(kWorker, {}, 1);
  CHECK(early.claimed.empty());
  REQUIRE(early.view.next_due.has_value());
  CHECK(*early.view.next_due > early.view.now);
  (void)f.raw.execute({"ZADD", key_name("q", "delayed"), "1", "later"});
  CHECK(f.claim(kWorker).size() == 1);
  f.check();
}

TEST_CASE("released jobs return to their old place, uncounted") {
  QueueFixture f;
  f.put("first");
  f.put("second");
  const auto claimed = f.claim(kWorker);
  REQUIRE(claimed[0].id == "first");
  CHECK(f.queue.release(kWorker, {{claimed[0].id, claimed[0].epoch}}, ReleaseKind::interrupted,
                        false) == 1);
  const auto again = f.claim(kOther, 2);
  REQUIRE(again.size() == 2);
  CHECK(again[0].id == "first");
  CHECK(again[0].failures + again[0].crashes + again[0].losses == 0);
  f.check();
}

TEST_CASE("a job's own time-out comes with its claim, and a step's with that step") {
  QueueFixture f;
  NewJob job;
  job.id = "x";
  job.timeout = Millis{30'000};
  job.chain.resize(1);
  job.chain[0].id = "y";
  job.chain[0].timeout = Millis{7};
  f.put("plain");
  (void)f.put({job});
  auto claimed = f.claim(kWorker, 2);
  REQUIRE(claimed.size() == 2);
  CHECK(claimed[0].timeout == Millis{0});
  CHECK(claimed[1].timeout == Millis{30'000});
  CHECK(f.queue.job("x").timeout == Millis{30'000});
  Settlement s = f.settle(claimed[1]);
  s.next = next_in_chain("", claimed[1].chain, "");
  claimed = f.queue.step(kWorker, {s}, 1).claimed;
  REQUIRE(claimed.size() == 1);
  CHECK(claimed[0].id == "y");
  CHECK(claimed[0].timeout == Millis{7});
  f.check();
}

TEST_CASE("a job set aside comes later, behind the others, and nothing is counted") {
  QueueFixture f;
  f.put("first");
  f.put("second");
  const auto claimed = f.claim(kWorker);
  REQUIRE(claimed[0].id == "first");
  const std::vector<Claim> claims{{claimed[0].id, claimed[0].epoch}, {"second", claimed[0].epoch}};
  const auto stat = f.queue.counts().stat;
  CHECK(f.queue.release(kWorker, claims, ReleaseKind::aside, false) == 1);
  f.check();
  const JobView view = f.queue.job("first");
  CHECK(view.state == JobState::delayed);
  const Counts counts = f.queue.counts({.failures_since = Millis{1}});
  const Millis wait = view.due - counts.now;
  CHECK(wait > Millis{15'000});
  CHECK(wait <= Millis{30'000});
  CHECK(view.failures + view.crashes + view.losses + view.deferrals == 0);
  CHECK(view.result == "{}");
  CHECK(counts.failures.empty());
  CHECK(counts.stat == stat);
  CHECK(counts.delayed == 1);

  // It is not claimed again before, and comes last of its priority when it is due.
  f.put("third");
  CHECK(f.queue.release(kWorker, claims, ReleaseKind::aside, false) == 0);
  (void)f.raw.execute({"ZADD", key_name("q", "delayed"), "1", "first"});
  const auto again = f.claim(kOther, 3);
  REQUIRE(again.size() == 3);
  CHECK(again[0].id == "second");
  CHECK(again[1].id == "third");
  CHECK(again[2].id == "first");
  CHECK(again[2].payload == "payload of first");
  CHECK(again[2].failures + again[2].crashes + again[2].losses == 0);
  f.check();
}

TEST_CASE("setting aside: an idle runner learns of the due time, a cancelled job is dead") {
  QueueFixture f;
  f.put("x");
  f.put("y");
  const auto claimed = f.claim(kWorker, 2);
  (void)f.queue.cancel({"y"});
  (void)f.raw.execute({"DEL", key_name("q", "wake")});
  CHECK(f.queue.release(kWorker, {{"x", claimed[0].epoch}, {"y", claimed[1].epoch}},
                        ReleaseKind::aside, true) == 2);
  f.check();
  CHECK(f.queue.job("y").state == JobState::dead);
  CHECK(f.raw.execute({"LRANGE", key_name("q", "wake"), "0", "-1"}).array().size() == 1);
  const auto idle = f.queue.step(kOther, {}, 1);
  CHECK(idle.claimed.empty());
  CHECK(idle.view.next_due == f.queue.job("x").due);
}

TEST_CASE("a suspect that is set aside runs alone all the same") {
  QueueFixture f;
  f.put("x");
  f.put("y");
  CHECK(f.claim(kWorker, 2).size() == 2);
  CHECK(f.queue.register_worker("pod-a/0000000f", "{}", {}).taken_back == 2);
  const auto alone = f.claim(kOther);
  REQUIRE(alone.size() == 1);
  CHECK(f.queue.release(kOther, {{alone[0].id, alone[0].epoch}}, ReleaseKind::aside, false) == 1);
  f.check();
  CHECK(f.queue.job(alone[0].id).losses == 1);
  (void)f.raw.execute({"ZADD", key_name("q", "delayed"), "1", alone[0].id});
  (void)f.queue.step(kWorker, {}, 0);
  CHECK(f.queue.job(alone[0].id).state == JobState::alone);
  f.check();
}

TEST_CASE("leaving forgets the worker") {
  QueueFixture f;
  (void)f.queue.register_worker(kWorker, "{}", {});
  CHECK(f.queue.counts({.worker_info = true}).workers.size() == 1);
  (void)f.queue.release(kWorker, {}, ReleaseKind::unstarted, true);
  CHECK(f.queue.counts({.worker_info = true}).workers.empty());
}

TEST_CASE("registering without a configuration writes the defaults as standalone") {
  QueueFixture f;
  (void)f.raw.execute({"FLUSHALL"});
  const auto registered = f.queue.register_worker(kWorker, "{}", {{"lease_ms", "9000"}});
  CHECK(registered.config.present);
  CHECK(registered.config.owner == "standalone");
  CHECK(registered.config.number("lease_ms", 0) == 9000);
  // Any pool replaces it.
  CHECK(f.queue.write_config({{"lease_ms", "7000"}}, "h", "pool", 5) == ConfigWritten::written);
  CHECK(f.queue.read_config().number("lease_ms", 0) == 7000);
}

TEST_CASE("a queue of a newer format is refused with what to do") {
  QueueFixture f;
  f.set("format", "99");
  CHECK_THROWS_WITH_AS((void)f.queue.register_worker(kWorker, "{}", {}),
                       doctest::Contains("upgrade"), FormatError);
}

TEST_CASE("configuration: a lower term and another pool are refused") {
  QueueFixture f;
  CHECK(f.queue.write_config({}, "hash", "pool-uid", 1) == ConfigWritten::unchanged);
  CHECK(f.queue.write_config({}, "hash2", "pool-uid", 7) == ConfigWritten::written);
  CHECK(f.queue.write_config({}, "hash3", "pool-uid", 6) == ConfigWritten::stale_term);
  CHECK(f.queue.write_config({}, "hash4", "another", 9) == ConfigWritten::other_owner);
}

TEST_CASE(
    "a pool made again under its name takes its queue over; a late write of the old one fails") {
  QueueFixture f;
  (void)f.raw.execute({"DEL", key_name("q", "cfg")});
  const std::string old_pool = owner_of("uid-1", "ns/p");
  const std::string new_pool = owner_of("uid-2", "ns/p");
  CHECK(f.queue.write_config({}, "h", old_pool, 5) == ConfigWritten::written);
  CHECK(f.queue.write_config({}, "h", owner_of("uid-2", "ns/other"), 9) ==
        ConfigWritten::other_owner);
  CHECK(f.queue.write_config({}, "h", new_pool, 5) == ConfigWritten::other_owner);
  CHECK(f.queue.write_config({}, "h", new_pool, 6) == ConfigWritten::written);
  CHECK(f.queue.write_config({}, "h", old_pool, 5) == ConfigWritten::other_owner);
  CHECK(owner_gives_way("standalone", new_pool));
  CHECK_FALSE(owner_gives_way("somebody", new_pool));
  CHECK(shown_owner(new_pool) == "ns/p");
  CHECK(shown_owner("somebody") == "somebody");
  CHECK(shown_owner("uid@ns/p\x1b[2J") == "an unreadable name");
  CHECK(shown_owner("") == "an unreadable name");
}

TEST_CASE("pausing moves no data and stops claims; resuming brings the token back") {
  QueueFixture f;
  f.put("x");
  (void)f.queue.write_config({{"paused", "1"}}, "p", "pool-uid", 2);
  CHECK(f.claim(kWorker).empty());
  f.check();
  (void)f.queue.write_config({{"paused", "0"}}, "r", "pool-uid", 3);
  f.check();
  CHECK(f.claim(kWorker).size() == 1);
}

TEST_CASE("maxActive bounds what runs at once") {
  QueueFixture f(Fields{{"max_active", "2"}});
  for (int i = 0; i < 5; ++i) f.put("j" + std::to_string(i));
  const auto claimed = f.claim(kWorker, 5);
  CHECK(claimed.size() == 2);
  f.check();
  CHECK(f.claim(kOther, 5).empty());
  (void)f.queue.step(kWorker, {f.settle(claimed[0])}, 0);
  f.check();
  CHECK(f.claim(kOther, 5).size() == 1);
}

TEST_CASE("counts: what waits, runs, and by which type") {
  QueueFixture f;
  std::vector<NewJob> jobs(3);
  jobs[0].type = "a";
  jobs[1].type = "b";
  jobs[2].type = "b";
  (void)f.queue.enqueue(jobs);
  (void)f.queue.register_worker(kWorker, "{\"pod\":\"a\"}", {});
  (void)f.claim(kWorker);
  const Counts counts = f.queue.counts({.terminating = {"pod-a"}, .worker_info = true});
  CHECK(counts.waiting == 2);
  CHECK(counts.active == 1);
  CHECK(counts.active_serving == 0);
  CHECK(counts.types.at("a") == 0);
  CHECK(counts.types.at("b") == 2);
  CHECK(counts.stat.at("enqueued") == 3);
  CHECK(counts.stat.at("started") == 1);
  REQUIRE(counts.workers.size() == 1);
  CHECK(counts.workers[0].held == 1);
  CHECK(counts.workers[0].info == "{\"pod\":\"a\"}");
  CHECK(counts.oldest_wait.has_value());
  CHECK(counts.config_owner == "pool-uid");
}

TEST_CASE("done jobs are kept by count") {
  QueueFixture f(Fields{{"keep_done_count", "2"}});
  for (int i = 0; i < 5; ++i) f.put("j" + std::to_string(i));
  for (const auto& job : f.claim(kWorker, 5)) (void)f.queue.step(kWorker, {f.settle(job)}, 0);
  CHECK(f.queue.job("j0").state == JobState::unknown);
  CHECK(f.queue.job("j4").state == JobState::done);
  f.check();
}

TEST_CASE("bad jobs are refused before anything is sent") {
  QueueFixture f;
  std::vector<NewJob> jobs(1);
  jobs[0].id = "no/slash";
  CHECK_THROWS_WITH_AS((void)f.queue.enqueue(jobs), doctest::Contains("allowed are"),
                       std::invalid_argument);
  jobs[0] = NewJob{};
  jobs[0].priority = 256;
  CHECK_THROWS_AS((void)f.queue.enqueue(jobs), std::invalid_argument);
}

TEST_CASE("one reply carries no more than a client takes: large jobs are claimed a few at a time") {
  QueueFixture f;
  std::vector<NewJob> jobs(3);
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    jobs[i].id = "large" + std::to_string(i);
    jobs[i].chain.resize(30, ChainStep{"", "next", std::string(1024 * 1024, 'x'), 100});
  }
  (void)f.put(jobs);
  for (const std::size_t expected : {2U, 1U, 0U}) {
    const auto claimed = f.claim(expected == 2 ? "pod-a/1" : "pod-b/1", 16);
    CHECK(claimed.size() == expected);
    if (expected == 2) CHECK(claimed[0].id == "large0");
    f.check();
  }
}
