// What the controller orders of a queue: carried out at once, shown by the reading that follows,
// and harmless when it is late, repeated or refused.
#include <doctest/doctest.h>

#include "operator/backlog/backlog.h"
#include "tests/operator/backlog/support.h"
#include "tests/support/redis_server.h"
#include "tests/support/wait.h"

using namespace wp;
using namespace wp::backlog;
using wp::test::eventually;
using wp::test::Reader;
using wp::test::RedisServer;
using wp::test::watch_of;

namespace {

struct Bench {
  RedisServer server;
  redis::Connection connection{server.endpoint()};
  queue::Queue queue{connection, "q"};
  Reader r;
  const std::string key = "default/q";

  Bench() {
    connection.connect();
    Watch watch = watch_of(server.endpoint(), "q");
    watch.failures = true;
    watch.has_workers = true;
    r.reader.watch(key, watch);
    REQUIRE(eventually([&] { return r.readable(key); }));
  }
  void put(int jobs) {
    std::vector<queue::NewJob> batch(static_cast<std::size_t>(jobs));
    (void)queue.enqueue(batch);
  }
  Snapshot latest() { return *r.reader.latest(key); }
  std::vector<std::string> retired() {
    const Snapshot snapshot = latest();
    std::vector<std::string> pods;
    for (const queue::Retirement& one : snapshot.counts->retired) pods.push_back(one.pod);
    return pods;
  }
};

}  // namespace

TEST_CASE("a retirement is ordered, shown, renewed and taken back") {
  Bench b;
  b.r.reader.order(b.key, {.retire = {"pod-a", "pod-b"}});
  REQUIRE(eventually([&] { return b.retired().size() == 2; }));
  CHECK_FALSE(b.latest().orders_pending);
  // The retired one, registered or not, claims nothing.
  b.put(1);
  CHECK(b.queue.step("pod-a/1", {}, 1).claimed.empty());
  const Millis until = b.latest().counts->retired.at(0).until;
  REQUIRE(eventually([&] {
    b.r.reader.order(b.key, {.retire = {"pod-a", "pod-b"}});
    return b.latest().counts->retired.at(0).until > until;
  }));
  b.r.reader.order(b.key, {.unretire = {"pod-a", "pod-b"}});
  REQUIRE(eventually([&] { return b.retired().empty(); }));
  CHECK(b.queue.step("pod-a/1", {}, 1).claimed.size() == 1);
  CHECK(b.queue.check().empty());
}

TEST_CASE("an order wakes the pool even if the queue looks the same after it") {
  Bench b;
  const int before = b.r.changes_of(b.key);
  b.r.reader.order(b.key, {.unretire = {"nobody"}});
  CHECK(eventually([&] { return b.r.changes_of(b.key) > before; }));
}

TEST_CASE("what a dead worker held goes back, page by page, and is told once") {
  Bench b;
  constexpr int kJobs = 700;  // more than a page of RECLAIM
  b.put(kJobs);
  (void)b.queue.register_worker("pod-a/1", "{}", {});
  int claimed = 0;
  while (claimed < kJobs) {
    claimed += static_cast<int>(b.queue.step("pod-a/1", {}, 100).claimed.size());
  }
  REQUIRE(eventually([&] { return b.latest().counts->active == kJobs; }));
  const ReclaimOrder order{{"pod-a"}, queue::LossCause::loss, "the pod is gone", ""};
  b.r.reader.order(b.key, {.reclaim = {order}});
  REQUIRE(eventually(
      [&] { return b.latest().counts->active == 0 && b.latest().counts->waiting == kJobs; }));
  int told = 0;
  for (const Reclaimed& one : b.r.reader.take_reclaimed(b.key)) {
    CHECK(one.order == order);
    told += one.jobs;
  }
  CHECK(told == kJobs);
  CHECK(b.r.reader.take_reclaimed(b.key).empty());
  CHECK(b.queue.check().empty());
}

TEST_CASE("the queue of a newer operator refuses all orders") {
  Bench b;
  b.put(1);
  (void)b.queue.register_worker("pod-a/1", "{}", {});
  REQUIRE(b.queue.step("pod-a/1", {}, 1).claimed.size() == 1);
  CHECK(b.queue.write_config({{"lease_ms", "15000"}}, "h2", "uid-q", 5000) ==
        queue::ConfigWritten::written);
  // The reading that shows what came of an order is always told.
  const int before = b.r.changes_of(b.key);
  b.r.reader.order(b.key, {.reclaim = {{{"pod-a"}, queue::LossCause::loss, "the pod is gone", ""}},
                           .retire = {"pod-a"}});
  REQUIRE(eventually([&] {
    return b.r.changes_of(b.key) > before && !b.latest().orders_pending &&
           b.latest().counts->active == 1;
  }));
  CHECK(b.retired().empty());
  CHECK(b.r.reader.take_reclaimed(b.key).empty());
  CHECK(b.queue.counts().active == 1);
}

TEST_CASE("an order while Redis is away is dropped, and nothing stays pending") {
  Bench b;
  b.server.stop();
  REQUIRE(eventually([&] { return b.latest().error.has_value(); }));
  b.r.reader.order(b.key, {.retire = {"pod-a"}});
  REQUIRE(eventually([&] { return !b.latest().orders_pending; }));
  b.server.start();
  REQUIRE(eventually([&] { return !b.latest().error; }, Millis{60000}));
  CHECK(b.retired().empty());
}

TEST_CASE("failed attempts are told one by one, each once") {
  Bench b;
  b.put(3);
  (void)b.queue.register_worker("pod-a/1", "{}", {});
  const auto claimed = b.queue.step("pod-a/1", {}, 3).claimed;
  REQUIRE(claimed.size() == 3);
  std::vector<queue::Settlement> settlements;
  for (const queue::ClaimedJob& job : claimed) {
    queue::Settlement settlement;
    settlement.id = job.id;
    settlement.epoch = job.epoch;
    settlement.outcome = queue::Outcome::fail;
    settlement.text = "no such session";
    settlements.push_back(settlement);
  }
  (void)b.queue.step("pod-a/1", settlements, 0);
  std::vector<queue::Failure> told;
  REQUIRE(eventually([&] {
    for (const queue::Failure& one : b.r.reader.take_failures(b.key)) told.push_back(one);
    return told.size() >= 3;
  }));
  CHECK(told.size() == 3);
  CHECK(told.at(0).error.find("no such session") != std::string::npos);
  // Two more readings tell nothing again.
  for (int i = 0; i < 2; ++i) {
    const Millis read_at = b.latest().read_at;
    REQUIRE(eventually([&] { return b.latest().read_at > read_at; }));
  }
  CHECK(b.r.reader.take_failures(b.key).empty());
}
