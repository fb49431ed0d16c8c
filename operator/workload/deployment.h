// The Deployment of a pool, as it is applied: names, labels, owner, rollout, and the pod template
// of pod_template.h. What the operator adds to a user's template stands there and nowhere else.
//
// Pure; any thread. Throws TemplateError when the template cannot be completed.
#pragma once

#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "operator/pool/pool.h"

namespace wp::workload {

/// The pool's name, on everything that belongs to it. The only label in the selector.
inline constexpr std::string_view kPoolLabel = "workerpool.dev/pool";
/// serving | retiring, on pods. In the template, so that a ReplicaSet counts the pods that still
/// have it; never in the selector, or a marked pod would be replaced at once.
inline constexpr std::string_view kStateLabel = "workerpool.dev/state";
inline constexpr std::string_view kServing = "serving";
inline constexpr std::string_view kRetiring = "retiring";
/// Annotation of the Deployment: when an answer to a write of the replicas was lost.
inline constexpr std::string_view kAnswerLostAnnotation = "workerpool.dev/answer-lost-at";
/// Annotation of a pod that orders, among the pods that are as far, who goes first.
inline constexpr std::string_view kDeletionCostAnnotation =
    "controller.kubernetes.io/pod-deletion-cost";
/// Of a marked pod. The lowest there is but one.
inline constexpr int kMarkedCost = -2147483647;
/// On a marked pod: the deletion cost that somebody else had given it.
inline constexpr std::string_view kEarlierCostAnnotation = "workerpool.dev/earlier-deletion-cost";
/// Annotation of the Deployment: the runner image it was created with. It is kept when the operator
/// is upgraded, so that an upgrade rolls no worker.
inline constexpr std::string_view kRunnerImageAnnotation = "workerpool.dev/runner-image";
/// Annotation of the Deployment: template_hash() of what was applied last.
inline constexpr std::string_view kTemplateHashAnnotation = "workerpool.dev/template-hash";

/// The template cannot be completed as declared. One line that says what to change.
class TemplateError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct DeploymentOptions {
  /// Where the runner comes from, for pools with a handler.
  std::string runner_image;
  /// Run in a container of that image: copies the runner's folder into the one that is named. It
  /// works as any user, and again over what it copied before.
  std::vector<std::string> install_command = {"/workerpool/bin/workerpool-runner", "install",
                                              "/workerpool-share"};
  /// Whether the cluster has init containers with restartPolicy Always (Kubernetes 1.29).
  bool native_sidecars = true;
};

/// Of the pool's workers: the one it names (workers.deploymentRef), else "<pool>-worker".
std::string deployment_name(const pool::Pool& pool);

/// "workerpool.dev/pool=<pool>".
std::string pod_selector(const pool::Pool& pool);

/// The body of a server-side apply. Without `replicas` the number in the cluster is left to whoever
/// owns that field.
nlohmann::json build_deployment(const pool::Pool& pool, const DeploymentOptions& options,
                                std::optional<int> replicas = std::nullopt);

/// 16 hex digits over everything in the body but the replicas and the hash itself: equal for equal
/// bodies in every process.
std::string template_hash(const nlohmann::json& deployment);

/// What the annotation of a body built by build_deployment says.
std::string applied_hash(const nlohmann::json& deployment);

}  // namespace wp::workload
