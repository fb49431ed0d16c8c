// The Deployment workload with an API server whose answers to writes are lost on the way.
#include <atomic>
#include <doctest/doctest.h>
#include <mutex>

#include <nlohmann/json.hpp>

#include "base/log.h"
#include "operator/workload/kube_workload.h"
#include "tests/operator/kube/support.h"
#include "tests/operator/workload/pools.h"
#include "tests/support/fake_api.h"
#include "tests/support/wait.h"

using namespace wp;
using namespace wp::workload;
using nlohmann::json;
using test::ApiExchange;
using test::eventually;
using test::FakeApi;

namespace {

using Kind = WorkloadError::Kind;

// One Deployment with its ReplicaSet and two pods. Its watches stay silent.
class Server {
 public:
  enum class Loss {
    none,
    answer,   // the write takes effect
    request,  // it does not arrive …
    late,     // … before the next write of the Deployment
  };

  Server() {
    api.fallback([this](ApiExchange& exchange) { serve(exchange); });
  }

  void lose(Loss loss) { loss_ = loss; }
  int replicas() {
    const std::lock_guard lock(mutex_);
    return replicas_;
  }
  std::string state_of_pod(int number) {
    const std::lock_guard lock(mutex_);
    return states_[number];
  }
  // What was held back arrives.
  bool late_write_takes_effect() {
    const std::lock_guard lock(mutex_);
    return held_back_version_ == version_;
  }
  int patches(const std::string& suffix) const {
    int count = 0;
    for (const test::ApiRequest& request : api.requests()) {
      const std::string path = request.target.substr(0, request.target.find('?'));
      count += request.method == "PATCH" && path.ends_with(suffix) ? 1 : 0;
    }
    return count;
  }

  FakeApi api;

 private:
  static json metadata(const std::string& name, const std::string& uid, int version,
                       const std::string& owner) {
    return {{"namespace", "media"},
            {"name", name},
            {"uid", uid},
            {"generation", 1},
            {"resourceVersion", std::to_string(version)},
            {"labels", {{"workerpool.dev/pool", "thumbnails"}}},
            {"ownerReferences", {{{"uid", owner}, {"controller", true}}}}};
  }
  json deployment() const {
    json made = {{"kind", "Deployment"},
                 {"metadata", metadata("thumbnails-worker", "d-1", version_, "u-1")},
                 {"spec", {{"replicas", replicas_}}},
                 {"status", {{"observedGeneration", 1}, {"replicas", 2}, {"updatedReplicas", 2}}}};
    made["metadata"]["annotations"]["workerpool.dev/template-hash"] = hash_;
    made["metadata"]["managedFields"] = {{{"manager", "workerpool-scaler"},
                                          {"operation", "Apply"},
                                          {"subresource", "scale"},
                                          {"fieldsV1", {{"f:spec", {{"f:replicas", {{}}}}}}}}};
    return made;
  }
  json replica_set() const {
    return {{"metadata", metadata("thumbnails-worker-x", "s-1", 2, "d-1")},
            {"spec",
             {{"replicas", 2},
              {"template", {{"metadata", {{"labels", {{"workerpool.dev/state", "serving"}}}}}}}}},
            {"status", {{"observedGeneration", 1}, {"replicas", 2}, {"fullyLabeledReplicas", 2}}}};
  }
  json pod(int number) const {
    json made = {
        {"metadata", metadata("pod-" + std::to_string(number), "p-" + std::to_string(number),
                              10 + writes_[number], "s-1")}};
    made["metadata"]["labels"]["workerpool.dev/state"] = states_[number];
    made["metadata"]["annotations"] = annotations_[number];
    return made;
  }

  void serve(ApiExchange& exchange) {
    const std::string& target = exchange.request().target;
    const std::string path = target.substr(0, target.find('?'));
    if (target.find("watch=") != std::string::npos) {
      exchange.begin_stream();
      return exchange.stall();
    }
    if (exchange.request().method == "PATCH") return write(exchange, path);
    const std::lock_guard lock(mutex_);
    if (path.ends_with("/thumbnails-worker")) return exchange.reply(200, deployment().dump());
    json items = json::array();
    if (path.ends_with("/deployments")) items = {deployment()};
    if (path.ends_with("/replicasets")) items = {replica_set()};
    if (path.ends_with("/pods")) items = {pod(0), pod(1)};
    exchange.reply(200, json{{"metadata", {{"resourceVersion", "9"}}}, {"items", items}}.dump());
  }

  void write(ApiExchange& exchange, const std::string& path) {
    const Loss loss = loss_;
    const json body = json::parse(exchange.request().body);
    json answer;
    {
      const std::lock_guard lock(mutex_);
      if (loss == Loss::request) return exchange.cut();
      if (loss == Loss::late) {
        held_back_version_ =
            std::stoi(body.at("metadata").at("resourceVersion").get<std::string>());
        return exchange.cut();
      }
      answer = carry_out(path, body);
    }
    if (loss == Loss::answer) return exchange.cut();
    exchange.reply(200, answer.dump());
  }
  json carry_out(const std::string& path, const json& body) {
    if (path.ends_with("/scale")) {
      replicas_ = body.at("spec").at("replicas");
      ++version_;
      return {{"metadata", {{"resourceVersion", std::to_string(version_)}}}};
    }
    if (path.ends_with("/thumbnails-worker")) {
      const json annotations = body.at("metadata").value("annotations", json::object());
      if (annotations.contains("workerpool.dev/template-hash")) {
        hash_ = annotations.at("workerpool.dev/template-hash");
      }
      ++version_;
      return deployment();
    }
    const int number = path.ends_with("pod-1") ? 1 : 0;
    states_[number] = body.at("metadata").at("labels").at("workerpool.dev/state");
    annotations_[number].merge_patch(body.at("metadata").at("annotations"));
    ++writes_[number];
    return pod(number);
  }

  std::atomic<Loss> loss_ = Loss::none;
  std::mutex mutex_;  // of all below
  int version_ = 100;
  int replicas_ = 2;
  int held_back_version_ = 0;
  std::string hash_;
  std::string states_[2] = {"serving", "serving"};
  json annotations_[2] = {json::object(), json::object()};
  int writes_[2] = {0, 0};
};

struct Fixture {
  Fixture() : pool(test::plain_pool()) {
    log::set_level(log::Level::error);
    KubeWorkloadOptions options;
    options.cluster = kube::test::config_for(server.api);
    options.deployment.runner_image = "runner:1";
    workload = std::make_unique<KubeWorkload>(std::move(options));
    workload->start();
    REQUIRE(workload->wait_synced(Millis{10000}));
    workload->ensure(pool, 2);
    REQUIRE(workload->observe(pool).known);
  }
  Kind scale(int replicas) {
    try {
      workload->scale(pool, replicas, {});
    } catch (const WorkloadError& error) {
      return error.kind();
    }
    FAIL("it was answered");
    return Kind::gone;
  }

  Server server;
  pool::Pool pool;
  std::unique_ptr<KubeWorkload> workload;
};

}  // namespace

TEST_CASE_FIXTURE(Fixture,
                  "an answer about the replicas that was lost: nothing is known until it is read") {
  server.lose(Server::Loss::answer);
  CHECK(scale(1) == Kind::retry);
  server.lose(Server::Loss::none);
  CHECK_FALSE(workload->observe(pool).known);
  CHECK(scale(2) == Kind::conflict);  // decides on what was not read
  CHECK(server.patches("/scale") == 1);
  workload->ensure(pool, 2);
  CHECK(workload->observe(pool).known);
  CHECK(workload->observe(pool).replicas == 1);
}

TEST_CASE_FIXTURE(Fixture,
                  "a write of the replicas that did not arrive comes too late once it was read") {
  SUBCASE("it never does") {
    server.lose(Server::Loss::request);
  }
  SUBCASE("it still may") {
    server.lose(Server::Loss::late);
  }
  CHECK(scale(1) == Kind::retry);
  server.lose(Server::Loss::none);
  workload->ensure(pool, 2);
  CHECK(workload->observe(pool).known);
  CHECK(workload->observe(pool).replicas == 2);
  CHECK_FALSE(server.late_write_takes_effect());
  workload->scale(pool, 1, {});
  CHECK(server.replicas() == 1);
  CHECK(workload->observe(pool).replicas == 1);
}

TEST_CASE_FIXTURE(Fixture,
                  "an answer about a mark that was lost: marked again, which changes nothing") {
  server.lose(Server::Loss::answer);
  CHECK_THROWS_AS(workload->mark(pool, {"p-1"}), WorkloadError);
  server.lose(Server::Loss::none);
  CHECK(server.state_of_pod(1) == "retiring");
  CHECK(workload->observe(pool).known);
  CHECK(workload->mark(pool, {"p-1"}) == 1);
  CHECK(workload->observe(pool).pods.at(1).marked);
  // Its witness speaks for itself.
  CHECK(workload->observe(pool).witness->marked == 0);
  CHECK(server.state_of_pod(0) == "serving");
}

TEST_CASE_FIXTURE(Fixture, "one of several marks fails: an error, and what was written is known") {
  server.lose(Server::Loss::request);
  CHECK_THROWS_AS(workload->mark(pool, {"p-0", "p-1"}), WorkloadError);
  server.lose(Server::Loss::none);
  CHECK(workload->mark(pool, {"p-0", "p-1"}) == 2);
  CHECK(workload->mark(pool, {"p-0", "p-1"}) == 0);
  CHECK(workload->unmark(pool, {"p-0", "p-1"}) == 2);
}
