#include "operator/workload/pool_objects.h"

#include <algorithm>
#include <type_traits>
#include <utility>
#include <vector>

#include "operator/workload/deployment.h"

namespace wp::workload {

template <typename T>
kube::Reflectors<T> PoolObjects::make_reflectors(
    const char* group, const char* plural, std::optional<T> (*decode)(const nlohmann::json&)) {
  using Value = typename kube::Reflector<T>::Value;
  const kube::Resource resource{.group = group, .version = "v1", .plural = plural};
  const kube::ReflectorOptions options{
      .name = plural,
      .collection_path = {},
      .selectors = {.label_selector = std::string(kPoolLabel), .field_selector = {}},
      .client = options_.client,
      .metrics = options_.metrics,
      .timings = options_.timings};
  const auto changed = [this](const std::string& key, const Value& before, const Value& after) {
    if constexpr (std::is_same_v<T, DeploymentInfo>) {
      if (!after && options_.on_deployment_gone) options_.on_deployment_gone(key, before->uid);
    }
    if (before && after && !is_news(*before, *after)) return;
    if (before && (!after || after->pool != before->pool)) notify(before->ns, before->pool);
    if (after) notify(after->ns, after->pool);
  };
  const auto owner = [](const T& object) {
    return std::vector<std::string>{object.controller_uid};
  };
  return kube::Reflectors<T>(options_.cluster, options, resource, options_.namespaces, decode,
                             changed, owner);
}

PoolObjects::PoolObjects(Options options)
    : options_(std::move(options)),
      deployments_(make_reflectors<DeploymentInfo>("apps", "deployments", decode_deployment)),
      replica_sets_(make_reflectors<ReplicaSetInfo>("apps", "replicasets", decode_replica_set)),
      pods_(make_reflectors<PodInfo>("", "pods", decode_pod)) {}

void PoolObjects::start() {
  deployments_.start();
  replica_sets_.start();
  pods_.start();
}

void PoolObjects::stop() {
  deployments_.stop();
  replica_sets_.stop();
  pods_.stop();
}

bool PoolObjects::synced() const {
  return deployments_.synced() && replica_sets_.synced() && pods_.synced();
}

bool PoolObjects::wait_synced(Millis timeout) const {
  const Millis end = system_clock().steady() + timeout;
  const auto left = [end] { return std::max(Millis{0}, end - system_clock().steady()); };
  return deployments_.wait_synced(left()) && replica_sets_.wait_synced(left()) &&
         pods_.wait_synced(left());
}

std::optional<std::string> PoolObjects::failing() const {
  if (auto problem = deployments_.failing()) return problem;
  if (auto problem = replica_sets_.failing()) return problem;
  return pods_.failing();
}

void PoolObjects::notify(const std::string& ns, const std::string& pool) const {
  if (options_.on_change && !pool.empty()) options_.on_change(kube::object_key(ns, pool));
}

}  // namespace wp::workload
