#include "operator/workload/target.h"

#include <type_traits>
#include <utility>

namespace wp::workload {
namespace {

constexpr Millis kPatience{5000};

}  // namespace

// What a selector shows.
struct Target::Children {
  std::string selector;
  std::unique_ptr<kube::Reflector<ReplicaSetInfo>> sets;
  std::unique_ptr<kube::Reflector<PodInfo>> pods;
};

template <typename T>
std::unique_ptr<kube::Reflector<T>> Target::watch(const char* group, const char* plural,
                                                  std::optional<T> (*decode)(const nlohmann::json&),
                                                  kube::ListOptions selectors) const {
  using Value = typename kube::Reflector<T>::Value;
  const kube::Resource resource{.group = group, .version = "v1", .plural = plural};
  kube::ReflectorOptions options{.name = std::string(plural) + " of a target",
                                 .collection_path = kube::resource_path(resource, options_.ns),
                                 .selectors = std::move(selectors),
                                 .client = options_.client,
                                 .metrics = options_.metrics,
                                 .timings = options_.timings};
  const auto changed = [this](const std::string& key, const Value& before, const Value& after) {
    if constexpr (std::is_same_v<T, DeploymentInfo>) {
      if (!after && options_.on_deployment_gone) options_.on_deployment_gone(key, before->uid);
    }
    if (before && after && !is_news(*before, *after)) return;
    if (options_.on_change) options_.on_change();
  };
  const auto owner = [](const T& object) {
    return std::vector<std::string>{object.controller_uid};
  };
  auto made = std::make_unique<kube::Reflector<T>>(options_.cluster, std::move(options), decode,
                                                   changed, owner);
  made->start();
  return made;
}

Target::Target(Options options) : options_(std::move(options)) {
  deployments_ = watch<DeploymentInfo>(
      "apps", "deployments", decode_deployment,
      {.label_selector = {}, .field_selector = "metadata.name=" + options_.name});
}

Target::~Target() = default;

void Target::follow() {
  const auto live = deployment();
  const auto now = children();
  if (!live || live->selector.empty() || (now && now->selector == live->selector)) return;
  auto made = std::make_shared<Children>();
  made->selector = live->selector;
  const kube::ListOptions selectors{.label_selector = live->selector, .field_selector = {}};
  made->sets = watch<ReplicaSetInfo>("apps", "replicasets", decode_replica_set, selectors);
  made->pods = watch<PodInfo>("", "pods", decode_pod, selectors);
  const std::lock_guard lock(mutex_);
  children_ = std::move(made);
}

bool Target::synced() const {
  if (!deployments_->synced()) return false;
  const auto live = deployment();
  const auto now = children();
  return live && now && now->selector == live->selector && now->sets->synced() &&
         now->pods->synced();
}

bool Target::absent() const {
  return deployments_->synced() && !deployment();
}

std::optional<std::string> Target::failing() const {
  if (synced() || system_clock().steady() - begun_ < kPatience) return std::nullopt;
  if (auto problem = deployments_->failing()) return problem;
  const auto now = children();
  if (!now) return "its selector is not known";
  if (auto problem = now->sets->failing()) return problem;
  return now->pods->failing();
}

std::shared_ptr<const DeploymentInfo> Target::deployment() const {
  return deployments_->store().get(kube::object_key(options_.ns, options_.name));
}

std::vector<std::shared_ptr<const ReplicaSetInfo>> Target::replica_sets(
    const std::string& uid) const {
  const auto now = children();
  return now ? now->sets->store().by_index(uid)
             : std::vector<std::shared_ptr<const ReplicaSetInfo>>();
}

std::vector<std::shared_ptr<const PodInfo>> Target::pods(const std::string& uid) const {
  const auto now = children();
  return now ? now->pods->store().by_index(uid) : std::vector<std::shared_ptr<const PodInfo>>();
}

std::shared_ptr<const Target::Children> Target::children() const {
  const std::lock_guard lock(mutex_);
  return children_;
}

}  // namespace wp::workload
