// Replicas that somebody else sets again and again, on a real Redis.
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

TEST_CASE("while the replicas are somebody else's turn nobody tries to set them") {
  RedisServer server;
  Bench b(kSpec, server.endpoint());
  REQUIRE(eventually([&] {
    return b.condition_is(pool::condition::kScalingActive, pool::ConditionStatus::is_true,
                          pool::reason::kAutomatic);
  }));
  const auto set_contender = [&](const std::string& name) {
    const std::lock_guard lock(b.workload.mutex);
    b.workload.contender = name;
  };
  set_contender("keda-operator");
  b.put(6);  // wakes the operator
  REQUIRE(eventually([&] {
    const std::lock_guard lock(b.mutex);
    const auto* condition = b.status.condition(pool::condition::kForeignScaler);
    return b.status.desired_replicas == 3 && condition != nullptr &&
           condition->status == pool::ConditionStatus::is_true;
  }));
  CHECK(b.workload.now() == 0);
  {
    const std::lock_guard lock(b.workload.mutex);
    CHECK(b.workload.refused == 0);
  }
  set_contender("");
  b.controller->enqueue("default/p");
  CHECK(eventually([&] { return b.workload.now() == 3; }));
}
