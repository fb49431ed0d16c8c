// What is kept of finished jobs, and when it goes: by count, age and bytes.
#include <doctest/doctest.h>

#include "queue/queue.h"
#include "tests/queue/fixture.h"

using namespace wp;
using namespace wp::queue;
using wp::test::Fields;
using wp::test::QueueFixture;

namespace {

using wp::test::kWorker;
const std::string kGone = "pod-b/00000001";

void lapse(QueueFixture& f, const std::string& id) {
  (void)f.raw.execute({"ZADD", key_name("q", "active"), "1", id});
}

}  // namespace

TEST_CASE("TRIM promotes and reaps for a queue that nobody serves") {
  QueueFixture f;
  f.put("lost");
  REQUIRE(f.claim(kGone).size() == 1);
  lapse(f, "lost");
  NewJob later;
  later.id = "later";
  later.delay = Millis{3600000};
  (void)f.put({later});
  (void)f.raw.execute({"ZADD", key_name("q", "delayed"), "1", "later"});
  const Trimmed trimmed = f.queue.trim();
  CHECK(trimmed.promoted == 1);
  CHECK(trimmed.reaped == 1);
  CHECK(f.queue.job("lost").state == JobState::ready);
  CHECK(f.queue.job("later").state == JobState::ready);
  f.check();
}

namespace {

// Completes so many jobs, j0 first, each in a call of its own.
void complete(QueueFixture& f, int count) {
  for (int i = 0; i < count; ++i) {
    f.put("j" + std::to_string(i));
    (void)f.queue.step(kWorker, {f.settle(f.claim(kWorker).at(0))}, 0);
  }
}

void bury(QueueFixture& f, int count) {
  for (int i = 0; i < count; ++i) {
    const std::string id = "j" + std::to_string(i);
    f.put(id);
    (void)f.queue.cancel({id});
    // Apart by more than a ms: which is the oldest is certain.
    (void)f.raw.execute({"ZINCRBY", key_name("q", "dead"), std::to_string(10 * (i - count)), id});
  }
}

}  // namespace

TEST_CASE("with a count of none a completed job leaves nothing behind") {
  QueueFixture f(Fields{{"keep_done_count", "0"}, {"keep_payloads", "1"}});
  f.put("x");
  const auto claimed = f.claim(kWorker);
  (void)f.queue.beat(kWorker, {{"x", claimed[0].epoch}}, {{"x", 50, "half"}}, "", false);
  (void)f.queue.step(kWorker, {f.settle(claimed[0], Outcome::complete, "result")}, 0);
  CHECK(f.queue.job("x").state == JobState::unknown);
  CHECK(f.queue.counts().bytes == 0);
  f.put("x");  // its id is free again
  CHECK(f.queue.job("x").state == JobState::ready);
  f.check();
}

TEST_CASE("payloads are kept when asked for, count as bytes, and go with their jobs") {
  QueueFixture f(Fields{{"keep_done_count", "2"}, {"keep_payloads", "1"}});
  complete(f, 3);
  CHECK(f.queue.job("j0").state == JobState::unknown);
  CHECK(f.queue.job("j2").payload == "payload of j2");
  CHECK(f.queue.counts().bytes > 0);
  f.check();
  (void)f.queue.write_config({{"keep_payloads", "0"}, {"keep_done_count", "1"}}, "less", "pool-uid",
                             2);
  (void)f.queue.trim();
  CHECK(f.queue.job("j2").payload == "payload of j2");
  CHECK(f.queue.job("j1").state == JobState::unknown);
  f.check();
}

TEST_CASE("dead jobs are kept by count and by bytes, the oldest go first") {
  QueueFixture f(Fields{{"keep_dead_count", "2"}});
  bury(f, 4);
  f.put("last");
  (void)f.queue.cancel({"last"});
  CHECK(f.queue.counts().dead == 2);
  CHECK(f.queue.job("j3").state == JobState::dead);
  f.check();
  (void)f.queue.write_config({{"keep_dead_bytes", "20"}}, "less", "pool-uid", 2);
  (void)f.queue.trim();
  CHECK(f.queue.counts().dead == 1);
  CHECK(f.queue.counts().dead_bytes <= 20);
  CHECK(f.queue.job("last").state == JobState::dead);
  f.check();
}

TEST_CASE("dead jobs of a crash and of lapsed leases are trimmed as well") {
  QueueFixture f(Fields{{"keep_dead_count", "1"}, {"max_losses", "0"}, {"max_crashes", "0"}});
  for (const char* id : {"a", "b", "c"}) f.put(id);
  REQUIRE(f.claim(kGone, 3).size() == 3);
  lapse(f, "a");
  (void)f.queue.step(kWorker, {}, 0);
  CHECK(f.queue.counts().dead == 1);
  (void)f.queue.register_worker("pod-b/00000002", "", {});
  CHECK(f.queue.counts().dead == 1);
  CHECK(f.queue.counts().stat.at("dead") == 3);
  f.check();
}

TEST_CASE("what is kept too long goes while workers only beat: nothing has to end for it") {
  QueueFixture f(Fields{{"keep_done_age_ms", "60000"}, {"keep_dead_age_ms", "60000"}});
  complete(f, 2);
  f.put("dead");
  (void)f.queue.cancel({"dead"});
  (void)f.raw.execute({"ZADD", key_name("q", "done"), "1000", "j0"});
  (void)f.raw.execute({"ZADD", key_name("q", "dead"), "1000", "dead"});
  (void)f.queue.beat(kWorker, {}, {}, "", false);
  CHECK(f.queue.job("j0").state == JobState::unknown);
  CHECK(f.queue.job("j1").state == JobState::done);
  CHECK(f.queue.job("dead").state == JobState::unknown);
  f.check();
}

TEST_CASE("a count of none lowered later takes the old ones too") {
  QueueFixture f;
  complete(f, 2);
  (void)f.queue.write_config({{"keep_done_count", "0"}}, "less", "pool-uid", 2);
  (void)f.queue.beat(kWorker, {}, {}, "", false);
  CHECK(f.queue.counts().done == 0);
  f.check();
}

TEST_CASE("at most a hundred go in one call, beside as many as it adds") {
  QueueFixture f;
  std::vector<NewJob> jobs(300);
  (void)f.queue.enqueue(jobs);
  std::vector<Settlement> settlements;
  for (const ClaimedJob& job : f.claim(kWorker, 300)) settlements.push_back(f.settle(job));
  (void)f.queue.step(kWorker, settlements, 0);
  (void)f.queue.write_config({{"keep_done_count", "10"}}, "less", "pool-uid", 2);
  CHECK(f.queue.trim().dropped == 100);
  CHECK(f.queue.trim().dropped == 100);
  CHECK(f.queue.trim().dropped == 90);
  CHECK(f.queue.trim().dropped == 0);
  f.check();
}
