// Which Deployment is a pool's, and whether it is the pool's to scale. Inside KubeWorkload. Pure.
#pragma once

#include <string>

#include "operator/kube/store.h"
#include "operator/workload/deployment.h"
#include "operator/workload/kube_objects.h"
#include "operator/workload/workload.h"

namespace wp::workload {

/// "namespace/name".
inline std::string deployment_key(const pool::Pool& pool) {
  return kube::object_key(pool.meta.ns, deployment_name(pool));
}

/// For messages.
inline std::string named(const pool::Pool& pool) {
  return "the Deployment \"" + deployment_name(pool) + "\"";
}

inline bool belongs_to(const DeploymentInfo& live, const pool::Pool& pool) {
  return pool.spec.workers.deployment_ref ? live.owner_pool.empty()
                                          : live.controller_uid == pool.meta.uid;
}

inline void refuse_what_goes(const pool::Pool& pool) {
  if (!pool.meta.deleting) return;
  throw WorkloadError(WorkloadError::Kind::gone, "the pool is being deleted");
}

}  // namespace wp::workload
