#include "operator/workload/deployment.h"

#include "base/digest.h"
#include "operator/workload/pod_template.h"

namespace wp::workload {
namespace {

using Json = nlohmann::json;

Json labels(const pool::Pool& pool) {
  Json made = common_labels(pool);
  made[std::string(kPoolLabel)] = pool.meta.name;
  return made;
}

Json owner(const pool::Pool& pool) {
  return {{"apiVersion", pool::kApiVersion},
          {"kind", pool::kKind},
          {"name", pool.meta.name},
          {"uid", pool.meta.uid},
          {"controller", true},
          {"blockOwnerDeletion", true}};
}

Json strategy(const pool::Rollout& rollout) {
  return {{"type", "RollingUpdate"},
          {"rollingUpdate",
           {{"maxSurge", rollout.max_surge.to_json()},
            {"maxUnavailable", rollout.max_unavailable.to_json()}}}};
}

}  // namespace

std::string deployment_name(const pool::Pool& pool) {
  return pool.spec.workers.deployment_ref.value_or(pool.meta.name + "-worker");
}

std::string pod_selector(const pool::Pool& pool) {
  return std::string(kPoolLabel) + "=" + pool.meta.name;
}

Json build_deployment(const pool::Pool& pool, const DeploymentOptions& options,
                      std::optional<int> replicas) {
  Json metadata = {{"name", deployment_name(pool)},
                   {"namespace", pool.meta.ns},
                   {"labels", labels(pool)},
                   {"annotations", Json::object()},
                   {"ownerReferences", Json::array({owner(pool)})}};
  if (runner_is_injected(pool)) {
    metadata["annotations"][std::string(kRunnerImageAnnotation)] = options.runner_image;
  }
  Json spec = {{"selector", {{"matchLabels", {{std::string(kPoolLabel), pool.meta.name}}}}},
               {"strategy", strategy(pool.spec.workers.rollout)},
               {"template", build_pod_template(pool, options)}};
  if (replicas) spec["replicas"] = *replicas;
  Json body = {{"apiVersion", "apps/v1"},
               {"kind", "Deployment"},
               {"metadata", std::move(metadata)},
               {"spec", std::move(spec)}};
  const std::string hash = template_hash(body);
  body["metadata"]["annotations"][std::string(kTemplateHashAnnotation)] = hash;
  return body;
}

std::string template_hash(const Json& deployment) {
  Json hashed = deployment;
  hashed["spec"].erase("replicas");
  hashed["metadata"]["annotations"].erase(std::string(kTemplateHashAnnotation));
  // Objects are ordered by key, so equal bodies give equal text.
  return short_digest(hashed.dump());
}

std::string applied_hash(const Json& deployment) {
  return deployment.at("metadata")
      .at("annotations")
      .at(std::string(kTemplateHashAnnotation))
      .get<std::string>();
}

}  // namespace wp::workload
