// Workers that are gone: what RECLAIM and REGISTER take back, and what they leave alone.
#include <doctest/doctest.h>

#include "queue/queue.h"
#include "tests/queue/fixture.h"

using namespace wp;
using namespace wp::queue;
using wp::test::Fields;
using wp::test::QueueFixture;

namespace {

const std::string kGone = "pod-a/00000001";
const std::string kNext = "pod-a/00000002";
const std::string kOther = "pod-b/00000001";

std::vector<std::string> put_many(QueueFixture& f, int count) {
  std::vector<NewJob> jobs(static_cast<std::size_t>(count));
  std::vector<std::string> ids;
  for (const Enqueued& enqueued : f.queue.enqueue(jobs)) ids.push_back(enqueued.id);
  return ids;
}

}  // namespace

TEST_CASE("the living worker of one pod doesn't hide what another pod held") {
  QueueFixture f;
  (void)put_many(f, 5);
  REQUIRE(f.claim(kGone, 2).size() == 2);
  REQUIRE(f.claim(kOther, 3).size() == 3);
  const Reclaimed answer =
      f.queue.reclaim({"pod-a", "pod-b"}, LossCause::loss, "is gone", 1, kOther).value();
  CHECK(answer.taken == 2);
  CHECK(answer.left == 0);
  CHECK(f.queue.counts().active == 3);
  f.check();
}

TEST_CASE("the new incarnation of a pod keeps its jobs when the old one's are taken back") {
  QueueFixture f;
  (void)put_many(f, 3);
  REQUIRE(f.claim(kGone, 1).size() == 1);
  REQUIRE(f.claim(kNext, 2).size() == 2);
  const Reclaimed answer =
      f.queue.reclaim({"pod-a"}, LossCause::crash, "OOMKilled", 1, kNext).value();
  CHECK(answer.taken == 1);
  CHECK(f.queue.counts().active == 2);
  CHECK(f.queue.counts().alone == 0);  // it ran alone on its worker: a crash, no suspects
  f.check();
}

TEST_CASE("a reclaim by mistake is harmless: what the living worker settles then is stale") {
  QueueFixture f;
  f.put("x");
  const auto claimed = f.claim(kGone);
  CHECK(f.queue.reclaim({kGone}, LossCause::loss, "was thought to be gone", 1)->taken == 1);
  CHECK(f.queue.job("x").losses == 1);
  CHECK(f.queue.step(kGone, {f.settle(claimed[0])}, 0).settled[0] == Settled::stale);
  CHECK(f.queue.job("x").state == JobState::ready);
  f.check();
}

TEST_CASE("who has been replaced takes nothing back") {
  QueueFixture f;
  f.put("x");
  REQUIRE(f.claim(kGone).size() == 1);
  REQUIRE(f.queue.write_config({}, "new", "pool-uid", 1000) == ConfigWritten::written);
  CHECK_FALSE(f.queue.reclaim({kGone}, LossCause::loss, "is gone", 999));
  CHECK(f.queue.counts().active == 1);
  CHECK(f.queue.reclaim({kGone}, LossCause::loss, "is gone", 1000)->taken == 1);
  f.check();
}

TEST_CASE("more than a page of lost jobs is taken back in several calls") {
  QueueFixture f;
  (void)put_many(f, 1201);
  REQUIRE(f.claim(kGone, 1201).size() == 1201);
  int taken = 0;
  int calls = 0;
  for (Reclaimed answer{0, 1}; answer.left > 0; ++calls) {
    answer = f.queue.reclaim({"pod-a"}, LossCause::loss, "is gone", 1).value();
    CHECK(answer.taken <= 500);
    taken += answer.taken;
    f.check();
  }
  CHECK(calls == 3);
  CHECK(taken == 1201);
  CHECK(f.queue.counts().waiting == 1201);
}

TEST_CASE("a page never leaves one job behind, which would look as if it had run alone") {
  for (const int held : {500, 501, 502, 1001}) {
    QueueFixture f;
    (void)put_many(f, held);
    REQUIRE(f.claim(kGone, held).size() == static_cast<std::size_t>(held));
    const auto registered = f.queue.register_worker(kNext, "", {});
    CHECK(registered.taken_back == held);
    const Counts counts = f.queue.counts();
    CHECK(counts.alone == held);
    CHECK(counts.stat.count("crashed") == 0);
    CHECK(counts.stat.at("lost") == held);
    f.check();
  }
}

TEST_CASE("a full beat gives back more than a page, and knows what it named beyond a page") {
  QueueFixture f;
  (void)put_many(f, 2500);
  const auto claimed = f.claim(kGone, 2500);
  REQUIRE(claimed.size() == 2500);
  std::vector<Claim> known;
  for (std::size_t i = 0; i < claimed.size(); i += 2) {
    known.push_back({claimed[i].id, claimed[i].epoch});
  }
  CHECK(f.queue.beat(kGone, known, {}, "", true).lost.empty());
  const Counts counts = f.queue.counts();
  CHECK(counts.active == 1250);
  CHECK(counts.waiting == 1250);
  CHECK(counts.stat.count("lost") == 0);
  f.check();
}

TEST_CASE("a lapse of more than a hundred leases is reaped in several steps") {
  QueueFixture f;
  (void)put_many(f, 250);
  for (const ClaimedJob& job : f.claim(kGone, 250)) {
    (void)f.raw.execute({"ZADD", key_name("q", "active"), "1", job.id});
  }
  CHECK(f.queue.trim().reaped == 100);
  CHECK(f.queue.trim().reaped == 100);
  CHECK(f.queue.trim().reaped == 50);
  CHECK(f.queue.counts().waiting == 250);
  f.check();
}
