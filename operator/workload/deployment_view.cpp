#include "operator/workload/deployment_view.h"

#include <algorithm>
#include <map>

#include "operator/workload/deployment.h"

namespace wp::workload {
namespace {

const ContainerInfo* container_of(const PodInfo& pod, const std::optional<std::string>& name) {
  for (const ContainerInfo& container : pod.containers) {
    if (!name || container.name == *name) return &container;
  }
  return nullptr;
}

WorkerPod worker_of(const PodInfo& pod, const std::optional<std::string>& container_name) {
  WorkerPod made;
  made.name = pod.name;
  made.uid = pod.uid;
  made.created = pod.created;
  made.assigned = pod.assigned;
  made.running = pod.running;
  made.ready = pod.ready;
  made.ready_since = pod.ready_since;
  made.terminating = pod.terminating;
  made.finished = pod.finished;
  made.marked = pod.marked;
  made.outbid = pod.marked && pod.deletion_cost > kMarkedCost;
  made.deletion_cost = pod.deletion_cost;
  made.waiting = pod.waiting;
  if (const ContainerInfo* container = container_of(pod, container_name)) {
    made.container = container->id;
    made.container_name = container->name;
    made.restarts = container->restarts;
    made.container_running = container->running;
    made.out_of_memory = container->out_of_memory;
    made.exit_code = container->exit_code;
  }
  return made;
}

bool is_populated(const ReplicaSetInfo& set) {
  return std::max(set.replicas, set.status_replicas) > 0;
}

int populated(const DeploymentObjects& objects) {
  return static_cast<int>(std::count_if(objects.sets.begin(), objects.sets.end(),
                                        [](const auto& set) { return is_populated(*set); }));
}

// A change of the replicas reaches the Deployment's status before the watch of the ReplicaSets
// shows theirs, so the numbers that are asked for have to agree as well.
bool is_current(const DeploymentObjects& objects) {
  const DeploymentInfo& deployment = *objects.deployment;
  int asked_for = 0;
  for (const auto& set : objects.sets) {
    if (set->observed_generation < set->generation) return false;
    asked_for += set->replicas;
  }
  return deployment.observed_generation >= deployment.generation &&
         asked_for == deployment.replicas && populated(objects) <= 1;
}

std::optional<Witness> witness_of(const DeploymentObjects& objects) {
  Witness made;
  for (const auto& set : objects.sets) {
    if (!is_populated(*set)) continue;
    // A template that says "retiring" itself, or nothing, would count no mark.
    if (set->state.empty() || set->state == kRetiring) return std::nullopt;
    made.existing += set->status_replicas;
    made.marked += std::max(0, set->status_replicas - set->fully_labeled);
    made.ready += set->ready_replicas;
  }
  made.current = is_current(objects);
  return made;
}

}  // namespace

View view_of(const DeploymentObjects& objects, const std::optional<std::string>& container) {
  const DeploymentInfo& deployment = *objects.deployment;
  const bool observed = deployment.observed_generation >= deployment.generation;
  View view;
  view.replicas = deployment.replicas;
  view.observed = observed;
  view.selector = deployment.selector;
  view.grace_period = deployment.grace_period;
  view.pod_request = deployment.pod_request;
  view.rolling = populated(objects) > 1 || !observed ||
                 deployment.updated_replicas != deployment.status_replicas;
  // What was said of an older declaration says nothing about this one.
  view.rollout_stuck = deployment.no_progress && observed;
  view.pods.reserve(objects.pods.size());
  for (const auto& pod : objects.pods) view.pods.push_back(worker_of(*pod, container));
  view.witness = witness_of(objects);
  return view;
}

bool shows_all(const DeploymentObjects& objects, const nlohmann::json& listed) {
  std::map<std::string, const PodInfo*> expected;
  for (const auto& pod : objects.pods) {
    if (!pod->terminating && !pod->finished) expected[pod->uid] = pod.get();
  }
  for (const nlohmann::json& item : listed.at("items")) {
    const auto there = decode_pod(item);
    if (!there) return false;
    const bool of_a_set =
        std::any_of(objects.sets.begin(), objects.sets.end(),
                    [&](const auto& set) { return set->uid == there->controller_uid; });
    if (!of_a_set) continue;
    const auto known = expected.find(there->uid);
    if (known == expected.end()) {
      // Its metadata do not tell whether it has finished: then we have seen it so.
      const bool over = std::any_of(objects.pods.begin(), objects.pods.end(),
                                    [&](const auto& pod) { return pod->uid == there->uid; });
      if (there->terminating || over) continue;
      return false;
    }
    if (newer_version(there->resource_version, known->second->resource_version)) return false;
    expected.erase(known);
  }
  return expected.empty();
}

}  // namespace wp::workload
