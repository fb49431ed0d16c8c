#include "tests/operator/workload/cluster_fixture.h"

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "base/ids.h"
#include "operator/pool/parse.h"
#include "operator/pool/yaml.h"
#include "tests/support/wait.h"

namespace wp::test {
namespace {

using nlohmann::json;
const kube::Resource kNamespaces{.group = "", .version = "v1", .plural = "namespaces"};
const kube::Resource kDeployments{.group = "apps", .version = "v1", .plural = "deployments"};
const kube::Resource kPods{.group = "", .version = "v1", .plural = "pods"};
const kube::Resource kCrds{
    .group = "apiextensions.k8s.io", .version = "v1", .plural = "customresourcedefinitions"};
const kube::Resource kPools{
    .group = "workerpool.dev", .version = "v1alpha1", .plural = "workerpools"};

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string file(const std::string& path) {
  std::ifstream stream(path);
  if (!stream) throw std::runtime_error("cannot read " + path);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

void install_crd(kube::Client& client) {
  const json crd =
      pool::yaml_document(file(variable("WORKERPOOL_SOURCE") + "/crds/workerpools.yaml"));
  client.patch(kube::resource_path(kCrds, "", "workerpools.workerpool.dev"), kube::PatchType::apply,
               crd, {.field_manager = "tests", .force = true});
  const std::string path = kube::resource_path(kPools, "default");
  const bool served = eventually([&client, &path] {
    try {
      client.get(path);
      return true;
    } catch (const kube::KubeError&) {
      return false;
    }
  });
  if (!served) throw std::runtime_error("the CRD is not served");
}

// The rules that users install, so that the workload is tried with these rights and no more.
void install_rights(kube::Client& client) {
  const std::string manifest = file(variable("WORKERPOOL_SOURCE") + "/manifests/install.yaml");
  for (const json& object : pool::yaml_documents(manifest)) {
    const std::string kind = object.value("kind", "");
    if (kind != "ClusterRole" && kind != "ClusterRoleBinding") continue;
    const kube::Resource resource{
        .group = "rbac.authorization.k8s.io",
        .version = "v1",
        .plural = kind == "ClusterRole" ? "clusterroles" : "clusterrolebindings"};
    const std::string name = object.at("metadata").at("name");
    client.patch(kube::resource_path(resource, "", name), kube::PatchType::apply, object,
                 {.field_manager = "tests", .force = true});
  }
}

// The administrator's credentials, used in the name of the operator's service account.
class AsOperator : public kube::Credentials {
 public:
  explicit AsOperator(std::shared_ptr<kube::Credentials> own) : own_(std::move(own)) {}
  kube::Headers headers() override {
    kube::Headers made = own_->headers();
    made.emplace("Impersonate-User", "system:serviceaccount:workerpool-system:workerpool-operator");
    return made;
  }
  std::shared_ptr<const kube::TlsMaterial> tls() override { return own_->tls(); }
  bool refused(Millis asked) override { return own_->refused(asked); }

 private:
  std::shared_ptr<kube::Credentials> own_;
};

}  // namespace

bool have_cluster() {
  return !variable("KUBECONFIG").empty() && !variable("WORKERPOOL_CLUSTER_DIR").empty();
}

ClusterFixture::ClusterFixture() : client(kube::load_config()), ns("workload-" + random_hex(8)) {
  static const bool installed = (install_crd(client), install_rights(client), true);
  static_cast<void>(installed);
  client.create(kube::resource_path(kNamespaces, ""),
                {{"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", {{"name", ns}}}});
}

ClusterFixture::~ClusterFixture() {
  try {
    client.remove(kube::resource_path(kNamespaces, "", ns));
  } catch (const kube::KubeError&) {
    // The cluster is thrown away anyway.
  }
}

std::unique_ptr<workload::KubeWorkload> ClusterFixture::make_workload(const Choice& choice) {
  workload::KubeWorkloadOptions options;
  options.cluster = kube::load_config();
  options.cluster.credentials = std::make_shared<AsOperator>(options.cluster.credentials);
  options.namespaces = {ns};
  options.deployment.runner_image = choice.runner_image;
  options.reapply_after = choice.reapply_after;
  options.clock = choice.clock;
  options.on_change = [this](const std::string& key) {
    if (key == ns + "/web") ++changes;
  };
  auto made = std::make_unique<workload::KubeWorkload>(std::move(options));
  if (!choice.started) return made;
  made->start();
  if (!made->wait_synced(Millis{20000})) throw std::runtime_error("not synced");
  return made;
}

pool::Pool ClusterFixture::put_pool(const std::string& workers, const std::string& name) {
  const json object = {{"apiVersion", pool::kApiVersion},
                       {"kind", pool::kKind},
                       {"metadata", {{"namespace", ns}, {"name", name}}},
                       {"spec",
                        {{"queue", {{"redis", {{"url", "redis://redis:6379/0"}}}}},
                         {"workers", pool::yaml_document(workers)}}}};
  return pool::parse_pool(client.patch(kube::resource_path(kPools, ns, name),
                                       kube::PatchType::apply, object,
                                       {.field_manager = "tests", .force = true}));
}

void ClusterFixture::delete_pool(const std::string& name) {
  client.remove(kube::resource_path(kPools, ns, name));
}

void ClusterFixture::put_deployment(const std::string& name, int replicas, const json& pod_labels) {
  json labels = {{"app", name}};
  labels.update(pod_labels);
  const json spec = {{"replicas", replicas},
                     {"selector",
                      {{"matchLabels", {{"app", name}}},
                       {"matchExpressions",
                        {{{"key", "app"}, {"operator", "In"}, {"values", {name, "another"}}}}}}},
                     {"template",
                      {{"metadata", {{"labels", labels}}},
                       {"spec",
                        {{"terminationGracePeriodSeconds", 77},
                         {"containers",
                          {{{"name", "app"},
                            {"image", "app:1"},
                            {"resources", {{"requests", {{"cpu", "250m"}}}}}}}}}}}}};
  client.create(kube::resource_path(kDeployments, ns), {{"apiVersion", "apps/v1"},
                                                        {"kind", "Deployment"},
                                                        {"metadata", {{"name", name}}},
                                                        {"spec", spec}});
}

json ClusterFixture::deployment(const std::string& name) {
  try {
    return client.get(kube::resource_path(kDeployments, ns, name));
  } catch (const kube::KubeError& error) {
    if (error.is_not_found()) return nullptr;
    throw;
  }
}

void ClusterFixture::scale_as_someone_else(int replicas, const std::string& name) {
  client.patch(kube::resource_path(kDeployments, ns, name, "scale"), kube::PatchType::merge,
               {{"spec", {{"replicas", replicas}}}}, {.field_manager = "kubectl"});
}

void ClusterFixture::patch_deployment(const json& merge) {
  client.patch(kube::resource_path(kDeployments, ns, "web-worker"), kube::PatchType::merge, merge,
               {.field_manager = "kubectl-edit"});
}

json ClusterFixture::pod(const std::string& name) {
  return client.get(kube::resource_path(kPods, ns, name));
}

void ClusterFixture::annotate_pod(const std::string& name, const json& annotations) {
  client.patch(kube::resource_path(kPods, ns, name), kube::PatchType::merge,
               {{"metadata", {{"annotations", annotations}}}}, {.field_manager = "kubectl"});
}

std::string workers_with_image(const std::string& image) {
  return "{template: {spec: {containers: [{name: app, image: '" + image +
         "'}]}}, handler: {exec: {command: [/app/job]}}}";
}

}  // namespace wp::test
