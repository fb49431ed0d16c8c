// An API server for the Deployment workload: one Deployment with its ReplicaSet and pods, whose
// watches stay silent, and whose answers to writes may be lost. Any thread.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <string>

#include <nlohmann/json.hpp>

#include "base/log.h"
#include "operator/workload/kube_workload.h"
#include "tests/operator/kube/support.h"
#include "tests/operator/workload/pools.h"
#include "tests/support/fake_api.h"

namespace wp::test {

class SilentServer {
 public:
  enum class Loss {
    none,
    answer,   // the write takes effect
    request,  // it does not arrive …
    late,     // … before the next write of the Deployment
  };

  SilentServer() {
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
  /// One that the watch does not tell of.
  void add_pod() {
    const std::lock_guard lock(mutex_);
    ++pods_;
  }
  /// A change that the watch does not tell of either.
  void touch_pod(int number) {
    const std::lock_guard lock(mutex_);
    ++writes_[number];
  }
  /// What happens while the metadata of the pods are asked for.
  void before_list(std::function<void()> happens) {
    const std::lock_guard lock(mutex_);
    before_list_ = std::move(happens);
  }
  /// Answers them so; 0: as a server does.
  void refuse_lists(int status) { refusal_ = status; }
  // What was held back arrives.
  bool late_write_takes_effect() {
    const std::lock_guard lock(mutex_);
    return held_back_version_ == version_;
  }
  nlohmann::json annotations_of_pod(int number) {
    const std::lock_guard lock(mutex_);
    return annotations_[number];
  }
  void set_annotations_of_pod(int number, const nlohmann::json& annotations) {
    const std::lock_guard lock(mutex_);
    annotations_[number] = annotations;
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
  static nlohmann::json metadata(const std::string& name, const std::string& uid, int version,
                                 const std::string& owner) {
    return {{"namespace", "media"},
            {"name", name},
            {"uid", uid},
            {"generation", 1},
            {"resourceVersion", std::to_string(version)},
            {"labels", {{"workerpool.dev/pool", "thumbnails"}}},
            {"ownerReferences", {{{"uid", owner}, {"controller", true}}}}};
  }
  nlohmann::json deployment() const {
    nlohmann::json made = {
        {"kind", "Deployment"},
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
  nlohmann::json replica_set() const {
    return {{"metadata", metadata("thumbnails-worker-x", "s-1", 2, "d-1")},
            {"spec",
             {{"replicas", 2},
              {"template", {{"metadata", {{"labels", {{"workerpool.dev/state", "serving"}}}}}}}}},
            {"status", {{"observedGeneration", 1}, {"replicas", 2}, {"fullyLabeledReplicas", 2}}}};
  }
  nlohmann::json pod(int number) const {
    nlohmann::json made = {
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
    const auto accepted = exchange.request().headers.find("accept");
    if (accepted != exchange.request().headers.end() &&
        accepted->second.find("PartialObjectMetadataList") != std::string::npos) {
      if (before_list_) before_list_();
      if (refusal_ != 0) {
        return exchange.reply(refusal_, R"({"kind":"Status"})", {{"Retry-After", "1"}});
      }
    }
    if (path.ends_with("/thumbnails-worker")) return exchange.reply(200, deployment().dump());
    nlohmann::json items = nlohmann::json::array();
    if (path.ends_with("/deployments")) items = {deployment()};
    if (path.ends_with("/replicasets")) items = {replica_set()};
    if (path.ends_with("/pods")) {
      for (int i = 0; i < pods_; ++i) items.push_back(pod(i));
    }
    exchange.reply(
        200, nlohmann::json{{"metadata", {{"resourceVersion", "9"}}}, {"items", items}}.dump());
  }

  void write(ApiExchange& exchange, const std::string& path) {
    const Loss loss = loss_;
    const nlohmann::json body = nlohmann::json::parse(exchange.request().body);
    nlohmann::json answer;
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
  nlohmann::json carry_out(const std::string& path, const nlohmann::json& body) {
    if (path.ends_with("/scale")) {
      replicas_ = body.at("spec").at("replicas");
      ++version_;
      return {{"metadata", {{"resourceVersion", std::to_string(version_)}}}};
    }
    if (path.ends_with("/thumbnails-worker")) {
      const nlohmann::json annotations =
          body.at("metadata").value("annotations", nlohmann::json::object());
      if (annotations.contains("workerpool.dev/template-hash")) {
        hash_ = annotations.at("workerpool.dev/template-hash");
      }
      ++version_;
      return deployment();
    }
    const int number = path.back() - '0';
    states_[number] = body.at("metadata").at("labels").at("workerpool.dev/state");
    annotations_[number].merge_patch(body.at("metadata").at("annotations"));
    ++writes_[number];
    return pod(number);
  }

  std::atomic<Loss> loss_ = Loss::none;
  std::atomic<int> refusal_ = 0;
  std::function<void()> before_list_;
  std::mutex mutex_;  // of all below
  int version_ = 100;
  int replicas_ = 2;
  int held_back_version_ = 0;
  std::string hash_;
  int pods_ = 2;
  std::string states_[3] = {"serving", "serving", "serving"};
  nlohmann::json annotations_[3] = {nlohmann::json::object(), nlohmann::json::object(),
                                    nlohmann::json::object()};
  int writes_[3] = {0, 0, 0};
};

/// A pool whose Deployment that is, and a workload that has seen it.
struct SilentFixture {
  explicit SilentFixture(const Clock* clock = nullptr) : pool(plain_pool()) {
    log::set_level(log::Level::error);
    workload::KubeWorkloadOptions options;
    options.cluster = kube::test::config_for(server.api);
    options.deployment.runner_image = "runner:1";
    options.clock = clock;
    workload = std::make_unique<workload::KubeWorkload>(std::move(options));
    workload->start();
    synced = workload->wait_synced(Millis{10000});
    if (!synced) return;
    workload->ensure(pool, 2);
    synced = workload->observe(pool).known;
  }

  SilentServer server;
  pool::Pool pool;
  std::unique_ptr<workload::KubeWorkload> workload;
  bool synced = false;
};

}  // namespace wp::test
