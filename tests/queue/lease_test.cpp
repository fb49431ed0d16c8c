// Who owns a job: fences, lapsed leases, lost replies, returning workers, suspects.
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

// Lets the leases of all active jobs lie in the past, as if their workers had been silent.
void lapse(QueueFixture& f) {
  const auto ids = f.raw.execute({"ZRANGE", key_name("q", "active"), "0", "-1"});
  for (const auto& id : ids.array()) {
    (void)f.raw.execute({"ZADD", key_name("q", "active"), "1", id.text()});
  }
}

}  // namespace

TEST_CASE("a settlement with another worker's or an older fence changes nothing") {
  QueueFixture f;
  f.put("x");
  auto claimed = f.claim(kWorker);
  Settlement s = f.settle(claimed[0]);
  CHECK(f.queue.step(kOther, {s}, 0).settled[0] == Settled::stale);
  s.epoch -= 1;
  CHECK(f.queue.step(kWorker, {s}, 0).settled[0] == Settled::stale);
  CHECK(f.queue.job("x").state == JobState::active);
  f.check();
}

TEST_CASE("a settlement repeated in one call or in the next is accepted once") {
  QueueFixture f;
  f.put("x");
  const auto claimed = f.claim(kWorker);
  const Settlement s = f.settle(claimed[0]);
  const auto result = f.queue.step(kWorker, {s, s}, 0);
  CHECK(result.settled[0] == Settled::done);
  CHECK(result.settled[1] == Settled::stale);
  CHECK(f.queue.step(kWorker, {s}, 0).settled[0] == Settled::stale);
  CHECK(f.queue.counts().stat.at("completed") == 1);
  f.check();
}

TEST_CASE("a lapsed lease returns the job to its old place; the zombie's result is stale") {
  QueueFixture f;
  f.put("x");
  f.put("y");
  const auto zombie = f.claim(kWorker);
  REQUIRE(zombie[0].id == "x");
  lapse(f);
  const auto successor = f.claim(kOther);
  REQUIRE(successor.size() == 1);
  CHECK(successor[0].id == "x");
  CHECK(successor[0].losses == 1);
  CHECK(successor[0].failures == 0);
  CHECK(f.queue.step(kWorker, {f.settle(zombie[0])}, 0).settled[0] == Settled::stale);
  const auto beat = f.queue.beat(kWorker, {{zombie[0].id, zombie[0].epoch}}, {}, "", false);
  CHECK(beat.lost == std::vector<std::string>{"x"});
  CHECK(f.queue.step(kOther, {f.settle(successor[0])}, 0).settled[0] == Settled::done);
  f.check();
}

TEST_CASE("too many losses bury the job and say why") {
  QueueFixture f(Fields{{"max_losses", "1"}});
  f.put("x");
  for (int i = 0; i < 2; ++i) {
    REQUIRE(f.claim(kWorker).size() == 1);
    lapse(f);
    (void)f.queue.step(kOther, {}, 0);
  }
  const JobView view = f.queue.job("x");
  CHECK(view.state == JobState::dead);
  CHECK(view.result.find("worker lost") != std::string::npos);
  f.check();
}

TEST_CASE("a beat renews what it names, and next_due tells when a lease would lapse") {
  QueueFixture f;
  f.put("x");
  const auto claimed = f.claim(kWorker);
  lapse(f);
  const auto beat = f.queue.beat(kWorker, {{"x", claimed[0].epoch}}, {}, "", false);
  CHECK(beat.lost.empty());
  REQUIRE(beat.view.next_due.has_value());
  CHECK(*beat.view.next_due > beat.view.now + Millis{10000});
  CHECK(f.claim(kOther).empty());
  f.check();
}

TEST_CASE("after a gap nothing is reaped for one lease") {
  QueueFixture f;
  f.put("x");
  (void)f.claim(kWorker);
  lapse(f);
  f.set("seen", "1000");  // nobody was heard of since 1970
  CHECK(f.claim(kOther).empty());
  CHECK(f.queue.job("x").state == JobState::active);
  f.set("hold", "0");
  CHECK(f.claim(kOther).size() == 1);
  f.check();
}

TEST_CASE("after the clock stepped back, an expiry beyond now + lease is clamped") {
  QueueFixture f;
  f.put("x");
  (void)f.claim(kWorker);
  f.set("seen", "9007199254740000");
  (void)f.raw.execute({"ZADD", key_name("q", "active"), "9007199254740000", "x"});
  const auto step = f.queue.step(kOther, {}, 0);
  CHECK(f.queue.job("x").lease_until <= step.view.now + Millis{15000});
  f.check();
}

TEST_CASE("a lease that becomes shorter takes no job away from a worker that has not heard of it") {
  QueueFixture f(Fields{{"lease_ms", "60000"}});
  f.put("x");
  (void)f.claim(kWorker);
  const Millis before = f.queue.job("x").lease_until;
  CHECK(f.queue.write_config({{"lease_ms", "5000"}}, "shorter", "pool-uid", 2) ==
        ConfigWritten::written);
  (void)f.queue.step(kOther, {}, 0);
  CHECK(f.queue.job("x").lease_until == before);
  f.check();
}

TEST_CASE("a full beat gives back claims whose reply was lost, uncounted") {
  QueueFixture f;
  f.put("known");
  f.put("unknown");
  const auto claimed = f.claim(kWorker, 2);
  const auto beat = f.queue.beat(kWorker, {{"known", claimed[0].epoch}}, {}, "", true);
  CHECK(beat.lost.empty());
  CHECK(f.queue.job("known").state == JobState::active);
  const JobView back = f.queue.job("unknown");
  CHECK(back.state == JobState::ready);
  CHECK(back.losses == 0);
  f.check();
}

TEST_CASE("a returning pod gives back what its last incarnation held: one job is a crash") {
  QueueFixture f;
  f.put("x");
  (void)f.claim(kWorker);
  const auto registered = f.queue.register_worker("pod-a/0000000f", "{}", {});
  CHECK(registered.taken_back == 1);
  CHECK(f.queue.job("x").crashes == 1);
  CHECK(f.queue.job("x").state == JobState::ready);
  f.check();
}

TEST_CASE("several jobs at a crash: a loss for each, and each runs alone next time") {
  QueueFixture f;
  f.put("x");
  f.put("y");
  f.put("z");
  CHECK(f.claim(kWorker, 2).size() == 2);
  CHECK(f.queue.register_worker("pod-a/0000000f", "{}", {}).taken_back == 2);
  CHECK(f.queue.job("x").state == JobState::alone);
  CHECK(f.queue.job("x").losses == 1);
  CHECK(f.queue.job("x").crashes == 0);
  f.check();

  // An idle worker takes the suspect, and only it.
  const auto first = f.claim(kOther, 5);
  REQUIRE(first.size() == 1);
  CHECK(first[0].id == "x");
  CHECK(first[0].alone);
  // It gets nothing else until that is settled; then the next suspect, alone again, then the rest.
  CHECK(f.claim(kOther, 5).empty());
  const auto second = f.queue.step(kOther, {f.settle(first[0])}, 5);
  REQUIRE(second.claimed.size() == 1);
  CHECK(second.claimed[0].id == "y");
  f.check();
  const auto rest = f.queue.step(kOther, {f.settle(second.claimed[0])}, 5);
  REQUIRE(rest.claimed.size() == 1);
  CHECK(rest.claimed[0].id == "z");
  f.check();
}

TEST_CASE("a suspect whose token a busy worker took is told to the next idle one by its beat") {
  QueueFixture f;
  f.put("x");
  f.put("y");
  CHECK(f.claim(kWorker, 2).size() == 2);
  CHECK(f.queue.register_worker("pod-a/0000000f", "{}", {}).taken_back == 2);
  f.put("z");
  REQUIRE(f.claim(kOther, 1).at(0).id == "x");  // kOther is busy with a suspect now
  const std::string idle = "pod-c/00000003";
  REQUIRE(f.claim("pod-d/00000004", 1).at(0).id == "y");
  (void)f.queue.release("pod-d/00000004", {}, ReleaseKind::unstarted, false);
  (void)f.raw.execute({"DEL", key_name("q", "wake")});
  CHECK(f.claim(idle, 1).at(0).id == "z");
  (void)f.queue.register_worker("pod-d/0000000e", "{}", {});  // y is back, alone again
  REQUIRE(f.queue.job("y").state == JobState::alone);
  (void)f.raw.execute({"DEL", key_name("q", "wake")});
  CHECK_FALSE(f.queue.beat(kOther, {}, {}, "", false).view.claimable);
  CHECK(f.queue.beat("pod-e/00000005", {}, {}, "", false).view.claimable);
}

TEST_CASE("another pod whose name begins alike keeps its jobs") {
  QueueFixture f;
  f.put("x");
  (void)f.claim("pod-a0/00000001");
  CHECK(f.queue.register_worker("pod-a/00000001", "{}", {}).taken_back == 0);
  CHECK(f.queue.beat("pod-a/00000001", {}, {}, "", true).lost.empty());
  CHECK(f.queue.job("x").state == JobState::active);
}

TEST_CASE("progress is visible while the job runs") {
  QueueFixture f;
  f.put("x");
  const auto claimed = f.claim(kWorker);
  (void)f.queue.beat(kWorker, {{"x", claimed[0].epoch}}, {{"x", 40, "half way"}}, "", false);
  const JobView view = f.queue.job("x");
  CHECK(view.result.find("\"progress\":40") != std::string::npos);
  CHECK(view.result.find("half way") != std::string::npos);
}

TEST_CASE("at maxmemory running jobs keep their leases and settle; only enqueue is refused") {
  QueueFixture f;
  f.put("x");
  f.put("y");
  auto claimed = f.claim(kWorker, 2);
  (void)f.raw.execute({"CONFIG", "SET", "maxmemory-policy", "noeviction"});
  (void)f.raw.execute({"CONFIG", "SET", "maxmemory", "1"});
  std::vector<NewJob> more(1);
  try {
    (void)f.queue.enqueue(more);
    FAIL("accepted at maxmemory");
  } catch (const EnqueueRefused& e) {
    CHECK(e.reason() == EnqueueRefused::Reason::out_of_memory);
  }
  CHECK(f.queue.beat(kWorker, {{"x", claimed[0].epoch}, {"y", claimed[1].epoch}}, {}, "{}", true)
            .lost.empty());
  CHECK(f.queue.step(kWorker, {f.settle(claimed[0], Outcome::complete, "fine")}, 0).settled[0] ==
        Settled::done);
  CHECK(f.queue.release(kWorker, {{"y", claimed[1].epoch}}, ReleaseKind::interrupted, true) == 1);
  (void)f.queue.register_worker(kOther, "{}", {});
  CHECK(f.claim(kOther).size() == 1);
  (void)f.raw.execute({"CONFIG", "SET", "maxmemory", "0"});
  f.check();
}
