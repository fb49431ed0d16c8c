#include "operator/workload/pod_template.h"

#include <algorithm>
#include <string>

#include "base/units.h"
#include "operator/pool/handler_variables.h"
#include "operator/workload/redis_access.h"

namespace wp::workload {
namespace {

using Json = nlohmann::json;

constexpr const char* kRunnerName = "workerpool-runner";  // the init container
constexpr const char* kVolume = "workerpool";
constexpr const char* kFolder = "/workerpool";
constexpr const char* kShare = "/workerpool-share";  // the volume, in the init container
constexpr const char* kRunner = "/workerpool/bin/workerpool-runner";
constexpr const char* kProbeName = "wp-probe";
constexpr std::int64_t kGraceBeyondDrain = 15;  // seconds: to hand back jobs and say goodbye

bool has(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && !found->is_null();
}

// The field, made when it is absent. Nothing when it is of another type: then it is the user's
// error, the API server names it better than we could.
Json* field(Json& object, const char* key, const Json& empty) {
  if (!has(object, key)) object[key] = empty;
  Json& value = object[key];
  return value.type() == empty.type() ? &value : nullptr;
}
Json* object_field(Json& object, const char* key) {
  return field(object, key, Json::object());
}
Json* list_field(Json& object, const char* key) {
  return field(object, key, Json::array());
}

bool is_named(const Json& entry, const std::string& name) {
  return entry.is_object() && entry.value("name", Json()) == name;
}

const Json* find_named(const Json& list, const std::string& name) {
  for (const Json& entry : list) {
    if (is_named(entry, name)) return &entry;
  }
  return nullptr;
}

Json& container_that_works(const pool::Workers& workers, Json& spec) {
  Json* containers = list_field(spec, "containers");
  if (containers == nullptr || containers->empty() || !containers->front().is_object()) {
    throw TemplateError("workers.template has no containers");
  }
  if (!workers.container) return containers->front();
  for (Json& container : *containers) {
    if (is_named(container, *workers.container)) return container;
  }
  throw TemplateError("workers.container: the template has no container named \"" +
                      *workers.container + "\"");
}

void set_labels(const pool::Pool& pool, Json& pod) {
  Json* metadata = object_field(pod, "metadata");
  Json* labels = metadata == nullptr ? nullptr : object_field(*metadata, "labels");
  if (labels == nullptr) throw TemplateError("workers.template.metadata.labels is no map");
  const Json common = common_labels(pool);
  for (const auto& [name, value] : common.items()) {
    if (!labels->contains(name)) (*labels)[name] = value;
  }
  (*labels)[std::string(kPoolLabel)] = pool.meta.name;
  (*labels)[std::string(kStateLabel)] = kServing;
}

void set_grace_period(const pool::Workers& workers, Json& spec) {
  const std::int64_t needed = (workers.drain_timeout.count() + 999) / 1000 + kGraceBeyondDrain;
  Json& grace = spec["terminationGracePeriodSeconds"];
  if (grace.is_null() || (grace.is_number_integer() && grace < needed)) grace = needed;
}

void set_variables(const pool::Pool& pool, Json& container) {
  const Json ours = worker_variables(pool);
  if (ours.empty()) return;
  Json* env = list_field(container, "env");
  if (env == nullptr) return;
  Json merged = Json::array();
  for (const Json& variable : *env) {
    const bool replaced = std::any_of(ours.begin(), ours.end(), [&variable](const Json& own) {
      return is_named(variable, own.at("name").get_ref<const std::string&>());
    });
    if (!replaced) merged.push_back(variable);
  }
  merged.insert(merged.end(), ours.begin(), ours.end());
  *env = std::move(merged);
}

// Field by field, and only where neither the container nor the pod says anything about it: a
// sidecar of the user's must not be touched, so nothing is set for the whole pod.
void restrict_container(const Json& pod_spec, Json& container) {
  Json* own = object_field(container, "securityContext");
  if (own == nullptr) return;
  const Json pod = has(pod_spec, "securityContext") ? pod_spec.at("securityContext") : Json();
  const auto said = [own, &pod](const char* key) {
    return has(*own, key) || (pod.is_object() && has(pod, key));
  };
  // Who says anything about the user has thought of it: their uid may be the image's own.
  if (!said("runAsUser") && !said("runAsNonRoot")) {
    (*own)["runAsNonRoot"] = true;
    (*own)["runAsUser"] = kDefaultUser;
  }
  if (!said("seccompProfile")) (*own)["seccompProfile"] = {{"type", "RuntimeDefault"}};
  // A privileged container, or one that asks for capabilities, is refused with these.
  const bool privileged = has(*own, "privileged") && own->at("privileged") == true;
  if (privileged || has(*own, "capabilities")) return;
  (*own)["capabilities"] = {{"drop", Json::array({"ALL"})}};
  if (!has(*own, "allowPrivilegeEscalation")) (*own)["allowPrivilegeEscalation"] = false;
}

// The same resources as the worker: it runs before it, so the pod asks for no more than without
// it, keeps its QoS class, and passes a ResourceQuota that the worker passes.
Json init_container(const DeploymentOptions& options, const Json& pod_spec, const Json& worker) {
  Json init = {{"name", kRunnerName},
               {"image", options.runner_image},
               {"command", options.install_command},
               {"volumeMounts", Json::array({{{"name", kVolume}, {"mountPath", kShare}}})}};
  if (worker.contains("resources") && worker.at("resources").is_object()) {
    for (const char* key : {"requests", "limits"}) {
      if (has(worker.at("resources"), key)) init["resources"][key] = worker.at("resources").at(key);
    }
  }
  restrict_container(pod_spec, init);
  return init;
}

// A volume of the operator's own, at a folder that is its own too.
void add_volume(Json& spec, Json& container, Json volume, const char* folder, const char* what) {
  Json* volumes = list_field(spec, "volumes");
  Json* mounts = list_field(container, "volumeMounts");
  if (volumes == nullptr || mounts == nullptr) return;
  const std::string name = volume.at("name");
  if (find_named(*volumes, name) != nullptr) {
    throw TemplateError("workers.template: the volume \"" + name +
                        "\" is the operator's own; choose another name");
  }
  for (const Json& mount : *mounts) {
    if (mount.is_object() && mount.value("mountPath", Json()) == folder) {
      throw TemplateError(std::string("workers.template: ") + what + " mounted at " + folder +
                          "; choose another mountPath");
    }
  }
  volumes->push_back(std::move(volume));
  mounts->push_back({{"name", name}, {"mountPath", folder}, {"readOnly", true}});
}

void add_redis_files(const pool::Pool& pool, Json& spec, Json& container) {
  const pool::Queue& queue = pool.spec.queue;
  if (queue.type != pool::QueueType::jobs || !queue.redis) return;
  Json volume = redis_volume(*queue.redis);
  if (volume.is_null()) return;
  add_volume(spec, container, std::move(volume), kRedisFolder, "the files for Redis are");
}

// Where the probes of the kubelet go. A user who moves them with WP_PROBE_ADDR (host networking,
// or an application that has the port) writes their own probes too.
Json probe_port(Json& container) {
  Json* ports = list_field(container, "ports");
  if (ports == nullptr) return kProbeName;
  if (find_named(*ports, kProbeName) != nullptr) return kProbeName;
  for (const Json& port : *ports) {
    const bool same = port.is_object() && port.value("containerPort", Json()) == kProbePort &&
                      port.value("protocol", Json("TCP")) == "TCP";
    if (same) return kProbePort;  // already declared under another name, or none
  }
  ports->push_back({{"name", kProbeName}, {"containerPort", kProbePort}, {"protocol", "TCP"}});
  return kProbeName;
}

void add_probes(Json& container) {
  if (has(container, "env") && find_named(container.at("env"), "WP_PROBE_ADDR") != nullptr) return;
  const Json port = probe_port(container);
  if (!has(container, "readinessProbe")) {
    container["readinessProbe"] = {{"httpGet", {{"path", "/readyz"}, {"port", port}}},
                                   {"periodSeconds", 5},
                                   {"timeoutSeconds", 3}};
  }
  // Slow to judge: a worker that is killed interrupts its jobs.
  if (!has(container, "livenessProbe")) {
    container["livenessProbe"] = {{"httpGet", {{"path", "/healthz"}, {"port", port}}},
                                  {"periodSeconds", 10},
                                  {"timeoutSeconds", 5},
                                  {"failureThreshold", 6}};
  }
}

void inject_runner(const DeploymentOptions& options, Json& spec, Json& container) {
  if (options.runner_image.empty()) {
    throw TemplateError("workers.handler needs the operator's --runner-image, which is not set");
  }
  Json* init_containers = list_field(spec, "initContainers");
  if (init_containers == nullptr) return;
  if (find_named(*init_containers, kRunnerName) != nullptr ||
      find_named(spec.at("containers"), kRunnerName) != nullptr) {
    throw TemplateError(
        "workers.template: the container \"workerpool-runner\" is the operator's own; choose "
        "another name");
  }
  // First, so that a runner image that cannot be pulled shows before the user's own ones act.
  init_containers->insert(init_containers->begin(), init_container(options, spec, container));
  container["command"] = Json::array({kRunner});
  container.erase("args");
  add_volume(spec, container, {{"name", kVolume}, {"emptyDir", Json::object()}}, kFolder,
             "the runner is");
  add_probes(container);
  restrict_container(spec, container);
}

Json by_value(const char* name, const std::string& value) {
  return {{"name", name}, {"value", value}};
}
Json by_field(const char* name, const char* path) {
  return {{"name", name}, {"valueFrom", {{"fieldRef", {{"fieldPath", path}}}}}};
}
}  // namespace

bool runner_is_injected(const pool::Pool& pool) {
  return !pool.spec.workers.handler.none();
}

Json common_labels(const pool::Pool& pool) {
  return {{"app.kubernetes.io/name", "workerpool-worker"},
          {"app.kubernetes.io/instance", pool.meta.name},
          {"app.kubernetes.io/managed-by", "workerpool-operator"},
          {"app.kubernetes.io/part-of", "workerpool"}};
}

Json worker_variables(const pool::Pool& pool) {
  const pool::PoolSpec& spec = pool.spec;
  Json made = Json::array();
  if (spec.queue.type != pool::QueueType::jobs) return made;
  made.push_back(by_field("WP_POD_NAME", "metadata.name"));
  made.push_back(by_field("WP_POD_UID", "metadata.uid"));
  made.push_back(by_field("WP_NODE", "spec.nodeName"));
  if (spec.queue.redis) {
    for (Json& variable : redis_variables(*spec.queue.redis)) made.push_back(std::move(variable));
  }
  made.push_back(by_value("WP_QUEUE", spec.queue.name));
  made.push_back(by_value("WP_CONCURRENCY", std::to_string(spec.workers.concurrency)));
  made.push_back(by_value("WP_DRAIN_TIMEOUT", format_duration(spec.workers.drain_timeout)));
  for (const auto& [name, value] : pool::handler_variables(spec.workers.handler)) {
    made.push_back(by_value(name.c_str(), value));
  }
  return made;
}

Json build_pod_template(const pool::Pool& pool, const DeploymentOptions& options) {
  const pool::Workers& workers = pool.spec.workers;
  if (workers.handler.http) {
    throw TemplateError("workers.handler.http is not supported by this version");
  }
  Json pod = workers.pod_template;
  if (!pod.is_object()) throw TemplateError("workers.template is missing");
  Json* spec = object_field(pod, "spec");
  if (spec == nullptr) throw TemplateError("workers.template.spec is no map");
  Json& container = container_that_works(workers, *spec);
  set_labels(pool, pod);
  set_grace_period(workers, *spec);
  set_variables(pool, container);
  add_redis_files(pool, *spec, container);
  if (runner_is_injected(pool)) inject_runner(options, *spec, container);
  return pod;
}

}  // namespace wp::workload
