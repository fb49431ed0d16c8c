// A Deployment that somebody else owns and a pool scales (workers.deploymentRef), as the API server
// shows it: found by its name, its ReplicaSets and pods by its own selector. Owned by Targets. The
// getters may be called from any thread, follow() by one at a time; the callbacks run on the
// watches' threads and must not block.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "operator/kube/reflector.h"
#include "operator/workload/kube_objects.h"

namespace wp::workload {

class Target {
 public:
  struct Options {
    kube::ClusterConfig cluster;
    kube::ClientOptions client;
    std::string ns;
    std::string name;
    metrics::Registry* metrics = nullptr;
    kube::WatchTimings timings;
    std::function<void()> on_change;
    std::function<void(const std::string& key, const std::string& uid)> on_deployment_gone;
  };

  /// Begins to watch the Deployment.
  explicit Target(Options options);
  ~Target();
  Target(const Target&) = delete;
  Target& operator=(const Target&) = delete;

  const std::string& ns() const { return options_.ns; }
  const std::string& name() const { return options_.name; }

  /// Watches what the selector of the Deployment says now. May take a second when it changed.
  void follow();
  /// True once all three kinds were listed, by the selector that the Deployment has.
  bool synced() const;
  /// True once it is known that there is no such Deployment.
  bool absent() const;
  /// Why it is not synced, in one line, when that has lasted for too long to be a mere beginning.
  std::optional<std::string> failing() const;

  std::shared_ptr<const DeploymentInfo> deployment() const;
  /// The ReplicaSets of a Deployment and the pods of a ReplicaSet, by the uid of their owner.
  std::vector<std::shared_ptr<const ReplicaSetInfo>> replica_sets(const std::string& uid) const;
  std::vector<std::shared_ptr<const PodInfo>> pods(const std::string& uid) const;

 private:
  struct Children;

  template <typename T>
  std::unique_ptr<kube::Reflector<T>> watch(const char* group, const char* plural,
                                            std::optional<T> (*decode)(const nlohmann::json&),
                                            kube::ListOptions selectors) const;
  std::shared_ptr<const Children> children() const;

  const Options options_;
  const Millis begun_ = system_clock().steady();
  mutable std::mutex mutex_;
  std::shared_ptr<const Children> children_;
  std::unique_ptr<kube::Reflector<DeploymentInfo>> deployments_;  // last: calls back
};

}  // namespace wp::workload
