// What a Deployment, its ReplicaSets and their pods say together: the View of a pool's workers, and
// the witness of its marks. Pure; any thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "operator/workload/kube_objects.h"
#include "operator/workload/workload.h"

namespace wp::workload {

struct DeploymentObjects {
  std::shared_ptr<const DeploymentInfo> deployment;
  std::vector<std::shared_ptr<const ReplicaSetInfo>> sets;
  std::vector<std::shared_ptr<const PodInfo>> pods;  // of all these sets
};

/// Everything that these objects tell; what the operator remembers (known, foreign_scaler) is the
/// caller's. `container`: the one that runs the jobs, else each pod's first.
View view_of(const DeploymentObjects& objects, const std::optional<std::string>& container);

/// Whether these are the pods that there are, as `listed` has them (a list of their metadata): each
/// one, in this version or an older one. Those that terminate or have finished do not count.
bool shows_all(const DeploymentObjects& objects, const nlohmann::json& listed);

}  // namespace wp::workload
