// Scale-in through the whole controller, on a real Redis: who leaves, who is called back, and what
// is written. Workers are played by hand: a name in the queue for each pod.
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

const char* const kQuick =
    R"({"workers": {"handler": {"exec": {"command": ["true"]}}},
  "scaling": {"policy": "SlotPerJob", "maxReplicas": 8, "scaleDownWindow": "0s",
              "scaleToZeroAfter": "0s"}})";

struct Scene {
  RedisServer server;
  Bench bench{kQuick, server.endpoint()};
  redis::Connection connection{server.endpoint()};
  queue::Queue queue{connection, "default/p"};
  std::map<std::string, queue::ClaimedJob> running;  // by worker

  Scene() { connection.connect(); }

  /// So many jobs, and a worker for each that has claimed it.
  void fill(int jobs) {
    REQUIRE(eventually([&] {
      return bench.condition_is(pool::condition::kQueueReachable, pool::ConditionStatus::is_true,
                                pool::reason::kReached);
    }));
    bench.put(jobs);
    REQUIRE(eventually([&] { return bench.workload.now() == jobs; }));
    for (const std::string& pod : pods()) {
      const std::string worker = pod + "/1";
      (void)queue.register_worker(worker, "{\"slots\":1}", {});
      auto claimed = queue.step(worker, {}, 1).claimed;
      REQUIRE(claimed.size() == 1);
      running[worker] = std::move(claimed.front());
    }
  }
  void complete(const std::string& worker) {
    const queue::ClaimedJob& job = running.at(worker);
    queue::Settlement done;
    done.id = job.id;
    done.epoch = job.epoch;
    CHECK(queue.step(worker, {done}, 0).settled.at(0) == queue::Settled::done);
    running.erase(worker);
  }
  std::vector<std::string> pods() {
    std::vector<std::string> names;
    const workload::View view = bench.workload.observe({});
    for (const workload::WorkerPod& pod : view.pods) names.push_back(pod.uid);
    return names;
  }
};

}  // namespace

TEST_CASE("the idle leave, and those who are busy stay, whatever their age") {
  Scene s;
  s.fill(6);
  // The oldest and the newest go on; those in between are done.
  for (const char* worker : {"pod-1/1", "pod-2/1", "pod-3/1", "pod-4/1"}) s.complete(worker);
  REQUIRE(eventually([&] { return s.bench.workload.now() == 2; }, Millis{60000}));
  CHECK(s.pods() == std::vector<std::string>{"pod-0", "pod-5"});
  CHECK(s.bench.event(pool::event::kWorkerRetired) >= 1);
  for (const auto& [worker, job] : s.running) {
    CHECK(s.queue.job(job.id).state == queue::JobState::active);
  }
  CHECK(s.queue.check().empty());
}

TEST_CASE("a worker that is chosen while busy finishes its job first, and takes no other") {
  Scene s;
  s.fill(3);
  auto object = nlohmann::json::parse(R"({"apiVersion": "workerpool.dev/v1alpha1",
    "kind": "WorkerPool",
    "metadata": {"namespace": "default", "name": "p", "uid": "uid-1", "generation": 2}})");
  object["spec"] = nlohmann::json::parse(kQuick);
  object["spec"]["replicas"] = 1;
  s.bench.set(object);
  s.bench.controller->enqueue("default/p");
  REQUIRE(eventually([&] { return s.queue.counts().retired.size() == 2; }));
  s.bench.put(1);
  std::vector<std::string> draining;
  for (const auto& one : s.queue.counts().retired) draining.push_back(one.pod);
  for (const std::string& pod : draining) {
    CHECK(s.queue.step(pod + "/1", {}, 1).claimed.empty());
  }
  CHECK(s.bench.workload.now() == 3);
  s.complete(draining[0] + "/1");
  REQUIRE(eventually([&] { return s.bench.workload.now() == 2; }, Millis{60000}));
  s.complete(draining[1] + "/1");
  REQUIRE(eventually([&] { return s.bench.workload.now() == 1; }, Millis{60000}));
  CHECK(s.pods().size() == 1);
  CHECK(s.running.contains(s.pods().at(0) + "/1"));
}

TEST_CASE("demand that returns calls the retiring back; nothing new is started for it") {
  Scene s;
  s.fill(4);
  auto object = nlohmann::json::parse(R"({"apiVersion": "workerpool.dev/v1alpha1",
    "kind": "WorkerPool",
    "metadata": {"namespace": "default", "name": "p", "uid": "uid-1", "generation": 2}})");
  object["spec"] = nlohmann::json::parse(kQuick);
  object["spec"]["replicas"] = 1;
  s.bench.set(object);
  s.bench.controller->enqueue("default/p");
  REQUIRE(eventually([&] { return s.queue.counts().retired.size() == 3; }));
  const int writes = s.bench.workload.writes;
  object["spec"]["replicas"] = 4;
  object["metadata"]["generation"] = 3;
  s.bench.set(object);
  s.bench.controller->enqueue("default/p");
  REQUIRE(eventually([&] { return s.queue.counts().retired.empty(); }));
  CHECK(s.bench.workload.now() == 4);
  CHECK(s.bench.workload.writes == writes);
  CHECK(s.pods() == std::vector<std::string>{"pod-0", "pod-1", "pod-2", "pod-3"});
}

TEST_CASE("a queue that cannot be read retires nobody and lowers nothing") {
  Scene s;
  s.fill(4);
  for (const char* worker : {"pod-0/1", "pod-1/1", "pod-2/1"}) s.running.erase(worker);
  s.server.kill9();
  REQUIRE(eventually([&] {
    return s.bench.condition_is(pool::condition::kQueueReachable, pool::ConditionStatus::is_false,
                                pool::reason::kRefused);
  }));
  // Back without its data: nothing waits, nothing runs, nobody is known; the pods are.
  s.server.start();
  REQUIRE(eventually(
      [&] {
        return s.bench.condition_is(pool::condition::kQueueReachable,
                                    pool::ConditionStatus::is_true, pool::reason::kReached);
      },
      Millis{60000}));
  CHECK(eventually([&] {
    const std::lock_guard lock(s.bench.mutex);
    return s.bench.status.decision &&
           s.bench.status.decision->reason.find("lost its data") != std::string::npos;
  }));
  CHECK(s.pods().size() == 4);
}
