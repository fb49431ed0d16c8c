// Workers whose handler cannot run, as they say it in a real Redis.
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

TEST_CASE("while no handler can run the pool grows no further, says so, and goes on when one can") {
  RedisServer server;
  Bench b(kSpec, server.endpoint());
  REQUIRE(eventually([&] {
    return b.condition_is(pool::condition::kScalingActive, pool::ConditionStatus::is_true,
                          pool::reason::kAutomatic);
  }));
  b.put(2);
  REQUIRE(eventually([&] { return b.workload.now() == 1; }));

  redis::Connection connection(server.endpoint());
  connection.connect();
  queue::Queue queue(connection, "default/p");
  (void)queue.register_worker("pod-0/1", R"({"broken":true})", {});
  const auto speak = [&](const char* info) {
    (void)queue.beat("pod-0/1", {}, {}, info, false);
    (void)connection.execute({"PUBLISH", queue.events_channel(), "x"});
  };
  // The words of the workers come with every tenth reading.
  REQUIRE(eventually([&] {
    speak(R"({"broken":true})");
    return b.condition_is(pool::condition::kHandlersBroken, pool::ConditionStatus::is_true,
                          pool::reason::kHandlersBroken);
  }));
  CHECK(b.event(pool::event::kHandlersBroken) == 1);
  b.put(10);
  REQUIRE(eventually([&] {
    speak("");
    return b.condition_is(pool::condition::kScalingLimited, pool::ConditionStatus::is_true,
                          pool::cause::kHandlersBroken);
  }));
  CHECK(b.workload.now() == 1);
  {
    const std::lock_guard lock(b.mutex);
    CHECK(b.status.health == pool::HealthStatus::unhealthy);
    CHECK(b.status.condition(pool::condition::kHandlersBroken)
              ->message.starts_with("the handler of 1 of 1 workers cannot run"));
  }
  REQUIRE(eventually([&] {
    speak(R"({"broken":false})");
    return b.workload.now() == 6;
  }));
  CHECK(eventually([&] {
    return b.condition_is(pool::condition::kHandlersBroken, pool::ConditionStatus::is_false,
                          pool::reason::kAsDeclared);
  }));
}
