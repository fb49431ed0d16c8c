// Of KubeWorkload: what is written to single pods.
#include <algorithm>

#include "operator/workload/kube_workload.h"
#include "operator/workload/ownership.h"

namespace wp::workload {
namespace {

// Those with these uids that are still to stay or to go.
std::vector<PodMarks::Pod> pods_of(const DeploymentObjects& objects,
                                   const std::vector<std::string>& uids) {
  std::vector<PodMarks::Pod> found;
  for (const auto& pod : objects.pods) {
    if (pod->terminating || pod->finished) continue;
    if (std::find(uids.begin(), uids.end(), pod->uid) != uids.end()) found.push_back(pod);
  }
  return found;
}

}  // namespace

int KubeWorkload::mark(const pool::Pool& pool, const std::vector<std::string>& uids) {
  const auto objects = objects_of(pool);
  return objects ? marks_.mark(pods_of(*objects, uids)) : 0;
}

// An earlier leader that stood still may have a lowering on its way, for the version that is there
// still: with the marks gone it would take whomever the ReplicaSet's controller likes.
void KubeWorkload::fence_earlier_leaders(const pool::Pool& pool) {
  Memory& memory = memory_of(pool);
  if (memory.fenced || pool.spec.workers.deployment_ref) return;
  const Deployment live = current(pool);
  if (!live) return;
  try {
    written_.put(deployment_key(pool), api_.fence(*live, format_time(clock_.wall())), now());
  } catch (const kube::KubeError& error) {
    throw to_workload_error(error, "fence " + named(pool));
  }
  memory.fenced = true;
}

int KubeWorkload::unmark(const pool::Pool& pool, const std::vector<std::string>& uids) {
  const auto objects = objects_of(pool);
  if (!objects) return 0;
  fence_earlier_leaders(pool);
  return marks_.unmark(pods_of(*objects, uids), [&objects](const PodInfo& pod) {
    for (const auto& set : objects->sets) {
      if (set->uid == pod.controller_uid) return set->state;
    }
    return std::string();
  });
}

void KubeWorkload::remove(const pool::Pool& pool, const std::string& uid) {
  const auto objects = objects_of(pool);
  if (!objects) return;
  for (const auto& pod : pods_of(*objects, {uid})) marks_.remove(*pod);
}

}  // namespace wp::workload
