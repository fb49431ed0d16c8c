#include "operator/workload/pod_template.h"

#include <algorithm>
#include <string>

#include "base/units.h"
#include "operator/pool/grace_period.h"
#include "operator/pool/handler_variables.h"
#include "operator/workload/redis_access.h"
#include "operator/workload/runner_parts.h"
#include "operator/workload/template_json.h"

namespace wp::workload {
namespace {

using Json = nlohmann::json;

// The one that the pool names, else the first that is not the runner's own.
Json& container_that_works(const pool::Workers& workers, Json& spec) {
  Json* containers = list_field(spec, "containers");
  if (containers == nullptr || containers->empty() || !containers->front().is_object()) {
    throw TemplateError("workers.template has no containers");
  }
  if (workers.container) {
    if (Json* found = find_named(*containers, *workers.container)) return *found;
    throw TemplateError("workers.container: the template has no container named \"" +
                        *workers.container + "\"");
  }
  if (!workers.handler.http) return containers->front();
  for (Json& container : *containers) {
    if (container.is_object() && !is_named(container, kRunnerContainer)) return container;
  }
  throw TemplateError("workers.template has no container for the app of workers.handler.http");
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
  Json& grace = spec["terminationGracePeriodSeconds"];
  if (grace.is_null() || pool::raised_grace_period(workers))
    grace = pool::needed_grace_period(workers);
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

void add_redis_files(const pool::Pool& pool, Json& spec, Json& container) {
  const pool::Queue& queue = pool.spec.queue;
  if (queue.type != pool::QueueType::jobs || !queue.redis) return;
  Json volume = redis_volume(*queue.redis);
  if (volume.is_null()) return;
  add_volume(spec, container, std::move(volume), kRedisFolder, true);
}

Json by_field(const char* name, const char* path) {
  return {{"name", name}, {"valueFrom", {{"fieldRef", {{"fieldPath", path}}}}}};
}

}  // namespace

bool runner_is_injected(const pool::Pool& pool) {
  return !pool.spec.workers.handler.none();
}

std::optional<std::string> worker_container(const pool::Pool& pool) {
  if (pool.spec.workers.handler.http) return kRunnerContainer;
  return pool.spec.workers.container;
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
  made.push_back(text_variable("WP_QUEUE", spec.queue.name));
  made.push_back(text_variable("WP_CONCURRENCY", std::to_string(spec.workers.concurrency)));
  made.push_back(text_variable("WP_DRAIN_TIMEOUT", format_duration(spec.workers.drain_timeout)));
  for (const auto& [name, value] : pool::handler_variables(spec.workers.handler)) {
    made.push_back(text_variable(name, value));
  }
  return made;
}

Json build_pod_template(const pool::Pool& pool, const DeploymentOptions& options) {
  const pool::Workers& workers = pool.spec.workers;
  Json pod = workers.pod_template;
  if (!pod.is_object()) throw TemplateError("workers.template is missing");
  Json* spec = object_field(pod, "spec");
  if (spec == nullptr) throw TemplateError("workers.template.spec is no map");
  Json* worker = &container_that_works(workers, *spec);
  set_labels(pool, pod);
  set_grace_period(workers, *spec);
  if (workers.handler.http) {
    worker = &put_beside(pool, options, *spec, worker->value("name", ""));
  } else if (runner_is_injected(pool)) {
    put_in_front(options, *spec, *worker);
  }
  set_variables(pool, *worker);
  add_redis_files(pool, *spec, *worker);
  if (runner_is_injected(pool)) complete_runner(*spec, *worker);
  return pod;
}

}  // namespace wp::workload
