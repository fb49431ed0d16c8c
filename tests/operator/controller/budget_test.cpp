// A budget of a pool that scales somebody else's Deployment, on a real Redis.
#include <doctest/doctest.h>

#include "operator/pool/event_reasons.h"
#include "tests/operator/controller/support.h"
#include "tests/support/redis_server.h"
#include "tests/support/wait.h"

using namespace wp;
using wp::test::Bench;
using wp::test::eventually;
using wp::test::RedisServer;

namespace {

constexpr const char* kTargetSpec = R"({"queue": {"redis": {"url": "redis://redis:6379/0"}},
  "workers": {"deploymentRef": {"name": "n8n"}},
  "scaling": {"policy": "SlotPerJob", "maxReplicas": 8, "budget": {"cpu": "1500m"}}})";

}  // namespace

TEST_CASE("a budget counts with what the pods of the named Deployment request") {
  RedisServer server;
  Bench b(kTargetSpec, server.endpoint(), {.local = false});
  {
    const std::lock_guard lock(b.workload.mutex);
    b.workload.pod_request = scaling::PodRequest{500, {}};
  }
  REQUIRE(eventually([&] {
    const std::lock_guard lock(b.mutex);
    return b.status.queue && b.status.queue->waiting == 0;
  }));
  b.put(8);
  CHECK(eventually([&] { return b.workload.now() == 3; }));
  CHECK(eventually([&] {
    return b.condition_is(pool::condition::kScalingLimited, pool::ConditionStatus::is_true,
                          pool::cause::kBudget);
  }));
  const std::lock_guard lock(b.mutex);
  const pool::Condition* invalid = b.status.condition(pool::condition::kInvalidSpec);
  CHECK((invalid == nullptr || invalid->status == pool::ConditionStatus::is_false));
}
