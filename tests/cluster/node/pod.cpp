#include "tests/cluster/node/pod.h"

#include <string_view>

namespace wp::testnode {
namespace {

// The member, or an empty value of `kind`: the API leaves out what is empty.
template <typename T>
T member(const Json& object, const char* key, T otherwise = {}) {
  const auto found = object.find(key);
  return found == object.end() || found->is_null() ? otherwise : found->get<T>();
}

Json array_member(const Json& object, const char* key) {
  return member<Json>(object, key, Json::array());
}

int earlier_starts(const Json& status, const char* list, const std::string& name) {
  for (const Json& entry : array_member(status, list)) {
    if (member<std::string>(entry, "name") != name) continue;
    if (member<std::string>(entry, "containerID").empty()) return 0;
    return member<int>(entry, "restartCount") + 1;
  }
  return 0;
}

ContainerSpec parse_container(const Json& object, ContainerKind kind, const Json& status) {
  ContainerSpec container;
  container.name = object.at("name");
  container.image = member<std::string>(object, "image");
  container.kind = kind;
  container.command = member<std::vector<std::string>>(object, "command");
  container.args = member<std::vector<std::string>>(object, "args");
  container.env = array_member(object, "env");
  container.env_from = array_member(object, "envFrom");
  container.earlier_starts = earlier_starts(
      status, kind == ContainerKind::main ? "containerStatuses" : "initContainerStatuses",
      container.name);
  return container;
}

RestartPolicy parse_restart_policy(std::string_view text) {
  if (text == "Never") return RestartPolicy::never;
  if (text == "OnFailure") return RestartPolicy::on_failure;
  return RestartPolicy::always;
}

Millis seconds(std::int64_t count) {
  return Millis{count * 1000};
}

}  // namespace

PodSpec parse_pod(const Json& object) {
  const Json& metadata = object.at("metadata");
  const Json& spec = object.at("spec");
  PodSpec pod;
  pod.ns = metadata.at("namespace");
  pod.name = metadata.at("name");
  pod.uid = metadata.at("uid");
  pod.labels = member<std::map<std::string, std::string>>(metadata, "labels");
  pod.annotations = member<std::map<std::string, std::string>>(metadata, "annotations");
  pod.node = member<std::string>(spec, "nodeName");
  pod.service_account = member<std::string>(spec, "serviceAccountName");
  pod.restart_policy = parse_restart_policy(member<std::string>(spec, "restartPolicy"));
  pod.grace = seconds(member<std::int64_t>(spec, "terminationGracePeriodSeconds", 30));
  pod.status = member<Json>(object, "status", Json::object());
  const auto phase = member<std::string>(pod.status, "phase");
  pod.finished = phase == "Succeeded" || phase == "Failed";
  if (metadata.contains("deletionTimestamp")) {
    pod.deletion_grace = seconds(member<std::int64_t>(metadata, "deletionGracePeriodSeconds"));
  }
  for (const Json& container : array_member(spec, "initContainers")) {
    const bool sidecar = member<std::string>(container, "restartPolicy") == "Always";
    pod.containers.push_back(parse_container(
        container, sidecar ? ContainerKind::sidecar : ContainerKind::init, pod.status));
  }
  for (const Json& container : spec.at("containers")) {
    pod.containers.push_back(parse_container(container, ContainerKind::main, pod.status));
  }
  return pod;
}

}  // namespace wp::testnode
