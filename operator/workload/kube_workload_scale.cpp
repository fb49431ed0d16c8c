// Of KubeWorkload: the writes of the replicas.
#include "base/log.h"
#include "base/units.h"
#include "operator/workload/kube_workload.h"
#include "operator/workload/ownership.h"

namespace wp::workload {
namespace {

using kube::KubeError;
using Kind = WorkloadError::Kind;

/// A conditional write competes with the Deployment controller's status updates.
constexpr int kTries = 4;

// True when the operator itself still holds the replicas, from the creation, and nobody else does.
bool held_by_operator(const DeploymentInfo& live) {
  bool operator_holds = false;
  for (const FieldOwner& owner : live.replicas_owners) {
    if (owner.manager == kOperatorManager) {
      operator_holds = true;
    } else if (owner.manager != kScalerManager) {
      return false;
    }
  }
  return operator_holds;
}

// 'conflict with "kubectl" with subresource "scale" using apps/v1'
std::string manager_in(const KubeError& conflict) {
  for (const KubeError::Cause& cause : conflict.causes()) {
    if (cause.reason != "FieldManagerConflict") continue;
    const std::size_t begin = cause.message.find('"');
    const std::size_t end = cause.message.find('"', begin + 1);
    if (begin < end && end != std::string::npos) {
      return cause.message.substr(begin + 1, end - begin - 1);
    }
  }
  return "another writer";
}

}  // namespace

// Makes the scaler an owner of the replicas, without changing them.
KubeWorkload::Deployment KubeWorkload::share_replicas(const pool::Pool& pool, Deployment live,
                                                      Memory& memory) {
  for (int tries = kTries;; --tries) {
    try {
      // Forced where only our other hand holds them: a Scale with 0 replicas leaves the number out,
      // which the API server takes for a conflict with the 0 of the creation.
      const std::string version = api_.scale(live->ns, live->name, live->replicas,
                                             live->resource_version, held_by_operator(*live));
      return note_scaled(pool, *live, live->replicas, version, memory);
    } catch (const KubeError& error) {
      if (!error.is_conflict() || tries <= 1) throw;
    }
    live = read(pool, memory);
    if (!live || !belongs_to(*live, pool)) {
      throw WorkloadError(Kind::conflict, named(pool) + " was replaced in between");
    }
    if (owns_replicas(*live, kScalerManager)) return live;
  }
}

void KubeWorkload::scale(const pool::Pool& pool, int replicas,
                         const std::vector<std::string>& victims) {
  refuse_what_goes(pool);
  Memory& memory = memory_of(pool);
  if (memory.doubtful) {
    throw WorkloadError(Kind::conflict, "an answer about " + named(pool) + " was lost");
  }
  const Deployment live = current(pool);
  if (!live || !belongs_to(*live, pool) || live->deleting) {
    throw WorkloadError(Kind::conflict, named(pool) + " is not there, or not yet seen");
  }
  if (live->replicas == replicas) return;
  if (victims.empty()) {
    const std::lock_guard lock(mutex_);
    memory.unconfirmed_since.reset();
  } else {
    confirm_pods(pool, memory);
  }
  if (owns_replicas(*live, kScalerManager)) {
    memory.taken_over = true;
  } else {
    leave_to_contender(pool, memory);
  }
  try {
    std::string version;
    try {
      // Our own second hand is no reason for a conflict, and at this version nobody else has one.
      version = api_.scale(live->ns, live->name, replicas, live->resource_version,
                           held_by_operator(*live));
    } catch (const KubeError& error) {
      if (!error.is_field_manager_conflict()) throw;
      version = take_back_replicas(pool, *live, replicas, error, memory);
    }
    note_scaled(pool, *live, replicas, version, memory);
  } catch (const KubeError& error) {
    if (is_doubtful(error)) memory.lost_version = live->resource_version;
    if (is_doubtful(error) || error.is_not_found()) doubt(memory, true);
    throw to_workload_error(error, "scale " + named(pool));
  }
}

// Throws a conflict while the replicas stay with whoever sets them again and again.
void KubeWorkload::leave_to_contender(const pool::Pool& pool, const Memory& memory) {
  const Millis wait = memory.foreign.left_alone_for(now());
  if (wait == Millis{0}) return;
  throw WorkloadError(Kind::conflict, memory.foreign.contender(now()) + " sets the replicas of " +
                                          named(pool) + "; they are taken back in " +
                                          format_duration(wait));
}

std::string KubeWorkload::take_back_replicas(const pool::Pool& pool, const DeploymentInfo& live,
                                             int replicas, const KubeError& conflict,
                                             Memory& memory) {
  // A named target's replicas are its owner's until we scale it for the first time.
  const bool was_ours = !pool.spec.workers.deployment_ref || memory.taken_over;
  if (was_ours) {
    const std::lock_guard lock(mutex_);
    memory.foreign.found(manager_in(conflict), now());
  }
  leave_to_contender(pool, memory);
  const std::string version = api_.scale(live.ns, live.name, replicas, live.resource_version, true);
  log::write(was_ours ? log::Level::warn : log::Level::info,
             "the replicas of a deployment were taken from another writer",
             {{"namespace", live.ns},
              {"name", pool.meta.name},
              {"deployment", live.name},
              {"writer", manager_in(conflict)},
              {"found", live.replicas},
              {"replicas", replicas}});
  memory.taken_over = true;
  const std::lock_guard lock(mutex_);
  memory.foreign.repaired(now());
  return version;
}

KubeWorkload::Deployment KubeWorkload::note_scaled(const pool::Pool& pool,
                                                   const DeploymentInfo& live, int replicas,
                                                   const std::string& version, Memory& memory) {
  DeploymentInfo now_there = live;
  now_there.resource_version = version;
  const FieldOwner scaler{
      .manager = std::string(kScalerManager), .subresource = "scale", .applied = true};
  if (live.replicas != replicas) {
    now_there.replicas = replicas;
    // The answer of /scale does not tell the generation; one change of the spec is one step.
    ++now_there.generation;
    if (memory.deployment_uid == live.uid) ++memory.expected_generation;
    now_there.replicas_owners = {scaler};
  } else if (!owns_replicas(live, kScalerManager)) {
    now_there.replicas_owners.push_back(scaler);
  }
  return written_.put(deployment_key(pool), std::move(now_there), now());
}

}  // namespace wp::workload
