// Claims that stand still, by the pool's spec or by a person, on a real Redis.
#include <doctest/doctest.h>

#include "operator/pool/event_reasons.h"
#include "tests/operator/controller/support.h"
#include "tests/support/redis_server.h"
#include "tests/support/wait.h"

using namespace wp;
using wp::test::Bench;
using wp::test::eventually;
using wp::test::kSpec;
using wp::test::RedisServer;

TEST_CASE("a queue that a person paused gets no more workers, and says who did it") {
  RedisServer server;
  Bench b(kSpec, server.endpoint());
  REQUIRE(eventually([&] {
    return b.condition_is(pool::condition::kScalingActive, pool::ConditionStatus::is_true,
                          pool::reason::kAutomatic);
  }));
  redis::Connection connection(server.endpoint());
  connection.connect();
  queue::Queue queue(connection, "default/p");
  (void)queue.pause("ann@laptop");
  b.put(6);  // wakes the operator
  // The pause may have been seen before the jobs.
  REQUIRE(eventually([&] {
    if (!b.condition_is(pool::condition::kScalingActive, pool::ConditionStatus::is_false,
                        pool::cause::kPaused)) {
      return false;
    }
    const std::lock_guard lock(b.mutex);
    return b.status.queue && b.status.queue->waiting == 6;
  }));
  {
    const std::lock_guard lock(b.mutex);
    CHECK(b.status.condition(pool::condition::kScalingActive)->message ==
          "the workers claim nothing and their number stands still: ann@laptop paused the queue; "
          "workerpoolctl queue resume default/p");
  }
  CHECK(b.workload.now() == 0);
  // What somebody wrote there need not be a name.
  (void)queue.pause("\x1b[31m<b>");
  (void)connection.execute({"PUBLISH", queue.events_channel(), "x"});
  REQUIRE(eventually([&] {
    const std::lock_guard lock(b.mutex);
    return b.status.condition(pool::condition::kScalingActive)->message.find(": somebody paused") !=
           std::string::npos;
  }));
  (void)queue.resume();
  REQUIRE(eventually([&] { return b.workload.now() == 3; }));
  CHECK(eventually([&] {
    return b.condition_is(pool::condition::kScalingActive, pool::ConditionStatus::is_true,
                          pool::reason::kAutomatic);
  }));
}

TEST_CASE("pause: Claims reaches the queue, and the size stands still") {
  RedisServer server;
  Bench b(R"({"workers": {"handler": {"exec": {"command": ["true"]}}}, "pause": "Claims"})",
          server.endpoint());
  REQUIRE(eventually([&] {
    return b.condition_is(pool::condition::kScalingActive, pool::ConditionStatus::is_false,
                          pool::cause::kPaused);
  }));
  REQUIRE(eventually([&] {
    return b.condition_is(pool::condition::kQueueReachable, pool::ConditionStatus::is_true,
                          pool::reason::kReached);
  }));
  b.put(3);
  REQUIRE(eventually([&] {
    const std::lock_guard lock(b.mutex);
    return b.status.queue && b.status.queue->waiting == 3 && b.status.decision &&
           b.status.decision->cause == pool::cause::kPaused;
  }));
  CHECK(b.workload.now() == 0);
  redis::Connection connection(server.endpoint());
  connection.connect();
  queue::Queue queue(connection, "default/p");
  CHECK(queue.counts().paused);
  CHECK(queue.step("pod/0a", {}, 3).claimed.empty());
}
