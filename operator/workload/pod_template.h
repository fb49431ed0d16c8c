// A user's pod template → the template of the pool's pods. With a handler the runner is injected:
//
//   everywhere   labels workerpool.dev/*; app.kubernetes.io/* where the user set none; at least
//                drainTimeout + 15 s of terminationGracePeriodSeconds
//   type Jobs    the WP_* variables below, in the container that runs the jobs, and for it the
//                volume `workerpool-redis` where TLS to Redis needs files
//   handler      an init container `workerpool-runner` that copies the runner into the volume
//                `workerpool`, mounted read-only at /workerpool; the runner as the container's
//                command, in front of the handler's; the port `wp-probe` (9808) with a readiness
//                and a liveness probe, and the fields of a restricted securityContext, where the
//                user set none
//
// Everything else stays as the user wrote it, wrong things included: the API server judges them.
// Pure; any thread. Throws TemplateError.
#pragma once

#include <nlohmann/json.hpp>

#include "operator/pool/pool.h"
#include "operator/workload/deployment.h"

namespace wp::workload {

/// The user that runs what does not name its own: nobody's, as in our images.
inline constexpr int kDefaultUser = 65532;
inline constexpr int kProbePort = 9808;

/// True when the operator puts the runner in front of the pool's handler.
bool runner_is_injected(const pool::Pool& pool);

/// app.kubernetes.io/{name,instance,managed-by,part-of}.
nlohmann::json common_labels(const pool::Pool& pool);

nlohmann::json build_pod_template(const pool::Pool& pool, const DeploymentOptions& options);

/// The variables that tell a runner who it is, where its queue is and what it runs. They take the
/// place of a user's variables of the same names. Empty for queues of foreign types.
nlohmann::json worker_variables(const pool::Pool& pool);

}  // namespace wp::workload
