// A person's operations by id: cancel, promote, reprioritise, redrive, remove, purge, list.
#include <doctest/doctest.h>

#include "queue/queue.h"
#include "tests/queue/fixture.h"

using namespace wp;
using namespace wp::queue;
using wp::test::Fields;
using wp::test::QueueFixture;

namespace {

using wp::test::kOther;
using wp::test::kWorker;

void put_later(QueueFixture& f, const std::string& id) {
  NewJob job;
  job.id = id;
  job.delay = Millis{3600000};
  (void)f.put({job});
}

}  // namespace

TEST_CASE("a cancelled waiting or delayed job is dead at once; others are left as they are") {
  QueueFixture f;
  f.put("done");
  (void)f.queue.step(kWorker, {f.settle(f.claim(kWorker).at(0))}, 0);
  f.put("ready");
  put_later(f, "later");
  const auto answers = f.queue.cancel({"ready", "later", "done", "nobody"});
  CHECK(answers[0].state == JobState::ready);
  CHECK(answers[0].changed);
  CHECK(answers[1].state == JobState::delayed);
  CHECK(answers[2].state == JobState::done);
  CHECK_FALSE(answers[2].changed);
  CHECK(answers[3].state == JobState::unknown);
  CHECK(f.queue.job("ready").state == JobState::dead);
  CHECK(f.queue.job("later").state == JobState::dead);
  CHECK(f.claim(kWorker).empty());
  f.check();
}

TEST_CASE("a running job's worker hears of the cancel, and the job never runs again") {
  for (const Outcome outcome : {Outcome::fail, Outcome::crash, Outcome::defer, Outcome::stall}) {
    QueueFixture f;
    f.put("x");
    const auto claimed = f.claim(kWorker);
    CHECK(f.queue.cancel({"x"})[0].state == JobState::active);
    const auto beat = f.queue.beat(kWorker, {{"x", claimed[0].epoch}}, {}, "", false);
    CHECK(beat.view.cancelled == std::vector<std::string>{"x"});
    CHECK(f.queue.step(kWorker, {f.settle(claimed[0], outcome)}, 1).settled[0] == Settled::dead);
    CHECK(f.queue.job("x").failures == 0);
    CHECK(f.queue.counts().stat.at("cancelled") == 1);
    f.check();
  }
}

TEST_CASE("a cancelled job that completes first is done; one whose worker is gone is dead") {
  QueueFixture f;
  f.put("x");
  f.put("y");
  f.put("z");
  const auto claimed = f.claim(kWorker, 3);
  (void)f.queue.cancel({"x", "y", "z"});
  CHECK(f.queue.step(kWorker, {f.settle(claimed[0])}, 0).settled[0] == Settled::done);
  (void)f.queue.release(kWorker, {{"y", claimed[1].epoch}}, ReleaseKind::unstarted, false);
  CHECK(f.queue.job("y").state == JobState::dead);
  (void)f.queue.register_worker("pod-a/00000009", "{}", {});
  CHECK(f.queue.job("z").state == JobState::dead);
  CHECK(f.queue.job("z").crashes == 0);
  f.check();
}

TEST_CASE("promote makes a delayed job ready at the end of its priority") {
  QueueFixture f;
  put_later(f, "later");
  f.put("x");
  const auto answers = f.queue.promote({"later", "x"});
  CHECK(answers[0].changed);
  CHECK_FALSE(answers[1].changed);
  const auto claimed = f.claim(kWorker, 2);
  REQUIRE(claimed.size() == 2);
  CHECK(claimed[1].id == "later");
  CHECK(claimed[1].waited < Millis{60000});
  f.check();
}

TEST_CASE("reprioritise moves a job among equals by its age; running ones are left") {
  QueueFixture f;
  f.put("running", 255);
  REQUIRE(f.claim(kWorker).size() == 1);
  f.put("old", 10);
  f.put("new", 200);
  put_later(f, "later");
  (void)f.queue.reprioritise({"old", "later", "running"}, 200);
  CHECK(f.queue.job("later").priority == 200);
  CHECK(f.queue.job("running").priority == 255);
  const auto claimed = f.claim(kOther, 2);
  CHECK(claimed.at(0).id == "old");
  CHECK(claimed.at(0).priority == 200);
  CHECK_THROWS_AS((void)f.queue.reprioritise({"old"}, 256), std::invalid_argument);
  f.check();
}

TEST_CASE("redrive begins anew, and the history stays to the end") {
  QueueFixture f(Fields{{"max_attempts", "1"}});
  f.put("x");
  (void)f.queue.step(kWorker, {f.settle(f.claim(kWorker).at(0), Outcome::fail, "no luck")}, 0);
  REQUIRE(f.queue.job("x").state == JobState::dead);
  CHECK(f.queue.counts().dead_bytes > 0);
  CHECK(f.queue.redrive({"x", "nobody"})[0].changed);
  CHECK(f.queue.counts().dead_bytes == 0);
  const ClaimedJob again = f.claim(kWorker).at(0);
  CHECK(again.failures == 0);
  (void)f.queue.step(kWorker, {f.settle(again)}, 0);
  CHECK(f.queue.job("x").state == JobState::done);
  CHECK(f.queue.job("x").result.find("no luck") != std::string::npos);
  f.check();
}

TEST_CASE("redrive without ids takes the oldest") {
  QueueFixture f(Fields{{"keep_dead_age_ms", "0"}});
  for (const char* id : {"a", "b", "c"}) {
    f.put(id);
    (void)f.queue.cancel({id});
    (void)f.raw.execute({"ZADD", key_name("q", "dead"), std::to_string(id[0]), id});
  }
  const auto answers = f.queue.redrive_oldest(2);
  REQUIRE(answers.size() == 2);
  CHECK(answers[0].id == "a");
  CHECK(answers[1].id == "b");
  CHECK(f.queue.counts().dead == 1);
  f.check();
}

TEST_CASE("remove drops everything of a job but a running one") {
  QueueFixture f(Fields{{"keep_payloads", "1"}});
  f.put("done");
  (void)f.queue.step(kWorker, {f.settle(f.claim(kWorker).at(0))}, 0);
  f.put("dead");
  (void)f.queue.cancel({"dead"});
  f.put("running", 255);
  const auto running = f.claim(kWorker);
  f.put("ready");
  put_later(f, "later");
  const auto answers = f.queue.remove({"done", "dead", "running", "ready", "later"});
  CHECK_FALSE(answers[2].changed);
  for (const char* id : {"done", "dead", "ready", "later"}) {
    CHECK(f.queue.job(id).state == JobState::unknown);
  }
  CHECK(f.queue.step(kWorker, {f.settle(running[0])}, 0).settled[0] == Settled::done);
  CHECK(f.queue.counts().stat.at("removed") == 4);
  f.put("ready");  // its id is free again
  f.check();
}

TEST_CASE("purge drops a state page by page") {
  QueueFixture f;
  std::vector<NewJob> jobs(1500);
  (void)f.queue.enqueue(jobs);
  const Purged first = f.queue.purge(JobState::ready, 1000);
  CHECK(first.dropped == 1000);
  CHECK(first.left == 500);
  f.check();
  CHECK(f.queue.purge(JobState::ready, 1000).left == 0);
  CHECK(f.queue.counts().bytes == 0);
  CHECK_THROWS_AS((void)f.queue.purge(JobState::active, 1), std::invalid_argument);
  f.check();
}

TEST_CASE("list: what runs next first, the newest of the finished first, a page at a time") {
  QueueFixture f(Fields{{"keep_dead_age_ms", "0"}});
  f.put("low", 1);
  f.put("high", 200);
  f.put("mid");
  const JobPage page = f.queue.list(JobState::ready, 1, 1);
  CHECK(page.total == 3);
  REQUIRE(page.jobs.size() == 1);
  CHECK(page.jobs[0].first == "mid");
  for (const char* id : {"mid", "low"}) {
    (void)f.queue.cancel({id});
    (void)f.raw.execute({"ZADD", key_name("q", "dead"), std::to_string(id[0]), id});
  }
  CHECK(f.queue.list(JobState::dead, 0, 10).jobs.at(0).first == "mid");
  CHECK(f.queue.list(JobState::active, 0, 10).jobs.empty());
}

TEST_CASE("a person's pause stands beside the pool's, and says whose it is") {
  QueueFixture f;
  f.put("x");
  CHECK(f.queue.pause("ann").empty());
  CHECK(f.queue.pause("bob") == "ann");
  (void)f.queue.write_config({{"paused", "0"}}, "new", "pool-uid", 2);
  CHECK(f.claim(kWorker).empty());
  CHECK(f.queue.counts().paused_by == "bob");
  f.check();
  CHECK(f.queue.resume() == "bob");
  CHECK(f.claim(kWorker).size() == 1);
  f.check();
}
