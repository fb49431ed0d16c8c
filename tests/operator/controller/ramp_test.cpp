// A ramp through the whole controller, with seconds for hours: each step in turn, and each trigger
// that sets it back. The thresholds sample climbs and comes down beside it.
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

nlohmann::json spec_with(const std::string& ramp) {
  nlohmann::json spec = nlohmann::json::parse(R"({
    "workers": {"handler": {"exec": {"command": ["true"]}}},
    "scaling": {"policy": "SlotPerJob", "maxReplicas": 8, "scaleDownWindow": "0s",
                "scaleToZeroAfter": "0s"},
    "jobs": {"maxAttempts": 1}})");
  spec["scaling"]["ramp"] = nlohmann::json::parse(ramp);
  return spec;
}

struct Scene {
  explicit Scene(const nlohmann::json& declared)
      : spec(declared), bench(declared.dump(), server.endpoint()) {
    connection.connect();
    REQUIRE(eventually([&] {
      return bench.condition_is(pool::condition::kQueueReachable, pool::ConditionStatus::is_true,
                                pool::reason::kReached);
    }));
  }

  pool::RampStatus ramp() {
    const std::lock_guard lock(bench.mutex);
    return bench.status.ramp.value_or(pool::RampStatus{});
  }
  std::string cause() {
    const std::lock_guard lock(bench.mutex);
    return bench.status.decision ? bench.status.decision->reason : "";
  }
  /// A worker by this name claims so many jobs.
  std::vector<queue::ClaimedJob> claim(const std::string& worker, int jobs) {
    (void)queue.register_worker(worker, "{\"slots\":1}", {});
    return queue.step(worker, {}, jobs).claimed;
  }
  void settle(const std::string& worker, const std::vector<queue::ClaimedJob>& jobs,
              queue::Outcome outcome, const std::string& text) {
    std::vector<queue::Settlement> settlements;
    for (const queue::ClaimedJob& job : jobs) {
      queue::Settlement one;
      one.id = job.id;
      one.epoch = job.epoch;
      one.outcome = outcome;
      one.text = text;
      settlements.push_back(std::move(one));
    }
    (void)queue.step(worker, settlements, 0);
  }
  void annotate(const std::string& name, const std::string& value) {
    nlohmann::json object = nlohmann::json::parse(R"({
      "apiVersion": "workerpool.dev/v1alpha1", "kind": "WorkerPool",
      "metadata": {"namespace": "default", "name": "p", "uid": "uid-1", "generation": 1}})");
    object["metadata"]["annotations"][name] = value;
    object["spec"] = spec;
    bench.set(object);
    bench.controller->enqueue("default/p");
  }

  nlohmann::json spec;
  RedisServer server;
  Bench bench;
  redis::Connection connection{server.endpoint()};
  queue::Queue queue{connection, "default/p"};
};

const char* const kLong = R"({"steps": [{"maxReplicas": 2, "stableFor": "1h"},
  {"maxReplicas": 4, "stableFor": "1h"}], "rollbackTo": 1, "rollbackWhen": )";

std::string long_ramp(const std::string& triggers) {
  return kLong + triggers + "}";
}

}  // namespace

TEST_CASE("a ramp climbs 2, 3, 4, each after its time, and then the pool's own bounds hold") {
  Scene s(spec_with(R"({"steps": [{"maxReplicas": 2, "stableFor": "2s"},
    {"maxReplicas": 3, "stableFor": "2s"}, {"maxReplicas": 4, "stableFor": "2s"}],
    "rollbackTo": 1})"));
  s.bench.put(6);
  std::vector<int> sizes;
  REQUIRE(eventually(
      [&] {
        const int now = s.bench.workload.now();
        if (sizes.empty() || sizes.back() != now) sizes.push_back(now);
        return now == 6;
      },
      Millis{60000}));
  if (sizes.front() == 0) sizes.erase(sizes.begin());
  CHECK(sizes == std::vector<int>{2, 3, 4, 6});
  CHECK(eventually([&] { return s.ramp().state == "Complete"; }));
  CHECK(eventually([&] { return s.bench.event(pool::event::kRampAdvanced) >= 3; }));
}

TEST_CASE("each trigger sets the ramp back at once, and names whom it is about") {
  const auto expect_rollback = [](Scene& s, const std::string& trigger) {
    REQUIRE(eventually([&] { return s.ramp().state == "RolledBack"; }, Millis{60000}));
    const std::string said = s.ramp().trigger;
    CHECK_MESSAGE(said.find(trigger) != std::string::npos, said);
    CHECK(s.bench.event(pool::event::kRampRolledBack) == 1);
    s.bench.put(5);
    CHECK(eventually([&] { return s.cause().find("rolled back to 1") != std::string::npos; }));
  };
  SUBCASE("failurePercent") {
    Scene s(spec_with(long_ramp(R"({"failurePercent": 10})")));
    s.bench.put(12);
    REQUIRE(eventually([&] { return s.bench.workload.now() == 2; }));
    const auto jobs = s.claim("pod-0/1", 12);
    s.settle("pod-0/1", jobs, queue::Outcome::fail, "it broke");
    expect_rollback(s, "failurePercent");
    CHECK(s.ramp().jobs.size() <= 5);
    CHECK_FALSE(s.ramp().jobs.empty());
  }
  SUBCASE("lostJobs") {
    Scene s(spec_with(long_ramp(R"({"lostJobs": 1})")));
    s.bench.put(2);
    REQUIRE(eventually([&] { return s.bench.workload.now() == 2; }));
    REQUIRE(s.claim("pod-0/1", 1).size() == 1);
    // Its next incarnation takes back what the first one held.
    (void)s.queue.register_worker("pod-0/2", "{\"slots\":1}", {});
    expect_rollback(s, "lostJobs");
  }
  SUBCASE("interruptedJobs") {
    Scene s(spec_with(long_ramp(R"({"interruptedJobs": 1})")));
    s.bench.put(2);
    REQUIRE(eventually([&] { return s.bench.workload.now() == 2; }));
    const auto jobs = s.claim("pod-0/1", 1);
    REQUIRE(jobs.size() == 1);
    (void)s.queue.release("pod-0/1", {{jobs[0].id, jobs[0].epoch}}, queue::ReleaseKind::interrupted,
                          true);
    expect_rollback(s, "interruptedJobs");
  }
  SUBCASE("errorContains") {
    Scene s(spec_with(long_ramp(R"({"errorContains": ["session missing"]})")));
    s.bench.put(2);
    REQUIRE(eventually([&] { return s.bench.workload.now() == 2; }));
    const auto jobs = s.claim("pod-0/1", 1);
    REQUIRE(jobs.size() == 1);
    s.settle("pod-0/1", jobs, queue::Outcome::fail, "SessionError: session missing: s-1");
    expect_rollback(s, "session missing");
    CHECK(s.ramp().jobs == std::vector<std::string>{jobs[0].id});
  }
}

TEST_CASE("rolled back it stays so, with claims paused if asked, until the annotation is new") {
  Scene s(spec_with(R"({"steps": [{"maxReplicas": 2, "stableFor": "1h"}], "rollbackTo": 1,
    "onRollback": "PauseClaims", "rollbackWhen": {"errorContains": ["boom"]}})"));
  s.bench.put(3);
  REQUIRE(eventually([&] { return s.bench.workload.now() == 2; }));
  const auto jobs = s.claim("pod-0/1", 1);
  s.settle("pod-0/1", jobs, queue::Outcome::fail, "boom");
  REQUIRE(eventually([&] { return s.queue.counts().paused; }, Millis{60000}));
  CHECK(s.claim("pod-1/1", 1).empty());
  // The cap holds although claims are paused.
  REQUIRE(eventually([&] { return s.bench.workload.now() == 1; }, Millis{60000}));
  s.annotate("workerpool.dev/ramp-reset", "fixed in v2");
  REQUIRE(eventually([&] { return s.ramp().state == "Advancing"; }, Millis{60000}));
  REQUIRE(eventually([&] { return !s.queue.counts().paused; }, Millis{60000}));
  // What set it back is none of this ramp's, however often it is looked at between two readings.
  const auto read_at = [&] { return s.bench.controller->backlog().latest("default/p")->read_at; };
  const Millis then = read_at();
  REQUIRE(eventually([&] {
    s.bench.controller->enqueue("default/p");
    return read_at() > then + Millis{1500};
  }));
  CHECK(s.ramp().state == "Advancing");
  const bool grown = eventually([&] { return s.bench.workload.now() == 2; }, Millis{60000});
  CHECK_MESSAGE(grown, s.cause());
}

TEST_CASE("thresholds: 4 to 30 and back to 4 by 200 and 50 percent, one change per cooldown") {
  nlohmann::json spec = nlohmann::json::parse(R"({
    "workers": {"handler": {"exec": {"command": ["true"]}}},
    "scaling": {"policy": "Threshold", "minReplicas": 4, "maxReplicas": 30, "scaleDownWindow": "0s",
                "threshold": {"upAtPercent": 200, "downAtPercent": 50, "targetDepth": 10,
                              "cooldown": "2s"}}})");
  Scene s(spec);
  REQUIRE(eventually([&] { return s.bench.workload.now() == 4; }));
  s.bench.put(58);  // 58 / 4 > 2.0: to 58 / 2.0 = 29
  REQUIRE(eventually([&] { return s.bench.workload.now() > 4; }, Millis{60000}));
  // maxScaleUp lets 20 start per 5 s.
  REQUIRE(eventually([&] { return s.bench.workload.now() == 29; }, Millis{60000}));
  // All are done: 0 / 29 < 0.5: down to the floor.
  while (s.queue.counts().waiting > 0) {
    s.settle("drain/1", s.claim("drain/1", 20), queue::Outcome::complete, "");
  }
  REQUIRE(eventually([&] { return s.bench.workload.now() == 4; }, Millis{60000}));
  CHECK(eventually([&] { return s.cause().find("minReplicas 4") != std::string::npos; }));
}
