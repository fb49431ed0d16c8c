// A namespace of its own in the control plane that tests/cluster/up started, with the CRD, and what
// the tests of the Deployment workload do to it. Not thread safe.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include <nlohmann/json.hpp>

#include "operator/kube/client.h"
#include "operator/pool/pool.h"
#include "operator/workload/kube_workload.h"

namespace wp::test {

/// False without a control plane of tests/cluster. A KUBECONFIG alone does not count: it may be the
/// one of somebody's cluster.
bool have_cluster();

class ClusterFixture {
 public:
  ClusterFixture();
  ~ClusterFixture();  // deletes the namespace

  struct Choice {
    bool started = true;  // with its watches synced
    std::string runner_image = "runner:1";
    Millis reapply_after{600000};
    const Clock* clock = nullptr;
  };
  /// A workload on this namespace, with the rights of manifests/install.yaml and no more.
  std::unique_ptr<workload::KubeWorkload> make_workload(const Choice& choice);
  std::unique_ptr<workload::KubeWorkload> make_workload() { return make_workload(Choice()); }

  /// Creates the WorkerPool, or changes its `workers`, and answers it as the operator reads it.
  pool::Pool put_pool(const std::string& workers, const std::string& name = "web");
  void delete_pool(const std::string& name = "web");

  /// Creates a Deployment that is nobody's but the user's.
  void put_deployment(const std::string& name, int replicas,
                      const nlohmann::json& pod_labels = nlohmann::json::object());

  nlohmann::json deployment(const std::string& name = "web-worker");  // null when there is none
  int replicas() { return deployment().at("spec").at("replicas"); }
  /// Like `kubectl scale deployment`.
  void scale_as_someone_else(int replicas, const std::string& name = "web-worker");
  void patch_deployment(const nlohmann::json& merge);
  nlohmann::json pod(const std::string& name);
  void annotate_pod(const std::string& name, const nlohmann::json& annotations);

  kube::Client client;
  std::string ns;
  std::atomic<int> changes{0};  // calls of on_change
};

/// A template of one container, the handler exec.
std::string workers_with_image(const std::string& image);

}  // namespace wp::test
