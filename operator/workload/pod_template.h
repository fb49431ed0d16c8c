// A user's pod template → the template of the pool's pods. docs/pods.md is the table of what is
// added, for users; in short:
//
//   everywhere     labels; at least drainTimeout + 15 s of terminationGracePeriodSeconds
//   type Jobs      WP_* variables in the container that runs the jobs, and for it the volume
//                  `workerpool-redis` where the way to Redis needs files
//   exec, stdio    the runner in front of the handler's command, in the container that is there
//   http           the runner in a container of its own, the app's as a sidecar (runner_parts.h)
//
// Everything else stays as the user wrote it, wrong things included: the API server judges them.
// Pure; any thread. Throws TemplateError.
#pragma once

#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "operator/pool/pool.h"
#include "operator/workload/deployment.h"

namespace wp::workload {

/// The user that runs what does not name its own: nobody's, as in our images.
inline constexpr int kDefaultUser = 65532;

/// True when the operator puts the runner into the pool's pods: in front of a handler, or beside
/// it.
bool runner_is_injected(const pool::Pool& pool);

/// The container whose end is the worker's: an app beside (handler.http) may be started again while
/// its jobs' worker lives. Nothing: the pod's first.
std::optional<std::string> worker_container(const pool::Pool& pool);

/// app.kubernetes.io/{name,instance,managed-by,part-of}.
nlohmann::json common_labels(const pool::Pool& pool);

nlohmann::json build_pod_template(const pool::Pool& pool, const DeploymentOptions& options);

/// The variables that tell a runner who it is, where its queue is and what it runs. They take the
/// place of a user's variables of the same names. Empty for queues of foreign types.
nlohmann::json worker_variables(const pool::Pool& pool);

}  // namespace wp::workload
