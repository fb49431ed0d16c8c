#include "operator/workload/deployment_api.h"

#include <algorithm>

#include "operator/kube/document.h"
#include "operator/workload/deployment.h"

namespace wp::workload {
namespace {

using kube::KubeError;
using Json = nlohmann::json;

const kube::Resource kDeployments{.group = "apps", .version = "v1", .plural = "deployments"};

DeploymentInfo decoded(const Json& answer) {
  std::optional<DeploymentInfo> info = decode_deployment(answer);
  if (!info) throw KubeError(kube::Transport::protocol, "the answer is no Deployment");
  return std::move(*info);
}

std::string path_of(const Json& body) {
  return kube::resource_path(kDeployments, kube::metadata_text(body, "namespace"),
                             kube::metadata_text(body, "name"));
}

// The template cannot be accepted as it is. A quantity that is none is answered, like a wrong type,
// with a 500 without a reason, but with other words.
bool is_refusal(const KubeError& error) {
  return error.is_invalid() ||
         (error.code() == 500 && error.message().starts_with("failed to convert new object"));
}

WorkloadError::Kind kind_of(const KubeError& error) {
  using Kind = WorkloadError::Kind;
  if (error.is_namespace_terminating()) return Kind::gone;
  if (error.is_not_found()) {
    // Of the namespace, or of the Deployment, which then went in between.
    return error.message().starts_with("namespaces ") ? Kind::gone : Kind::conflict;
  }
  if (error.is_conflict() || error.is_already_exists()) return Kind::conflict;
  if (is_refusal(error)) return is_of_another_uid(error) ? Kind::conflict : Kind::rejected;
  return Kind::retry;
}

}  // namespace

std::optional<DeploymentInfo> DeploymentApi::read(const std::string& ns, const std::string& name) {
  try {
    return decoded(client_.get(kube::resource_path(kDeployments, ns, name)));
  } catch (const KubeError& error) {
    if (error.is_not_found()) return std::nullopt;
    throw;
  }
}

DeploymentInfo DeploymentApi::create(const Json& body) {
  return decoded(client_.patch(path_of(body), kube::PatchType::apply, body,
                               {.field_manager = std::string(kOperatorManager)}));
}

DeploymentInfo DeploymentApi::apply(Json body, const std::string& uid) {
  body["metadata"]["uid"] = uid;
  return decoded(client_.patch(path_of(body), kube::PatchType::apply, body,
                               {.field_manager = std::string(kOperatorManager), .force = true}));
}

std::string DeploymentApi::scale(const std::string& ns, const std::string& name, int replicas,
                                 const std::string& resource_version, bool force) {
  Json body = {{"apiVersion", "autoscaling/v1"},
               {"kind", "Scale"},
               {"metadata", {{"name", name}, {"namespace", ns}}},
               {"spec", {{"replicas", replicas}}}};
  if (!resource_version.empty()) body["metadata"]["resourceVersion"] = resource_version;
  const Json answer =
      client_.patch(kube::resource_path(kDeployments, ns, name, "scale"), kube::PatchType::apply,
                    body, {.field_manager = std::string(kScalerManager), .force = force});
  return kube::metadata_text(answer, "resourceVersion");
}

DeploymentInfo DeploymentApi::fence(const DeploymentInfo& deployment, const std::string& when) {
  const Json body = {{"metadata",
                      {{"uid", deployment.uid},
                       {"resourceVersion", deployment.resource_version},
                       {"annotations", {{std::string(kAnswerLostAnnotation), when}}}}}};
  return decoded(client_.patch(kube::resource_path(kDeployments, deployment.ns, deployment.name),
                               kube::PatchType::merge, body,
                               {.field_manager = std::string(kOperatorManager)}));
}

WorkloadError to_workload_error(const KubeError& error, const std::string& what) {
  return {kind_of(error), "cannot " + what + ": " + error.what()};
}

bool is_of_another_uid(const KubeError& error) {
  return std::any_of(error.causes().begin(), error.causes().end(),
                     [](const KubeError::Cause& cause) { return cause.field == "metadata.uid"; });
}

bool is_doubtful(const KubeError& error) {
  switch (error.transport()) {
    case kube::Transport::connect:
    case kube::Transport::tls:
    case kube::Transport::token:
    case kube::Transport::barred:
      return false;
    case kube::Transport::none:
      // 504: the server gave up waiting for its own store.
      return error.code() >= 500 && !is_refusal(error);
    default:
      return true;
  }
}

}  // namespace wp::workload
