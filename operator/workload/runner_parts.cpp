#include "operator/workload/runner_parts.h"

#include <algorithm>

#include "base/loopback_url.h"
#include "operator/workload/pod_template.h"
#include "operator/workload/template_json.h"

namespace wp::workload {
namespace {

using Json = nlohmann::json;

constexpr const char* kVolume = "workerpool";
constexpr const char* kFolder = "/workerpool";
constexpr const char* kShare = "/workerpool-share";  // the volume, in the init container
constexpr const char* kRunner = "/workerpool/bin/workerpool-runner";
constexpr const char* kProbeName = "wp-probe";
constexpr const char* kScratchVolume = "workerpool-scratch";
constexpr const char* kScratchFolder = "/workerpool-scratch";
// A pod whose jobs fill more is evicted: a runaway job must not fill its node's disk.
constexpr const char* kScratchLimit = "1Gi";

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
  static const Json::json_pointer added("/capabilities/add");
  const bool privileged = has(*own, "privileged") && own->at("privileged") == true;
  const bool capable = own->contains(added) && !own->at(added).empty();
  if (privileged || capable) return;
  if (!has(*own, "capabilities")) (*own)["capabilities"] = {{"drop", Json::array({"ALL"})}};
  if (!has(*own, "allowPrivilegeEscalation")) (*own)["allowPrivilegeEscalation"] = false;
}

// The same resources as the container that it is for: it runs before that one, so the pod asks for
// no more than without it, keeps its QoS class, and passes a ResourceQuota that the worker passes.
Json install_container(const DeploymentOptions& options, const Json& pod_spec, const Json& worker) {
  Json init = {{"name", kInstallContainer},
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

// First, so that a runner image that cannot be pulled shows before the user's own ones act.
void install_runner(const DeploymentOptions& options, Json& spec, Json& container) {
  Json* init_containers = list_field(spec, "initContainers");
  if (init_containers == nullptr) return;
  init_containers->insert(init_containers->begin(), install_container(options, spec, container));
  add_volume(spec, container, {{"name", kVolume}, {"emptyDir", Json::object()}}, kFolder, true);
}

void refuse_name(const Json& spec, const char* name) {
  for (const char* list : {"containers", "initContainers"}) {
    if (!has(spec, list) || find_named(spec.at(list), name) == nullptr) continue;
    throw TemplateError("workers.template: the container \"" + std::string(name) +
                        "\" is the operator's own; choose another name");
  }
}

void need_image(const DeploymentOptions& options) {
  if (!options.runner_image.empty()) return;
  throw TemplateError("workers.handler needs the operator's --runner-image, which is not set");
}

const Json* variable(const Json& container, const char* name) {
  return has(container, "env") ? find_named(container.at("env"), name) : nullptr;
}

bool is_mounted(const Json& container, const std::string& folder) {
  if (!has(container, "volumeMounts") || !container.at("volumeMounts").is_array()) return false;
  const Json& mounts = container.at("volumeMounts");
  return std::any_of(mounts.begin(), mounts.end(), [&folder](const Json& mount) {
    return mount.is_object() && mount.value("mountPath", Json()) == folder;
  });
}

// A place for the jobs' folders, in images without /tmp and with a read-only root too. Who mounts
// something at /tmp, or names a folder, has chosen one.
void add_scratch(Json& spec, Json& container) {
  if (variable(container, "WP_SCRATCH_DIR") != nullptr ||
      variable(container, "TMPDIR") != nullptr || is_mounted(container, "/tmp")) {
    return;
  }
  add_volume(spec, container,
             {{"name", kScratchVolume}, {"emptyDir", {{"sizeLimit", kScratchLimit}}}},
             kScratchFolder, false);
  Json* env = list_field(container, "env");
  if (env != nullptr) env->push_back(text_variable("WP_SCRATCH_DIR", kScratchFolder));
  const bool read_only =
      has(container, "securityContext") && container.at("securityContext").is_object() &&
      container.at("securityContext").value("readOnlyRootFilesystem", Json()) == true;
  // What else writes to /tmp, such as Python's tempfile, could not.
  Json* mounts = list_field(container, "volumeMounts");
  if (read_only && mounts != nullptr) {
    mounts->push_back({{"name", kScratchVolume}, {"mountPath", "/tmp"}});
  }
}

// It runs when the pod is told to end, before the container hears of it. The time counts for the
// pod's grace period, so that the drain would be cut short; and an app that it tells to quit would
// do so with jobs in its hands.
void refuse_pre_stop(const Json& container, const std::string& instead) {
  static const Json::json_pointer where("/lifecycle/preStop");
  if (!container.contains(where) || container.at(where).is_null()) return;
  throw TemplateError("workers.template: lifecycle.preStop of the container \"" +
                      container.value("name", "") +
                      "\" would run while jobs do; remove it: " + instead);
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
  if (variable(container, "WP_PROBE_ADDR") != nullptr) return;
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

Json take_out(Json& list, const std::string& name) {
  const auto found = std::find_if(list.begin(), list.end(),
                                  [&name](const Json& entry) { return is_named(entry, name); });
  if (found == list.end()) return {{"name", name}};
  Json taken = std::move(*found);
  list.erase(found);
  return taken;
}

// All containers of a pod share its ports.
void refuse_probe_port(const pool::HttpHandler& http, const Json& runner) {
  if (variable(runner, "WP_PROBE_ADDR") != nullptr) return;
  if (parse_loopback_url(http.url).port != kProbePort) return;
  throw TemplateError(
      "workers.handler.http.url: port 9808 is the runner's, for its probes; let the app listen on "
      "another one, or declare a container workerpool-runner with WP_PROBE_ADDR");
}

// A hook's words are not expanded, and a port that is chosen at the start is not known to it.
bool has_fixed_port(const std::string& address) {
  const std::string port = address.substr(address.rfind(':') + 1);
  return address.find(':') != std::string::npos && address.find('$') == std::string::npos &&
         port.find_first_not_of("0123456789") == std::string::npos &&
         port.find_first_of("123456789") != std::string::npos;
}

// Without native sidecars all containers are asked to end at once: the app's preStop holds that
// back until the runner, whose probes it asks, has ended.
void wait_for_runner(const DeploymentOptions& options, Json& spec, Json& app, const Json& runner) {
  Json command = Json::array({kRunner, "wait-gone"});
  if (const Json* moved = variable(runner, "WP_PROBE_ADDR")) {
    const Json address = moved->value("value", Json());
    if (!address.is_string() || !has_fixed_port(address.get_ref<const std::string&>())) {
      throw TemplateError(
          "workers.template: on Kubernetes before 1.29 the app waits for the runner by its probes; "
          "let WP_PROBE_ADDR be an address with a port of its own, such as :9808");
    }
    command.push_back("--probe-addr");
    command.push_back(address);
  }
  Json* lifecycle = object_field(app, "lifecycle");
  if (lifecycle == nullptr) return;
  (*lifecycle)["preStop"] = {{"exec", {{"command", std::move(command)}}}};
  install_runner(options, spec, app);
}

}  // namespace

void add_volume(Json& spec, Json& container, Json volume, const std::string& folder,
                bool read_only) {
  Json* volumes = list_field(spec, "volumes");
  Json* mounts = list_field(container, "volumeMounts");
  if (volumes == nullptr || mounts == nullptr) return;
  const std::string name = volume.at("name");
  if (find_named(*volumes, name) != nullptr) {
    throw TemplateError("workers.template: the volume \"" + name +
                        "\" is the operator's own; choose another name");
  }
  if (is_mounted(container, folder)) {
    throw TemplateError("workers.template: the folder " + folder +
                        " is the operator's own; choose another mountPath");
  }
  volumes->push_back(std::move(volume));
  Json mount = {{"name", name}, {"mountPath", folder}};
  if (read_only) mount["readOnly"] = true;
  mounts->push_back(std::move(mount));
}

void put_in_front(const DeploymentOptions& options, Json& spec, Json& container) {
  need_image(options);
  refuse_name(spec, kInstallContainer);
  refuse_name(spec, kRunnerContainer);
  refuse_pre_stop(container, "the runner ends the jobs by itself");
  container["command"] = Json::array({kRunner});
  container.erase("args");
  install_runner(options, spec, container);
  add_scratch(spec, container);
}

Json& put_beside(const pool::Pool& pool, const DeploymentOptions& options, Json& spec,
                 const std::string& app_name) {
  need_image(options);
  refuse_name(spec, kInstallContainer);
  if (app_name == kRunnerContainer) {
    throw TemplateError("workers.container: workerpool-runner is the runner's own; name the app's");
  }
  Json& containers = spec.at("containers");
  Json runner = take_out(containers, kRunnerContainer);
  refuse_name(spec, kRunnerContainer);
  refuse_probe_port(*pool.spec.workers.handler.http, runner);
  refuse_pre_stop(runner, "the runner ends the jobs by itself");
  refuse_pre_stop(*find_named(containers, app_name), "the app is told to end after the jobs");
  // Beside an app that asks for something, one that asks for nothing starves on a full node: then
  // it misses its heartbeats.
  if (!has(runner, "resources")) {
    runner["resources"] = {{"requests", {{"cpu", "20m"}, {"memory", "32Mi"}}}};
  }
  runner["image"] = options.runner_image;
  runner["command"] = Json::array({kRunner});
  runner.erase("args");
  if (options.native_sidecars) {
    // Last of the init containers: an app, too, starts after what prepares its pod.
    Json* init_containers = list_field(spec, "initContainers");
    if (init_containers == nullptr) return containers.emplace_back(std::move(runner));
    Json app = take_out(containers, app_name);
    app["restartPolicy"] = "Always";
    init_containers->push_back(std::move(app));
  } else {
    wait_for_runner(options, spec, *find_named(containers, app_name), runner);
  }
  return containers.emplace_back(std::move(runner));
}

void complete_runner(const Json& spec, Json& container) {
  add_probes(container);
  restrict_container(spec, container);
}

}  // namespace wp::workload
