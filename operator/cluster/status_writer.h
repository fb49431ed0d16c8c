// Writes what the controller found out about a pool into its status, and into no namesake's: the
// status sub-resource ignores a uid in a merge patch, so a JSON patch tests it first.
#pragma once

#include "operator/controller/ports.h"
#include "operator/kube/client.h"

namespace wp::cluster {

/// Replaces the whole status. Silent when the pool is gone, or another one has its name by now;
/// throws KubeError for what else the API server refuses. `client` must outlive the writer.
controller::StatusWriter status_writer(kube::Client& client);

}  // namespace wp::cluster
