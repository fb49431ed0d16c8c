#include "operator/workload/kube_objects.h"

#include <algorithm>
#include <charconv>

#include "operator/kube/document.h"
#include "operator/kube/timestamp.h"
#include "operator/workload/deployment.h"

namespace wp::workload {
namespace {

using Json = nlohmann::json;

const Json& at(const Json& object, const char* key) {
  static const Json nothing;
  if (!object.is_object()) return nothing;
  const auto found = object.find(key);
  return found == object.end() ? nothing : *found;
}

template <typename... Keys>
const Json& at(const Json& object, const char* key, Keys... rest) {
  return at(at(object, key), rest...);
}

std::string text(const Json& value) {
  return value.is_string() ? value.get<std::string>() : "";
}
std::int64_t number(const Json& value) {
  return value.is_number_integer() ? value.get<std::int64_t>() : 0;
}
int count(const Json& value) {
  return static_cast<int>(std::clamp<std::int64_t>(number(value), 0, INT32_MAX));
}
bool is_true(const Json& value) {
  return value.is_boolean() && value.get<bool>();
}

std::string label(const Json& object, std::string_view name) {
  return text(at(object, "metadata", "labels", std::string(name).c_str()));
}
std::string annotation(const Json& object, std::string_view name) {
  return text(at(object, "metadata", "annotations", std::string(name).c_str()));
}

const Json& controller_of(const Json& object) {
  static const Json nothing;
  const Json& owners = at(object, "metadata", "ownerReferences");
  if (!owners.is_array()) return nothing;
  for (const Json& owner : owners) {
    if (is_true(at(owner, "controller"))) return owner;
  }
  return nothing;
}
std::string controller_uid(const Json& object) {
  return text(at(controller_of(object), "uid"));
}

bool is_deleting(const Json& object) {
  return at(object, "metadata", "deletionTimestamp").is_string();
}

std::vector<FieldOwner> owners_of_replicas(const Json& object) {
  std::vector<FieldOwner> owners;
  const Json& entries = at(object, "metadata", "managedFields");
  if (!entries.is_array()) return owners;
  for (const Json& entry : entries) {
    if (at(entry, "fieldsV1", "f:spec", "f:replicas").is_null()) continue;
    owners.push_back({.manager = text(at(entry, "manager")),
                      .subresource = text(at(entry, "subresource")),
                      .applied = text(at(entry, "operation")) == "Apply"});
  }
  return owners;
}

const Json& condition(const Json& object, std::string_view type) {
  static const Json nothing;
  const Json& conditions = at(object, "status", "conditions");
  if (!conditions.is_array()) return nothing;
  for (const Json& entry : conditions) {
    if (text(at(entry, "type")) == type) return entry;
  }
  return nothing;
}

std::string waiting_reason(const Json& pod) {
  const Json& scheduled = condition(pod, "PodScheduled");
  if (text(at(scheduled, "status")) == "False") return text(at(scheduled, "reason"));
  for (const char* list : {"initContainerStatuses", "containerStatuses"}) {
    const Json& statuses = at(pod, "status", list);
    if (!statuses.is_array()) continue;
    for (const Json& status : statuses) {
      const std::string reason = text(at(status, "state", "waiting", "reason"));
      // These two stand there during every start.
      if (reason.empty() || reason == "PodInitializing" || reason == "ContainerCreating") continue;
      return reason;
    }
  }
  return "";
}

Millis time_of(const std::string& text) {
  return kube::parse_timestamp(text).value_or(Millis{0});
}

// Kubernetes takes what Go parses as an int32 and that has neither a plus nor leading zeros;
// anything else counts as none, which is 0.
std::optional<int> cost_of(const std::string& text) {
  if (text.size() > 1 && text.front() == '0') return std::nullopt;
  int cost = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, cost);
  const bool whole = parsed.ec == std::errc() && parsed.ptr == end;
  return whole ? std::optional<int>(cost) : std::nullopt;
}

// "containerd://<64 digits>": within one pod the first 12 tell them apart.
std::string short_id(const std::string& id) {
  const std::size_t scheme = id.find("://");
  return id.substr(scheme == std::string::npos ? 0 : scheme + 3, 12);
}

ContainerInfo decode_container(const std::string& name, const Json& status) {
  ContainerInfo made;
  made.name = name;
  made.restarts = count(at(status, "restartCount"));
  made.running = at(status, "state", "running").is_object();
  const Json& ended_now = at(status, "state", "terminated");
  const Json& ended = ended_now.is_object() ? ended_now : at(status, "lastState", "terminated");
  made.out_of_memory = text(at(ended, "reason")) == "OOMKilled";
  made.exit_code =
      static_cast<int>(std::clamp<std::int64_t>(number(at(ended, "exitCode")), 0, 255));
  made.id = short_id(text(at(status, "containerID")));
  // One that waits to be started again is still the one that ended.
  if (made.id.empty()) made.id = short_id(text(at(ended, "containerID")));
  return made;
}

// In the order of the declaration: the kubelet sorts the statuses by name.
std::vector<ContainerInfo> decode_containers(const Json& pod) {
  std::vector<ContainerInfo> made;
  const Json& declared = at(pod, "spec", "containers");
  const Json& statuses = at(pod, "status", "containerStatuses");
  if (!declared.is_array()) return made;
  made.reserve(declared.size());
  for (const Json& container : declared) {
    const std::string name = text(at(container, "name"));
    const Json* found = nullptr;
    if (statuses.is_array()) {
      for (const Json& status : statuses) {
        if (text(at(status, "name")) == name) found = &status;
      }
    }
    made.push_back(decode_container(name, found != nullptr ? *found : Json()));
  }
  return made;
}

std::string join(const Json& list) {
  std::string made;
  if (!list.is_array()) return made;
  for (const Json& word : list) made += (made.empty() ? "" : ",") + text(word);
  return made;
}

std::string requirement_text(const Json& requirement) {
  const std::string key = text(at(requirement, "key"));
  const std::string operation = text(at(requirement, "operator"));
  const std::string values = "(" + join(at(requirement, "values")) + ")";
  if (operation == "In") return key + " in " + values;
  if (operation == "NotIn") return key + " notin " + values;
  if (operation == "DoesNotExist") return "!" + key;
  return key;
}

// Everything in it has to hold, so its parts are joined by commas.
std::string selector_text(const Json& selector) {
  std::string made;
  const auto add = [&made](const std::string& part) { made += (made.empty() ? "" : ",") + part; };
  if (const Json& labels = at(selector, "matchLabels"); labels.is_object()) {
    for (const auto& [name, value] : labels.items()) add(name + "=" + text(value));
  }
  if (const Json& requirements = at(selector, "matchExpressions"); requirements.is_array()) {
    for (const Json& requirement : requirements) add(requirement_text(requirement));
  }
  return made;
}

bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

}  // namespace

std::optional<DeploymentInfo> decode_deployment(const Json& object) {
  DeploymentInfo made;
  made.ns = kube::metadata_text(object, "namespace");
  made.name = kube::metadata_text(object, "name");
  made.uid = kube::metadata_text(object, "uid");
  if (made.name.empty() || made.uid.empty()) return std::nullopt;
  made.resource_version = kube::metadata_text(object, "resourceVersion");
  made.controller_uid = controller_uid(object);
  if (const Json& owner = controller_of(object); text(at(owner, "kind")) == pool::kKind) {
    made.owner_pool = text(at(owner, "name"));
  }
  made.pool = label(object, kPoolLabel);
  made.template_hash = annotation(object, kTemplateHashAnnotation);
  made.runner_image = annotation(object, kRunnerImageAnnotation);
  made.selector = selector_text(at(object, "spec", "selector"));
  const Json& grace = at(object, "spec", "template", "spec", "terminationGracePeriodSeconds");
  if (grace.is_number_integer()) made.grace_period = Millis{1000} * count(grace);
  made.pod_request = scaling::request_of(at(object, "spec", "template"));
  made.generation = number(at(object, "metadata", "generation"));
  made.observed_generation = number(at(object, "status", "observedGeneration"));
  made.deleting = is_deleting(object);
  made.replicas = count(at(object, "spec", "replicas"));
  made.status_replicas = count(at(object, "status", "replicas"));
  made.updated_replicas = count(at(object, "status", "updatedReplicas"));
  const Json& progressing = condition(object, "Progressing");
  made.no_progress = text(at(progressing, "status")) == "False" &&
                     text(at(progressing, "reason")) == "ProgressDeadlineExceeded";
  made.replicas_owners = owners_of_replicas(object);
  return made;
}

std::optional<ReplicaSetInfo> decode_replica_set(const Json& object) {
  ReplicaSetInfo made;
  made.ns = kube::metadata_text(object, "namespace");
  made.uid = kube::metadata_text(object, "uid");
  if (made.uid.empty()) return std::nullopt;
  made.controller_uid = controller_uid(object);
  made.pool = label(object, kPoolLabel);
  const Json& labels = at(object, "spec", "template", "metadata", "labels");
  made.state = text(at(labels, std::string(kStateLabel).c_str()));
  made.generation = number(at(object, "metadata", "generation"));
  made.observed_generation = number(at(object, "status", "observedGeneration"));
  made.replicas = count(at(object, "spec", "replicas"));
  made.status_replicas = count(at(object, "status", "replicas"));
  made.fully_labeled = count(at(object, "status", "fullyLabeledReplicas"));
  made.ready_replicas = count(at(object, "status", "readyReplicas"));
  return made;
}

std::optional<PodInfo> decode_pod(const Json& object) {
  PodInfo made;
  made.ns = kube::metadata_text(object, "namespace");
  made.name = kube::metadata_text(object, "name");
  made.uid = kube::metadata_text(object, "uid");
  if (made.name.empty() || made.uid.empty()) return std::nullopt;
  made.controller_uid = controller_uid(object);
  made.pool = label(object, kPoolLabel);
  made.resource_version = kube::metadata_text(object, "resourceVersion");
  made.created = time_of(kube::metadata_text(object, "creationTimestamp"));
  const Json& ready = condition(object, "Ready");
  made.ready = text(at(ready, "status")) == "True";
  if (made.ready) made.ready_since = time_of(text(at(ready, "lastTransitionTime")));
  made.assigned = !text(at(object, "spec", "nodeName")).empty();
  made.terminating = is_deleting(object);
  const std::string phase = text(at(object, "status", "phase"));
  made.running = phase == "Running";
  made.finished = phase == "Succeeded" || phase == "Failed";
  made.marked = label(object, kStateLabel) == kRetiring;
  made.deletion_cost = cost_of(annotation(object, kDeletionCostAnnotation)).value_or(0);
  made.earlier_cost = cost_of(annotation(object, kEarlierCostAnnotation));
  made.containers = decode_containers(object);
  if (!made.finished) made.waiting = waiting_reason(object);
  return made;
}

bool owns_replicas(const DeploymentInfo& deployment, std::string_view manager) {
  return std::any_of(deployment.replicas_owners.begin(), deployment.replicas_owners.end(),
                     [manager](const FieldOwner& owner) {
                       return owner.applied && owner.subresource == "scale" &&
                              owner.manager == manager;
                     });
}

bool is_news(const DeploymentInfo&, const DeploymentInfo&) {
  return true;
}
bool is_news(const ReplicaSetInfo& earlier, const ReplicaSetInfo& later) {
  return earlier != later;
}
bool is_news(const PodInfo& earlier, const PodInfo& later) {
  PodInfo same = later;
  same.resource_version = earlier.resource_version;
  return earlier != same;
}

bool newer_version(std::string_view a, std::string_view b) {
  if (!is_number(a) || !is_number(b)) return false;
  return a.size() != b.size() ? a.size() > b.size() : a > b;
}

}  // namespace wp::workload
