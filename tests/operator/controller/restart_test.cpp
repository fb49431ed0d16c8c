// An operator that starts and finds pools that another one has left, on a real Redis.
#include <doctest/doctest.h>

#include "tests/operator/controller/support.h"
#include "tests/support/redis_server.h"
#include "tests/support/wait.h"

using namespace wp;
using wp::test::Bench;
using wp::test::eventually;
using wp::test::RedisServer;

namespace {

// So many jobs are put, claimed and done.
void work_off(const RedisServer& server, int jobs) {
  redis::Connection connection(server.endpoint());
  connection.connect();
  queue::Queue queue(connection, "default/p");
  std::vector<queue::NewJob> batch(static_cast<std::size_t>(jobs));
  (void)queue.enqueue(batch);
  (void)queue.register_worker("elsewhere/1", "{}", {});
  std::vector<queue::Settlement> settlements;
  for (const queue::ClaimedJob& job : queue.step("elsewhere/1", {}, jobs).claimed) {
    queue::Settlement settlement;
    settlement.id = job.id;
    settlement.epoch = job.epoch;
    settlement.outcome = queue::Outcome::complete;
    settlements.push_back(settlement);
  }
  (void)queue.step("elsewhere/1", settlements, 0);
  (void)queue.release("elsewhere/1", {}, queue::ReleaseKind::unstarted, true);
}

}  // namespace

TEST_CASE("an operator that starts writes no status that says the same") {
  RedisServer server;
  // Nobody is needed, whatever waits: the size is no news.
  Bench b(R"({"workers": {"handler": {"exec": {"command": ["true"]}}}, "replicas": 0})",
          server.endpoint());
  REQUIRE(eventually([&] {
    const std::lock_guard lock(b.mutex);
    return b.status.jobs && b.status.jobs->completed == 0;
  }));
  work_off(server, 20);
  // All is said, and the figures of the jobs, which a window has that a new operator lacks.
  REQUIRE(eventually([&] {
    b.controller->enqueue("default/p");
    const std::lock_guard lock(b.mutex);
    return b.status.jobs && b.status.jobs->completed == 20 &&
           b.status.jobs->throughput_per_minute.value_or(0) > 0 &&
           b.status.jobs->success_percent == 100;
  }));
  b.controller->stop();
  int written = 0;
  {
    const std::lock_guard lock(b.mutex);
    written = b.status_writes;
  }
  b.start();
  REQUIRE(eventually([&] { return b.controller->backlog().latest("default/p").has_value(); }));
  for (int i = 0; i < 5; ++i) {
    const int seen = b.looks();
    b.controller->enqueue("default/p");
    REQUIRE(eventually([&] { return b.looks() > seen; }));
  }
  b.controller->stop();
  const std::lock_guard lock(b.mutex);
  CHECK(b.status_writes == written);
}
