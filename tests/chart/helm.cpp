#include "tests/chart/helm.h"

#include <cstdio>
#include <cstdlib>
#include <stdexcept>

#include "operator/pool/yaml.h"
#include "tests/support/ran.h"

namespace wp::test {
namespace {

using nlohmann::json;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string find_helm() {
  if (const std::string given = variable("HELM"); !given.empty()) return given;
  Ran assets = run_shell("'" + source_folder() + "/tests/cluster/assets' --node");
  if (assets.status != 0) {
    std::fprintf(stderr, "SKIPPED: no helm can be had here (tests/cluster/assets --node)\n");
    std::_Exit(77);
  }
  // The folder is its last line.
  assets.output.erase(assets.output.find_last_not_of('\n') + 1);
  const std::size_t line = assets.output.rfind('\n');
  return assets.output.substr(line == std::string::npos ? 0 : line + 1) + "/helm";
}

}  // namespace

Answer shell(const std::string& command) {
  const Ran ran = run_shell("{ " + command + "; } 2>&1");
  return {ran.status == 0, ran.output};
}

std::string source_folder() {
  return variable("WORKERPOOL_SOURCE");
}

Answer helm(const std::string& words) {
  static const std::string program = find_helm();
  std::string all = words;
  if (const std::size_t at = all.find("CHART"); at != std::string::npos) {
    all.replace(at, 5, "'" + source_folder() + "/helm/workerpool'");
  }
  return shell("'" + program + "' " + all);
}

std::vector<json> rendered(const std::string& words) {
  const Answer answer =
      helm("template workerpool CHART --namespace workerpool-system --skip-tests " + words);
  if (!answer.ok) throw std::runtime_error("helm template " + words + ": " + answer.text);
  std::vector<json> objects;
  for (json& document : pool::yaml_documents(answer.text)) {
    if (!document.is_null()) objects.push_back(std::move(document));
  }
  return objects;
}

json object_of(const std::vector<json>& objects, const std::string& kind, const std::string& name) {
  for (const json& object : objects) {
    if (object.at("kind") == kind && (name.empty() || object.at("metadata").at("name") == name)) {
      return object;
    }
  }
  throw std::runtime_error("there is no " + kind + " " + name);
}

const std::vector<Variant>& variants() {
  static const std::vector<Variant> all = {
      {"default", ""},
      {"two replicas", "--set replicas=2"},
      {"two replicas without a budget", "--set replicas=2,podDisruptionBudget.enabled=false"},
      {"two namespaces", "--set 'watchNamespaces={media,shop}',rbac.userRoles=false"},
      {"a foreign account", "--set serviceAccount.create=false,serviceAccount.name=ours"},
      {"an account with annotations",
       "--set serviceAccount.name=ours --set-string serviceAccount.annotations.a=b"},
      {"no rights", "--set rbac.create=false,rbac.userRoles=false"},
      {"no resource definition", "--set crds.install=false"},
      {"a resource definition that goes", "--set crds.keep=false"},
      {"a registry", "--set image.registry=registry.example.com:5000,runner.image.registry=r.io"},
      {"digests",
       "--set image.digest=sha256:"
       "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef,image.pullPolicy=Always"},
      {"pull secrets", "--set 'imagePullSecrets[0].name=regcred',redis.enabled=true"},
      {"extras",
       "--set 'extraArgs={--metrics-addr=:9090}' --set 'extraEnv[0].name=A,extraEnv[0].value=b' "
       "--set 'extraVolumes[0].name=v' --set-json 'extraVolumes[0].emptyDir={}' "
       "--set 'extraVolumeMounts[0].name=v,extraVolumeMounts[0].mountPath=/v' "
       "--set commonLabels.team=a,podLabels.a=b,podAnnotations.c=d,deploymentAnnotations.e=f "
       "--set-json 'extraObjects=[{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":"
       "{\"name\":\"{{ .Release.Name }}-x\"}}]'"},
      {"placement",
       "--set nodeSelector.disk=ssd --set 'tolerations[0].operator=Exists' "
       "--set-json 'affinity={\"nodeAffinity\":{}}' --set priorityClassName=important "
       "--set-json 'topologySpreadConstraints=[{\"maxSkew\":1,\"topologyKey\":\"zone\","
       "\"whenUnsatisfiable\":\"ScheduleAnyway\",\"labelSelector\":{\"matchLabels\":{\"a\":\"b\"}}}"
       "]'"},
      {"monitors",
       "--set metrics.serviceMonitor.enabled=true,metrics.podMonitor.enabled=true,"
       "metrics.prometheusRule.enabled=true --set metrics.serviceMonitor.labels.release=p"},
      {"monitors of two namespaces",
       "--set metrics.podMonitor.enabled=true --set 'watchNamespaces={media,shop}'"},
      {"a dashboard", "--set metrics.dashboard.enabled=true"},
      {"no metrics", "--set metrics.service.enabled=false"},
      {"a network policy", "--set networkPolicy.enabled=true"},
      {"a narrow network policy",
       "--set networkPolicy.enabled=true --set-json "
       "'networkPolicy.metricsFrom=[{\"namespaceSelector\":{\"matchLabels\":{\"a\":\"b\"}}}]' "
       "--set-json 'networkPolicy.egress=[{\"ports\":[{\"port\":443}]}]'"},
      {"Redis", "--set redis.enabled=true,redis.maxMemoryMi=48"},
      {"another name", "--set fullnameOverride=jobs,nameOverride=pool"},
  };
  return all;
}

}  // namespace wp::test
