// The manifests as files: samples are pools that this version runs, install.yaml holds the resource
// definition, and the operator has the rights and the restrictions that it should. That
// install.yaml is what the chart makes is tests/chart's to say.
#include <cstdlib>
#include <doctest/doctest.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "operator/pool/parse.h"
#include "operator/pool/yaml.h"

using namespace wp::pool;
using nlohmann::json;

namespace {

std::filesystem::path source() {
  return std::getenv("WORKERPOOL_SOURCE");
}

std::vector<json> documents(const std::filesystem::path& path) {
  std::ifstream file(path);
  REQUIRE(file.good());
  return yaml_documents(std::string{std::istreambuf_iterator<char>(file), {}});
}

json installed(const std::string& kind, const std::string& name) {
  for (json& document : documents(source() / "manifests/install.yaml")) {
    if (document.at("kind") == kind && document.at("metadata").at("name") == name) return document;
  }
  FAIL("no " << kind << " " << name);
  return {};
}

// "verb group/resource", one word for each right.
std::set<std::string> rights(const json& role) {
  std::set<std::string> out;
  for (const json& rule : role.at("rules")) {
    const std::string group = rule.at("apiGroups").at(0);
    for (const json& resource : rule.at("resources")) {
      for (const json& verb : rule.at("verbs")) {
        out.insert(verb.get<std::string>() + " " + (group.empty() ? "" : group + "/") +
                   resource.get<std::string>());
      }
    }
  }
  return out;
}

void check_restricted(const json& pod) {
  CHECK(pod.at("securityContext").at("runAsNonRoot") == true);
  CHECK(pod.at("securityContext").at("seccompProfile").at("type") == "RuntimeDefault");
  for (const json& container : pod.at("containers")) {
    const json& security = container.at("securityContext");
    CHECK(security.at("allowPrivilegeEscalation") == false);
    CHECK(security.at("readOnlyRootFilesystem") == true);
    CHECK(security.at("capabilities").at("drop") == json{"ALL"});
    CHECK(container.at("resources").contains("requests"));
    CHECK(container.at("resources").at("limits").contains("memory"));
    const std::string image = container.at("image");
    CHECK(image.find(':') != std::string::npos);
    CHECK_FALSE(image.ends_with(":latest"));
  }
}

}  // namespace

TEST_CASE("every pool among the samples is one that this version runs") {
  int pools = 0;
  for (const auto& entry : std::filesystem::directory_iterator(source() / "manifests/samples")) {
    if (entry.path().extension() != ".yaml") continue;
    const std::string path = entry.path().string();
    CAPTURE(path);
    for (const json& document : documents(entry.path())) {
      if (document.at("kind") == "Deployment") {
        check_restricted(document.at("spec").at("template").at("spec"));
      }
      if (document.at("kind") != "WorkerPool") continue;
      ++pools;
      const ParsedPool parsed = read_pool(document, {.strict = true});
      const std::string problems = summary(parsed.problems) + summary(parsed.unsupported);
      CHECK_MESSAGE(parsed.usable(), problems);
    }
  }
  CHECK(pools > 0);
}

TEST_CASE("install.yaml begins with the resource definition") {
  const std::vector<json> all = documents(source() / "manifests/install.yaml");
  CHECK(all.front() == documents(source() / "crds/workerpools.yaml").front());
}

TEST_CASE("the operator may do what it does and no more") {
  CHECK(rights(installed("ClusterRole", "workerpool-operator")) ==
        std::set<std::string>{"get workerpool.dev/workerpools",
                              "list workerpool.dev/workerpools",
                              "watch workerpool.dev/workerpools",
                              "patch workerpool.dev/workerpools",
                              "patch workerpool.dev/workerpools/status",
                              "update workerpool.dev/workerpools/finalizers",
                              "get apps/deployments",
                              "list apps/deployments",
                              "watch apps/deployments",
                              "create apps/deployments",
                              "patch apps/deployments",
                              "get apps/deployments/scale",
                              "patch apps/deployments/scale",
                              "get apps/replicasets",
                              "list apps/replicasets",
                              "watch apps/replicasets",
                              "get pods",
                              "list pods",
                              "watch pods",
                              "patch pods",
                              "delete pods",
                              "get secrets",
                              "create events.k8s.io/events",
                              "patch events.k8s.io/events"});
  CHECK(rights(installed("Role", "workerpool-operator-lease")) ==
        std::set<std::string>{"create coordination.k8s.io/leases", "get coordination.k8s.io/leases",
                              "update coordination.k8s.io/leases"});
}

TEST_CASE("the operator's pod is restricted, probed and bounded") {
  const json deployment = installed("Deployment", "workerpool-operator");
  const json pod = deployment.at("spec").at("template").at("spec");
  check_restricted(pod);
  CHECK(pod.at("securityContext").at("runAsUser").get<int>() > 10000);
  CHECK(installed("Namespace", "workerpool-system")
            .at("metadata")
            .at("labels")
            .at("pod-security.kubernetes.io/enforce") == "restricted");
  const json& container = pod.at("containers").at(0);
  CHECK(container.at("livenessProbe").at("httpGet").at("path") == "/healthz");
  CHECK(container.at("readinessProbe").at("httpGet").at("path") == "/readyz");
  CHECK(container.at("image") == "workerpool/operator:" WORKERPOOL_VERSION);
  // No version: a selector can't be changed.
  CHECK(deployment.at("spec").at("selector").at("matchLabels") ==
        json{{"app.kubernetes.io/name", "workerpool"},
             {"app.kubernetes.io/instance", "workerpool"},
             {"app.kubernetes.io/component", "operator"}});
}
