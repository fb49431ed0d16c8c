// The rate: at most so many claims in a time, over all workers.
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

struct RateFixture : QueueFixture {
  RateFixture()
      : QueueFixture(
            Fields{{"rate_jobs", "3"}, {"rate_per_ms", "3600000"}, {"lease_ms", "7200000"}}) {
    std::vector<NewJob> jobs(10);
    (void)queue.enqueue(jobs);
  }
  std::int64_t tokens() { return raw.execute({"LLEN", queue.wake_key()}).integer(); }
};

}  // namespace

TEST_CASE("no more claims than the bucket holds, over all workers and calls") {
  RateFixture f;
  CHECK(f.claim(kWorker, 2).size() == 2);
  CHECK(f.claim(kOther, 5).size() == 1);
  CHECK(f.claim(kWorker, 5).empty());
  CHECK(f.queue.counts().waiting == 7);
  f.check();
}

TEST_CASE("where only the rate forbids a claim, STEP and BEAT say when it opens") {
  RateFixture f;
  const auto step = f.queue.step(kWorker, {}, 5);
  CHECK(step.claimed.size() == 3);
  CHECK_FALSE(step.view.claimable);
  REQUIRE(step.view.next_due.has_value());
  CHECK(*step.view.next_due > step.view.now + Millis{1000000});
  CHECK(*step.view.next_due <= step.view.now + Millis{1200001});  // a third of an hour
  const auto beat = f.queue.beat(kOther, {}, {}, "", false);
  CHECK_FALSE(beat.view.claimable);
  CHECK(beat.view.next_due.has_value());
}

TEST_CASE("the bucket fills with time, up to its size") {
  RateFixture f;
  (void)f.claim(kWorker, 5);
  const std::int64_t now = f.queue.counts().now.count();
  f.set("rate_at", std::to_string(now - 1200000));  // a third of the time has passed
  CHECK(f.claim(kWorker, 5).size() == 1);
  f.set("rate_at", "1000");
  CHECK(f.claim(kWorker, 5).size() == 3);
  f.check();
}

TEST_CASE("releases and failures give no token back; without a rate all is open") {
  RateFixture f;
  const auto claimed = f.claim(kWorker, 3);
  std::vector<Claim> claims;
  for (const ClaimedJob& job : claimed) claims.push_back({job.id, job.epoch});
  CHECK(f.queue.release(kWorker, claims, ReleaseKind::unstarted, false) == 3);
  CHECK(f.claim(kWorker, 5).empty());
  (void)f.queue.write_config({{"rate_jobs", "0"}}, "open", "pool-uid", 2);
  CHECK(f.tokens() == 1);
  CHECK(f.claim(kWorker, 20).size() == 10);
  f.check();
}

TEST_CASE("a clock that stepped back doesn't close the bucket for as long") {
  RateFixture f;
  (void)f.claim(kWorker, 1);
  f.set("rate_at", "9007199254740000");
  CHECK(f.claim(kWorker, 5).size() == 2);
  const std::int64_t now = f.queue.counts().now.count();
  CHECK(f.queue.read_config().number("rate_at", 0) <= now);
  f.check();
}

TEST_CASE("the token for others comes back when the rate opens and a runner STEPs") {
  RateFixture f;
  (void)f.claim(kWorker, 3);
  (void)f.raw.execute({"DEL", f.queue.wake_key()});
  (void)f.queue.step(kOther, {}, 1);
  CHECK(f.tokens() == 0);
  f.set("rate_at", "1000");
  CHECK(f.claim(kOther, 1).size() == 1);
  CHECK(f.tokens() == 1);
  f.check();
}
