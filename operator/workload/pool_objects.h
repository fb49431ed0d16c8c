// The Deployments, ReplicaSets and Pods that carry the label workerpool.dev/pool, as the API server
// shows them. Owned by KubeWorkload. The getters may be called from any thread; the callbacks run
// on the watches' threads and must not block.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "operator/kube/reflectors.h"
#include "operator/workload/kube_objects.h"

namespace wp::workload {

class PoolObjects {
 public:
  struct Options {
    kube::ClusterConfig cluster;
    kube::ClientOptions client;
    std::vector<std::string> namespaces;  // empty: all of them
    metrics::Registry* metrics = nullptr;
    kube::WatchTimings timings;
    /// An object of this pool changed, came or went: "namespace/pool", by its label.
    std::function<void(const std::string& pool_key)> on_change;
    /// A Deployment is gone.
    std::function<void(const std::string& key, const std::string& uid)> on_deployment_gone;
  };

  explicit PoolObjects(Options options);

  void start();
  void stop();
  bool synced() const;
  bool wait_synced(Millis timeout) const;
  std::optional<std::string> failing() const;

  /// By "namespace/name"; nothing when it is not there, or has no label.
  std::shared_ptr<const DeploymentInfo> deployment(const std::string& key) const {
    return deployments_.get(key);
  }

  /// The ReplicaSets of a Deployment and the pods of a ReplicaSet, by the uid of their owner.
  std::vector<std::shared_ptr<const ReplicaSetInfo>> replica_sets(const std::string& uid) const {
    return replica_sets_.by_index(uid);
  }
  std::vector<std::shared_ptr<const PodInfo>> pods(const std::string& uid) const {
    return pods_.by_index(uid);
  }

 private:
  template <typename T>
  kube::Reflectors<T> make_reflectors(const char* group, const char* plural,
                                      std::optional<T> (*decode)(const nlohmann::json&));
  void notify(const std::string& ns, const std::string& pool) const;

  const Options options_;
  kube::Reflectors<DeploymentInfo> deployments_;
  kube::Reflectors<ReplicaSetInfo> replica_sets_;
  kube::Reflectors<PodInfo> pods_;
};

}  // namespace wp::workload
