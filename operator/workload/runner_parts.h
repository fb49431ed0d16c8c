// How the runner gets into a pod: put in front of the handler's command (exec, stdio), or into a
// container of its own beside the app (http). docs/pods.md has the table of all that these add, and
// a test holds it to what they do. Pure; any thread. All throw TemplateError.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "operator/pool/pool.h"
#include "operator/workload/deployment.h"

namespace wp::workload {

/// The container that runs the jobs of an app beside (handler.http). Declared in the template under
/// this name too, it is completed: its resources, variables and probes are the user's then.
inline constexpr const char* kRunnerContainer = "workerpool-runner";
/// The init container that puts the runner's folder into the volume.
inline constexpr const char* kInstallContainer = "workerpool-install";
inline constexpr int kProbePort = 9808;

/// exec and stdio: `container` runs the runner. `spec` is the pod's.
void put_in_front(const DeploymentOptions& options, nlohmann::json& spec,
                  nlohmann::json& container);

/// http: the container `app` becomes a sidecar that outlives the runner's, or, where the cluster
/// has none, waits for it when it is to end. Answers the runner's container, which is to be told
/// its variables.
nlohmann::json& put_beside(const pool::Pool& pool, const DeploymentOptions& options,
                           nlohmann::json& spec, const std::string& app);

/// What a runner's container gets last, once its variables are known: probes, and what a restricted
/// profile asks for, where the user said nothing.
void complete_runner(const nlohmann::json& spec, nlohmann::json& container);

/// A volume of the operator's own, at a folder that is its own too.
void add_volume(nlohmann::json& spec, nlohmann::json& container, nlohmann::json volume,
                const std::string& folder, bool read_only);

}  // namespace wp::workload
