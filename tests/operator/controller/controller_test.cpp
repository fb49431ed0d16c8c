// The controller with a real Redis and a workload that only remembers: what it decides, when it
// holds, what it says.
#include <doctest/doctest.h>

#include "operator/pool/event_reasons.h"
#include "tests/operator/controller/support.h"
#include "tests/support/redis_server.h"
#include "tests/support/wait.h"

using namespace wp;
using namespace wp::controller;
using wp::test::Bench;
using wp::test::eventually;
using wp::test::kSpec;
using wp::test::RedisServer;

TEST_CASE("0 to n in one write; the status shows the arithmetic") {
  RedisServer server;
  Bench b(kSpec, server.endpoint());
  REQUIRE(eventually([&] {
    return b.condition_is(pool::condition::kQueueReachable, pool::ConditionStatus::is_true,
                          pool::reason::kReached);
  }));
  CHECK(b.workload.now() == 0);
  b.put(9);
  REQUIRE(eventually([&] { return b.workload.now() == 5; }));
  CHECK(b.workload.writes == 1);
  REQUIRE(eventually([&] {
    const std::lock_guard lock(b.mutex);
    return b.status.desired_replicas == 5 && b.status.decision &&
           b.status.decision->reason == "9 waiting + 0 running: 9 slots / 2 = 5 workers";
  }));
  CHECK(b.event(pool::event::kWokeFromZero) == 1);
}

TEST_CASE("an unreadable queue holds the size, says so once, and recovers") {
  RedisServer server({"appendonly yes", "appendfsync always"});
  // Neither the window nor the time to zero may be what holds it.
  Bench b(R"({"workers": {"concurrency": 2, "handler": {"exec": {"command": ["true"]}}},
    "scaling": {"policy": "SlotPerJob", "maxReplicas": 8, "scaleDownWindow": "0s",
                "scaleToZeroAfter": "0s"}})",
          server.endpoint());
  REQUIRE(eventually([&] { return b.controller->backlog().latest("default/p").has_value(); }));
  REQUIRE(eventually([&] {
    return b.condition_is(pool::condition::kQueueReachable, pool::ConditionStatus::is_true,
                          pool::reason::kReached);
  }));
  b.put(6);
  REQUIRE(eventually([&] { return b.workload.now() == 3; }));
  server.kill9();
  REQUIRE(eventually([&] {
    return b.condition_is(pool::condition::kQueueReachable, pool::ConditionStatus::is_false,
                          pool::reason::kRefused);
  }));
  const int writes = b.workload.writes;
  // Many reconciles long, each of which could have taken the error for a zero.
  for (int i = 0; i < 50; ++i) {
    int before = 0;
    {
      const std::lock_guard lock(b.workload.mutex);
      before = b.workload.observed;
    }
    b.controller->enqueue("default/p");
    REQUIRE(eventually([&] {
      const std::lock_guard lock(b.workload.mutex);
      return b.workload.observed > before;
    }));
    REQUIRE(b.workload.now() == 3);
  }
  CHECK(b.event(pool::event::kQueueUnreachable) == 1);
  server.start();
  REQUIRE(eventually(
      [&] {
        return b.condition_is(pool::condition::kQueueReachable, pool::ConditionStatus::is_true,
                              pool::reason::kReached);
      },
      Millis{60000}));
  CHECK(b.workload.now() == 3);
  CHECK(b.workload.writes == writes);
  CHECK(b.event(pool::event::kQueueRecovered) == 1);
}

TEST_CASE("a fixed size holds without a readable queue; giving it back returns to the policy") {
  RedisServer server;
  Bench b(kSpec, server.endpoint());
  auto object = nlohmann::json::parse(R"({"apiVersion": "workerpool.dev/v1alpha1",
    "kind": "WorkerPool",
    "metadata": {"namespace": "default", "name": "p", "uid": "uid-1", "generation": 2}})");
  object["spec"] = nlohmann::json::parse(kSpec);
  object["spec"]["replicas"] = 3;
  b.set(object);
  b.controller->enqueue("default/p");
  REQUIRE(eventually([&] { return b.workload.now() == 3; }));
  CHECK(eventually([&] {
    return b.condition_is(pool::condition::kScalingActive, pool::ConditionStatus::is_false,
                          pool::cause::kFixed);
  }));
  object["spec"].erase("replicas");
  object["spec"]["scaling"]["scaleToZeroAfter"] = "0s";
  object["metadata"]["generation"] = 3;
  b.set(object);
  b.controller->enqueue("default/p");
  CHECK(eventually([&] { return b.workload.now() == 0; }, Millis{60000}));
}

TEST_CASE("a spec that asks for what is not there is refused; corrected, it recovers") {
  RedisServer server;
  Bench b(kSpec, server.endpoint());
  REQUIRE(eventually([&] {
    return b.condition_is(pool::condition::kQueueReachable, pool::ConditionStatus::is_true,
                          pool::reason::kReached);
  }));
  auto object = nlohmann::json::parse(R"({"apiVersion": "workerpool.dev/v1alpha1",
    "kind": "WorkerPool",
    "metadata": {"namespace": "default", "name": "p", "uid": "uid-1", "generation": 2}})");
  object["spec"] = nlohmann::json::parse(kSpec);
  object["spec"]["queue"]["onDelete"] = "Purge";
  b.set(object);
  b.controller->enqueue("default/p");
  REQUIRE(eventually([&] {
    return b.condition_is(pool::condition::kInvalidSpec, pool::ConditionStatus::is_true,
                          pool::reason::kUnsupported);
  }));
  b.put(4);
  object["spec"].erase("queue");
  object["metadata"]["generation"] = 3;
  b.set(object);
  b.controller->enqueue("default/p");
  CHECK(eventually([&] { return b.workload.now() == 2; }));
  CHECK(eventually([&] {
    return b.condition_is(pool::condition::kInvalidSpec, pool::ConditionStatus::is_false,
                          pool::reason::kAsDeclared);
  }));
}

TEST_CASE("nothing is written at rest") {
  RedisServer server;
  Bench b(kSpec, server.endpoint());
  REQUIRE(eventually([&] {
    return b.condition_is(pool::condition::kQueueReachable, pool::ConditionStatus::is_true,
                          pool::reason::kReached);
  }));
  const auto writes_during = [&](int reconciles) {
    const auto observed = [&] {
      const std::lock_guard lock(b.workload.mutex);
      return b.workload.observed;
    };
    const auto writes = [&] {
      const std::lock_guard lock(b.mutex);
      return b.status_writes;
    };
    const int before = writes();
    for (int i = 0; i < reconciles; ++i) {
      const int seen = observed();
      b.controller->enqueue("default/p");
      REQUIRE(eventually([&] { return observed() > seen; }));
    }
    return writes() - before;
  };
  // The last words about the start come with the next interval of the status.
  REQUIRE(eventually([&] { return writes_during(100) == 0; }));
  CHECK(writes_during(300) == 0);
  CHECK(b.workload.writes == 0);
}

TEST_CASE("a rejected template is not tried again until the generation changes") {
  RedisServer server;
  Bench b(kSpec, server.endpoint());
  {
    const std::lock_guard lock(b.workload.mutex);
    b.workload.exists = false;
    b.workload.reject = workload::WorkloadError::Kind::rejected;
  }
  b.controller->enqueue("default/p");
  REQUIRE(eventually([&] {
    return b.condition_is(pool::condition::kInvalidSpec, pool::ConditionStatus::is_true,
                          pool::reason::kRejected);
  }));
  CHECK(b.event(pool::event::kInvalidSpec) == 1);
  const auto ensured = [&] {
    const std::lock_guard lock(b.workload.mutex);
    return b.workload.ensured;
  };
  const int before = ensured();
  for (int i = 0; i < 20; ++i) {
    int seen = 0;
    {
      const std::lock_guard lock(b.workload.mutex);
      seen = b.workload.observed;
    }
    b.controller->enqueue("default/p");
    REQUIRE(eventually([&] {
      const std::lock_guard lock(b.workload.mutex);
      return b.workload.observed > seen;
    }));
  }
  CHECK(ensured() == before);
}

TEST_CASE("a target that exists and was not seen yet is not scaled by a decision made blind") {
  RedisServer server;
  Bench b(kSpec, redis::parse_endpoint("redis://127.0.0.1:1"));
  {
    const std::lock_guard lock(b.workload.mutex);
    b.workload.exists = true;
    b.workload.replicas = 10;
    b.workload.unseen = true;
  }
  b.controller->enqueue("default/p");
  REQUIRE(eventually([&] {
    return b.condition_is(pool::condition::kQueueReachable, pool::ConditionStatus::is_false,
                          pool::reason::kRefused);
  }));
  REQUIRE(eventually([&] {
    b.controller->enqueue("default/p");  // as news about it would
    const std::lock_guard lock(b.workload.mutex);
    return !b.workload.unseen && b.workload.observed > 5;
  }));
  CHECK(b.workload.now() == 10);
  CHECK(b.workload.writes == 0);
}

TEST_CASE("a pool that is gone is forgotten") {
  RedisServer server;
  Bench b(kSpec, server.endpoint());
  REQUIRE(eventually([&] { return b.controller->backlog().latest("default/p").has_value(); }));
  {
    const std::lock_guard lock(b.mutex);
    b.stored = nullptr;
  }
  b.controller->enqueue("default/p");
  CHECK(eventually([&] { return b.workload.forgotten > 0; }));
  CHECK(eventually([&] { return !b.controller->backlog().latest("default/p").has_value(); }));
  redis::Connection connection(server.endpoint());
  connection.connect();
  queue::Queue queue(connection, "default/p");
  CHECK(eventually([&] { return queue.read_config().owner == "orphaned"; }));
}

TEST_CASE("a pool that is gone is forgotten when its target can be left, however late") {
  RedisServer server;
  Bench b(kSpec, server.endpoint());
  b.workload.refusals_to_forget = 3;
  REQUIRE(eventually([&] { return b.controller->backlog().latest("default/p").has_value(); }));
  {
    const std::lock_guard lock(b.mutex);
    b.stored = nullptr;
  }
  b.controller->enqueue("default/p");
  CHECK(eventually([&] { return b.workload.forgotten > 3; }));
}

TEST_CASE("a pool on its way out is not served any more: its queue says so") {
  RedisServer server;
  Bench b(kSpec, server.endpoint());
  redis::Connection connection(server.endpoint());
  connection.connect();
  queue::Queue queue(connection, "default/p");
  REQUIRE(eventually([&] { return queue.read_config().owner == "uid-1@default/p"; }));
  auto object = nlohmann::json::parse(R"({"apiVersion": "workerpool.dev/v1alpha1",
    "kind": "WorkerPool",
    "metadata": {"namespace": "default", "name": "p", "uid": "uid-1", "generation": 2,
                 "deletionTimestamp": "2026-01-01T00:00:00Z"}})");
  object["spec"] = nlohmann::json::parse(kSpec);
  b.set(object);
  b.controller->enqueue("default/p");
  CHECK(eventually([&] { return queue.read_config().owner == "orphaned"; }));
}
