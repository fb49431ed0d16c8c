// Retirement: pods that may claim no more, by the operator's lease or a person's word.
#include <doctest/doctest.h>

#include "queue/queue.h"
#include "tests/queue/fixture.h"

using namespace wp;
using namespace wp::queue;
using wp::test::QueueFixture;

namespace {
using wp::test::kWorker;
const std::string kNext = "pod-a/00000002";
using wp::test::kOther;
const Millis kMinute{60000};
}  // namespace

TEST_CASE("a retired pod claims nothing, but settles and beats; its answer says what it holds") {
  QueueFixture f;
  f.put("x");
  f.put("y");
  const auto claimed = f.claim(kWorker);
  CHECK(f.queue.retire({"pod-a", "pod-b"}, RetiredBy::controller, 1) == std::vector<int>{1, 0});
  const auto step = f.queue.step(kWorker, {f.settle(claimed[0])}, 1);
  CHECK(step.settled[0] == Settled::done);
  CHECK(step.claimed.empty());
  CHECK(step.view.retired);
  CHECK(f.queue.beat(kWorker, {}, {}, "", false).view.retired);
  CHECK(f.queue.retire({"pod-a"}, RetiredBy::controller, 1) == std::vector<int>{0});
  CHECK(f.claim("pod-c/1").size() == 1);
  f.check();
}

TEST_CASE("a retirement holds for a pod that has not registered, and for its next incarnation") {
  QueueFixture f;
  f.put("x");
  (void)f.queue.retire({"pod-a"}, RetiredBy::controller, 1);
  (void)f.queue.register_worker(kWorker, "{}", {});
  CHECK(f.claim(kWorker).empty());
  (void)f.queue.register_worker(kNext, "{}", {});
  CHECK(f.claim(kNext).empty());
  CHECK(f.claim("pod-ab/1").size() == 1);
}

TEST_CASE("the controller's lapses unless renewed, a person's never does") {
  QueueFixture f;
  f.put("x");
  f.put("y");
  (void)f.queue.retire({"pod-a"}, RetiredBy::controller, 1, Millis{0});
  CHECK(f.claim(kWorker).size() == 1);
  (void)f.queue.retire({"pod-b"}, RetiredBy::person, 1, Millis{0});
  CHECK(f.claim(kOther).empty());
  const Counts counts = f.queue.counts();
  REQUIRE(counts.retired.size() == 1);
  CHECK(counts.retired[0].pod == "pod-b");
  CHECK(counts.retired[0].by == RetiredBy::person);
}

TEST_CASE("what a retired pod holds is told with its retirement, whoever of it is known") {
  QueueFixture f;
  f.put("x");
  f.put("y");
  f.put("z");
  CHECK(f.claim(kWorker, 2).size() == 2);
  CHECK(f.claim(kOther, 1).size() == 1);
  (void)f.queue.retire({"pod-a", "pod-none"}, RetiredBy::controller, 1);
  const Counts counts = f.queue.counts();
  REQUIRE(counts.retired.size() == 2);
  for (const Retirement& one : counts.retired) CHECK(one.held == (one.pod == "pod-a" ? 2 : 0));
  CHECK(counts.active_serving == 1);
}

TEST_CASE("the controller neither renews nor takes back what a person ordered") {
  QueueFixture f;
  f.put("x");
  (void)f.queue.retire({"pod-a"}, RetiredBy::person, 0, kMinute);
  CHECK(f.queue.retire({"pod-a"}, RetiredBy::controller, 1, Millis{0}) == std::vector<int>{0});
  CHECK(f.queue.unretire({"pod-a"}, RetiredBy::controller, 1) == 0);
  CHECK(f.claim(kWorker).empty());
  CHECK(f.queue.unretire({"pod-a"}, RetiredBy::person, 0) == 1);
  CHECK(f.claim(kWorker).size() == 1);
}

TEST_CASE("a term that is out of date is refused, whatever it wants") {
  QueueFixture f;
  (void)f.queue.write_config({}, "new", "pool-uid", 7);
  CHECK_FALSE(f.queue.retire({"pod-a"}, RetiredBy::controller, 6).has_value());
  CHECK(f.queue.retire({"pod-a"}, RetiredBy::controller, 7).has_value());
  CHECK_FALSE(f.queue.unretire({"pod-a"}, RetiredBy::controller, 6).has_value());
  f.put("x");
  CHECK(f.claim(kWorker).empty());
  CHECK(f.queue.unretire({"pod-a"}, RetiredBy::controller, 8) == 1);
  CHECK(f.claim(kWorker).size() == 1);
}

TEST_CASE("an orphaned queue refuses a late write of an older term") {
  QueueFixture f;
  (void)f.queue.write_config({}, "new", "pool-uid", 7);
  CHECK(f.queue.orphan("pool-uid", 8) == ConfigWritten::written);
  CHECK(f.queue.write_config({}, "late", "pool-uid", 6) == ConfigWritten::stale_term);
  std::vector<NewJob> one(1);
  CHECK_THROWS_AS((void)f.queue.enqueue(one), EnqueueRefused);
  CHECK(f.queue.write_config({}, "next", "another", 9) == ConfigWritten::written);
  CHECK(f.queue.enqueue(one).size() == 1);
}

TEST_CASE("jobs on retired pods don't count as served; a retired worker's STEP leaves the token") {
  QueueFixture f;
  f.put("x");
  f.put("y");
  REQUIRE(f.claim(kWorker).size() == 1);
  (void)f.queue.retire({"pod-a"}, RetiredBy::controller, 1);
  CHECK(f.queue.counts().active_serving == 0);
  CHECK(f.queue.counts().active == 1);
  (void)f.raw.execute({"RPOP", f.queue.wake_key()});
  (void)f.queue.step(kWorker, {}, 1);
  CHECK(f.raw.execute({"LLEN", f.queue.wake_key()}).integer() == 1);
  f.check();
}
