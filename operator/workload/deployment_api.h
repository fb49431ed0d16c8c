// The requests that own a Deployment, one function each, under two field managers: the operator
// applies the template, the scaler applies the replicas through /scale. So neither write can take
// back what the other one said. Blocks; any thread. Throws KubeError; to_workload_error() says what
// one means for the pool.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "operator/kube/client.h"
#include "operator/workload/kube_objects.h"
#include "operator/workload/workload.h"

namespace wp::workload {

inline constexpr std::string_view kOperatorManager = "workerpool-operator";
inline constexpr std::string_view kScalerManager = "workerpool-scaler";

class DeploymentApi {
 public:
  explicit DeploymentApi(kube::Client& client) : client_(client) {}

  /// A quorum read; nothing when it does not exist.
  std::optional<DeploymentInfo> read(const std::string& ns, const std::string& name);

  /// Creates it. Without force: should someone else have created it meanwhile, that is a conflict.
  DeploymentInfo create(const nlohmann::json& body);

  /// Applies to the object with this uid, never creates one. Takes back what others changed of the
  /// fields in `body`.
  DeploymentInfo apply(nlohmann::json body, const std::string& uid);

  /// Conditional on the version, unless that is empty. Answers the new version. `force` takes the
  /// field from its other owners; without it their value is a field manager conflict.
  std::string scale(const std::string& ns, const std::string& name, int replicas,
                    const std::string& resource_version, bool force);

  /// Moves the object on from this version, so that a write which was made for it and may still be
  /// on its way comes too late. `when` differs from call to call. A conflict when it has moved;
  /// without a version never.
  DeploymentInfo fence(const DeploymentInfo& deployment, const std::string& when);

 private:
  kube::Client& client_;
};

/// `what` is what was tried, for the message: "create the Deployment web-worker".
WorkloadError to_workload_error(const kube::KubeError& error, const std::string& what);

/// True when the write named a uid that belongs to an earlier object of this name: a 422.
bool is_of_another_uid(const kube::KubeError& error);

/// True when a write that ended so may have taken effect nevertheless.
bool is_doubtful(const kube::KubeError& error);

}  // namespace wp::workload
