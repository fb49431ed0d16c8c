#include "operator/workload/pod_marks.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>

#include "operator/kube/store.h"
#include "operator/workload/deployment.h"
#include "operator/workload/deployment_api.h"

namespace wp::workload {
namespace {

using kube::KubeError;
using Json = nlohmann::json;
using Kind = WorkloadError::Kind;

/// Writes at the same time: as many as the client keeps connections.
constexpr std::size_t kLanes = 4;

std::string path_of(const PodInfo& pod) {
  return kube::resource_path(kPods, pod.ns, pod.name);
}

std::string key_of(const PodInfo& pod) {
  return kube::object_key(pod.ns, pod.name);
}

Json text_of(const std::optional<int>& cost) {
  return cost ? Json(std::to_string(*cost)) : Json();
}

// The uid is the precondition: of another pod it is a change that the server refuses.
Json patch_body(const PodInfo& pod, const Json& state, const Json& annotations) {
  return {{"metadata",
           {{"uid", pod.uid},
            {"labels", {{std::string(kStateLabel), state}}},
            {"annotations", annotations}}}};
}

bool has_our_cost(const PodInfo& pod) {
  return pod.marked && pod.deletion_cost == kMarkedCost;
}

// A cost of 0 is what a pod without one has.
Json marking(const PodInfo& pod) {
  std::optional<int> theirs = pod.earlier_cost;
  if (!has_our_cost(pod)) {
    theirs = pod.deletion_cost == 0 ? std::nullopt : std::optional<int>(pod.deletion_cost);
  }
  return {{std::string(kDeletionCostAnnotation), std::to_string(kMarkedCost)},
          {std::string(kEarlierCostAnnotation), text_of(theirs)}};
}

// What somebody wrote over ours is theirs, and stays.
Json unmarking(const PodInfo& pod) {
  Json made = {{std::string(kEarlierCostAnnotation), nullptr}};
  if (pod.deletion_cost == kMarkedCost) {
    made[std::string(kDeletionCostAnnotation)] = text_of(pod.earlier_cost);
  }
  return made;
}

}  // namespace

PodMarks::Pod PodMarks::newest(const Pod& watched) const {
  return written_.newest(key_of(*watched), watched, clock_.steady());
}

int PodMarks::mark(const std::vector<Pod>& pods) {
  std::vector<Write> writes;
  for (const Pod& seen : pods) {
    const Pod pod = newest(seen);
    if (has_our_cost(*pod)) continue;
    writes.push_back({pod, patch_body(*pod, kRetiring, marking(*pod))});
  }
  return carry_out(writes);
}

int PodMarks::unmark(const std::vector<Pod>& pods,
                     const std::function<std::string(const PodInfo&)>& state) {
  std::vector<Write> writes;
  for (const Pod& seen : pods) {
    const Pod pod = newest(seen);
    if (!pod->marked && pod->deletion_cost != kMarkedCost) continue;
    const std::string label = state(*pod);
    writes.push_back(
        {pod, patch_body(*pod, label.empty() ? Json() : Json(label), unmarking(*pod))});
  }
  return carry_out(writes);
}

int PodMarks::carry_out(const std::vector<Write>& writes) {
  std::atomic<std::size_t> next = 0;
  std::atomic<int> done = 0;
  std::mutex mutex;
  std::exception_ptr failure;  // the first
  const auto lane = [&] {
    try {
      for (std::size_t i = next++; i < writes.size(); i = next++) {
        if (patch(writes[i])) ++done;
      }
    } catch (...) {
      next = writes.size();  // the others end as well: what failed once would fail again
      const std::lock_guard lock(mutex);
      if (!failure) failure = std::current_exception();
    }
  };
  {
    std::vector<std::jthread> others;
    for (std::size_t i = 1; i < std::min(kLanes, writes.size()); ++i) others.emplace_back(lane);
    lane();
  }
  if (failure) std::rethrow_exception(failure);
  return done;
}

// False when the pod is gone, or another one has its name.
bool PodMarks::patch(const Write& write) {
  const PodInfo& pod = *write.pod;
  try {
    const Json answer = client_.patch(path_of(pod), kube::PatchType::merge, write.body,
                                      {.field_manager = std::string(kOperatorManager)});
    if (auto made = decode_pod(answer)) {
      written_.put(key_of(pod), std::move(*made), clock_.steady());
    }
    return true;
  } catch (const KubeError& error) {
    if (error.is_not_found() || error.is_conflict() || is_of_another_uid(error)) return false;
    throw WorkloadError(Kind::retry, "cannot mark the pod " + pod.name + ": " + error.what());
  }
}

void PodMarks::remove(const PodInfo& pod) {
  try {
    client_.remove(path_of(pod), {.uid = pod.uid, .resource_version = pod.resource_version});
  } catch (const KubeError& error) {
    if (error.is_not_found()) return;
    throw WorkloadError(error.is_conflict() ? Kind::conflict : Kind::retry,
                        "cannot delete the pod " + pod.name + ": " + error.what());
  }
}

}  // namespace wp::workload
