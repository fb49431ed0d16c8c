// Of KubeWorkload: what is written to single pods.
#include <algorithm>
#include <utility>

#include "base/log.h"
#include "operator/workload/kube_workload.h"
#include "operator/workload/ownership.h"

namespace wp::workload {
namespace {

using Json = nlohmann::json;
using Kind = WorkloadError::Kind;

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

// What the template of this pod has as its label; empty: none.
std::string state_in(const DeploymentObjects& objects, const PodInfo& pod) {
  for (const auto& set : objects.sets) {
    if (set->uid == pod.controller_uid) return set->state;
  }
  return "";
}

/// A pool that is gone waits so long for a lowering that was on its way, or for the API server.
constexpr Millis kLeaveAnyway{60000};
/// A small part of what a lowering needs of its retirements (fleet/retirement.cpp, kCertain): the
/// write that follows has to fit in as well.
constexpr Millis kConfirmWithin{5000};
/// Pods change: that we are behind by an event is no news, and looked at again after a while.
constexpr Millis kLookAgain{1000};

// Whether a lowering may be on its way, so that whoever is not marked any more could not be told
// from the others.
bool may_be_lowered(const DeploymentObjects& objects) {
  const View view = view_of(objects, std::nullopt);
  const auto active = std::count_if(view.pods.begin(), view.pods.end(), [](const WorkerPod& pod) {
    return !pod.terminating && !pod.finished;
  });
  if (!view.observed) return true;
  if (view.rolling) return false;
  return active > view.replicas || (view.witness && !view.witness->current);
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
  DeploymentInfo at_any_version = *live;
  at_any_version.resource_version.clear();
  try {
    written_.put(deployment_key(pool), api_.fence(at_any_version, format_time(clock_.wall())),
                 now());
  } catch (const kube::KubeError& error) {
    throw to_workload_error(error, "fence " + named(pool));
  }
  memory.fenced = true;
}

// A watch can stand still for minutes before anybody notices, and even one that does not is behind
// by milliseconds: a pod that it has not shown may hold a job. Asked for in the order of the writes
// themselves, a list is newer than all that led to this lowering. Whoever waited too long for it
// knows no more whether the retirements still hold.
void KubeWorkload::confirm_pods(const pool::Pool& pool, Memory& memory) {
  const Millis began = now();
  const auto unconfirmed = [&](const std::string& why) {
    const std::lock_guard lock(mutex_);
    memory.look_again = now() + kLookAgain;
    if (!memory.unconfirmed_since) memory.unconfirmed_since = now();
    return WorkloadError(Kind::conflict, "the pods of " + named(pool) + " are not certain: " + why);
  };
  if (began < memory.look_again) {
    throw WorkloadError(Kind::conflict, "the pods of " + named(pool) + " are looked at again soon");
  }
  const auto objects = objects_of(pool);
  if (!objects) throw unconfirmed("its target is not seen");
  Json listed;
  try {
    listed = client_.list_metadata(
        kube::resource_path(kPods, objects->deployment->ns),
        {.label_selector = objects->deployment->selector, .field_selector = {}}, kConfirmWithin);
  } catch (const kube::KubeError& error) {
    throw unconfirmed(error.what());
  }
  if (now() - began > kConfirmWithin) throw unconfirmed("the list took too long");
  if (!shows_all(*objects, listed)) throw unconfirmed("their watch is behind");
  const std::lock_guard lock(mutex_);
  memory.unconfirmed_since.reset();
}

int KubeWorkload::unmark(const pool::Pool& pool, const std::vector<std::string>& uids) {
  const auto objects = objects_of(pool);
  if (!objects) return 0;
  fence_earlier_leaders(pool);
  return marks_.unmark(pods_of(*objects, uids),
                       [&objects](const PodInfo& pod) { return state_in(*objects, pod); });
}

void KubeWorkload::leave_unmarked(const Target& target, const std::string& pool_key) {
  const Deployment live =
      written_.newest(kube::object_key(target.ns(), target.name()), target.deployment(), now());
  if (target.absent() || (live && live->deleting)) return;
  Millis waited{0};
  {
    const std::lock_guard lock(mutex_);
    std::optional<Millis>& since = memories_[pool_key].leaving_since;
    if (!since) since = now();
    waited = now() - *since;
  }
  if (!live || !target.synced()) {
    if (waited >= kLeaveAnyway) return;
    throw WorkloadError(Kind::conflict, "the pods of " + target.name() + " are not seen yet");
  }
  const DeploymentObjects objects = objects_below(live, &target);
  std::vector<PodMarks::Pod> marked;
  for (const auto& pod : objects.pods) {
    if (pod->marked && !pod->terminating && !pod->finished) marked.push_back(pod);
  }
  if (marked.empty()) return;
  if (may_be_lowered(objects) && waited < kLeaveAnyway) {
    throw WorkloadError(Kind::conflict, "a lowering of " + target.name() + " may be on its way");
  }
  try {
    marks_.unmark(marked, [&objects](const PodInfo& pod) { return state_in(objects, pod); });
  } catch (const WorkloadError& error) {
    if (waited < kLeaveAnyway) throw;
    log::warn("the marks of pods cannot be taken away",
              {{"namespace", live->ns}, {"deployment", live->name}, {"error", error.what()}});
    return;
  }
  log::info("a deployment is left as it was found", {{"namespace", live->ns},
                                                     {"deployment", live->name},
                                                     {"pool", pool_key},
                                                     {"pods", marked.size()}});
}

void KubeWorkload::remove(const pool::Pool& pool, const std::string& uid) {
  const auto objects = objects_of(pool);
  if (!objects) return;
  for (const auto& pod : pods_of(*objects, {uid})) marks_.remove(*pod);
}

}  // namespace wp::workload
