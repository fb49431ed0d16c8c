// The chart without a cluster: helm's lint, what the schema refuses and how, what each option
// makes, and that the roles, install.yaml and docs/rbac.md say the same as the operator's table of
// rights.
#include <doctest/doctest.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "operator/cluster/rights.h"
#include "operator/pool/yaml.h"
#include "tests/chart/helm.h"
#include "tests/docs/page.h"

using namespace wp::test;
using nlohmann::json;

namespace {

using Words = std::set<std::string>;

std::string file(const std::string& name) {
  std::ifstream stream(source_folder() + "/" + name);
  REQUIRE_MESSAGE(stream.good(), name);
  return {std::istreambuf_iterator<char>(stream), {}};
}

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// "verb group/resource", one word for each right.
std::string word(std::string_view verb, std::string_view group, std::string_view resource) {
  return std::string(verb) + " " + std::string(group) + (group.empty() ? "" : "/") +
         std::string(resource);
}

Words rights(const json& role) {
  Words out;
  for (const json& rule : role.at("rules")) {
    for (const json& group : rule.at("apiGroups")) {
      for (const json& resource : rule.at("resources")) {
        for (const json& verb : rule.at("verbs")) {
          out.insert(
              word(verb.get<std::string>(), group.get<std::string>(), resource.get<std::string>()));
        }
      }
    }
  }
  return out;
}

Words rights_of(wp::cluster::Where where) {
  Words out;
  for (const wp::cluster::Right& right : wp::cluster::kRights) {
    if (right.where == where) out.insert(word(right.verb, right.group, right.resource));
  }
  return out;
}

const json* pod_of(const json& object) {
  const std::string kind = object.at("kind");
  if (kind == "Pod") return &object.at("spec");
  if (kind == "Deployment") return &object.at("spec").at("template").at("spec");
  return nullptr;
}

// The level "restricted", and what scanners of manifests ask for besides.
void check_pod(const json& pod) {
  CHECK(pod.at("securityContext").at("runAsNonRoot") == true);
  CHECK(pod.at("securityContext").at("runAsUser").get<int>() > 10000);
  CHECK(pod.at("securityContext").at("seccompProfile").at("type") == "RuntimeDefault");
  CHECK(pod.contains("automountServiceAccountToken"));
  CHECK(pod.at("enableServiceLinks") == false);
  for (const char* shared : {"hostNetwork", "hostPID", "hostIPC"})
    CHECK_FALSE(pod.contains(shared));
  for (const json& container : pod.at("containers")) {
    const json& security = container.at("securityContext");
    CHECK(security.at("allowPrivilegeEscalation") == false);
    CHECK(security.at("readOnlyRootFilesystem") == true);
    CHECK(security.at("capabilities").at("drop") == json{"ALL"});
    CHECK(container.at("resources").at("requests").contains("cpu"));
    CHECK(container.at("resources").at("requests").contains("memory"));
    CHECK(container.at("resources").at("limits").contains("memory"));
    const std::string image = container.at("image");
    CHECK((holds(image, ":") || holds(image, "@sha256:")));
    CHECK_FALSE(image.ends_with(":latest"));
  }
}

json operator_container(const std::vector<json>& objects) {
  return object_of(objects, "Deployment", "workerpool-operator")
      .at("spec")
      .at("template")
      .at("spec")
      .at("containers")
      .at(0);
}

Words arguments(const json& container) {
  return container.at("args").get<Words>();
}

int count_of(const std::vector<json>& objects, const std::string& kind) {
  int count = 0;
  for (const json& object : objects) count += object.at("kind") == kind ? 1 : 0;
  return count;
}

}  // namespace

TEST_CASE("helm lint has nothing to say") {
  for (const Variant& variant : variants()) {
    CAPTURE(variant.name);
    const Answer answer = helm("lint --strict --quiet CHART " + variant.words);
    CHECK_MESSAGE(answer.ok, answer.text);
  }
}

TEST_CASE("install.yaml and the chart's resource definition are what tools/render-install writes") {
  const Answer answer = shell("'" + source_folder() + "/tools/render-install' --check");
  CHECK_MESSAGE(answer.ok, answer.text);
}

TEST_CASE("every wrong value is refused, and named") {
  struct Row {
    const char* words;
    const char* said;
  };
  const Row table[] = {
      {"--set replica=2", "additional properties 'replica' not allowed"},
      {"--set replicas=0", "at '/replicas': minimum: got 0, want 1"},
      {"--set replicas=3", "at '/replicas': maximum: got 3, want 2"},
      {"--set-string replicas=2", "at '/replicas': got string, want integer"},
      {"--set image.pulPolicy=Always",
       "at '/image': additional properties 'pulPolicy' not allowed"},
      {"--set image.pullPolicy=always", "at '/image/pullPolicy': value must be one of"},
      {"--set image.tag=a:b", "at '/image/tag': 'a:b' does not match pattern"},
      {"--set image.digest=sha256:12", "at '/image/digest'"},
      {"--set image.repository=Workerpool/x", "at '/image/repository'"},
      {"--set runner.image.pullPolicy=Always",
       "at '/runner/image': additional properties 'pullPolicy' not allowed"},
      {"--set 'imagePullSecrets={regcred}'", "at '/imagePullSecrets/0': got string, want object"},
      {"--set watchNamespaces=media", "at '/watchNamespaces': got string, want array"},
      {"--set 'watchNamespaces={Media}'", "at '/watchNamespaces/0'"},
      {"--set 'watchNamespaces={a,a}'", "at '/watchNamespaces': items at 0 and 1 are equal"},
      {"--set 'watchNamespaces={a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q,r,s,t,u}'",
       "at '/watchNamespaces': maxItems: got 21, want 20"},
      {"--set threads=65", "at '/threads': maximum: got 65, want 64"},
      {"--set logLevel=trace", "at '/logLevel': value must be one of"},
      {"--set extraArgs=--x", "at '/extraArgs': got string, want array"},
      {"--set 'extraEnv[0].value=b'", "at '/extraEnv/0': missing property 'name'"},
      {"--set resources.limit.cpu=1", "at '/resources': additional properties 'limit' not allowed"},
      {"--set nodeSelector.disk=true", "at '/nodeSelector/disk': got boolean, want string"},
      {"--set podDisruptionBudget.minAvailable=1", "at '/podDisruptionBudget'"},
      {"--set serviceAccount.name=Ours", "at '/serviceAccount/name'"},
      {"--set-string rbac.create=yes", "at '/rbac/create': got string, want boolean"},
      {"--set crds.create=false", "at '/crds': additional properties 'create' not allowed"},
      {"--set metrics.enabled=true", "at '/metrics': additional properties 'enabled' not allowed"},
      {"--set metrics.serviceMonitor.interval=15", "at '/metrics/serviceMonitor/interval'"},
      {"--set networkPolicy.egress=all", "at '/networkPolicy/egress': got string, want array"},
      {"--set redis.maxMemoryMi=8", "at '/redis/maxMemoryMi': minimum: got 8, want 16"},
      {"--set redis.url=redis://r", "at '/redis': additional properties 'url' not allowed"},
      {"--set metrics.serviceMonitor.enabled=true,metrics.service.enabled=false",
       "metrics.serviceMonitor.enabled needs metrics.service.enabled"},
      {"--set serviceAccount.create=false", "serviceAccount.name: name the account"},
      {"--kube-version 1.26.4", "incompatible with Kubernetes v1.26.4"},
  };
  for (const Row& row : table) {
    CAPTURE(row.words);
    const Answer answer = helm("template workerpool CHART " + std::string(row.words));
    CHECK_FALSE(answer.ok);
    CHECK_MESSAGE(holds(answer.text, row.said), answer.text);
  }
  // What parents of a chart pass down is no mistake; nor is a vendor's version of Kubernetes.
  CHECK_NOTHROW(rendered("--set global.imageRegistry=r --kube-version 1.30.2-gke.1"));
}

TEST_CASE("every value is known to the schema, has a default, and is explained") {
  const std::string text = file("helm/workerpool/values.yaml");
  const json values = wp::pool::yaml_document(text);
  const json schema = json::parse(file("helm/workerpool/values.schema.json"));
  Words in_values;
  Words in_schema;
  for (const auto& [name, ignored] : values.items()) in_values.insert(name);
  for (const auto& [name, ignored] : schema.at("properties").items()) in_schema.insert(name);
  CHECK(in_values == in_schema);
  for (const char* part : {"metrics", "redis", "networkPolicy", "crds", "rbac", "serviceAccount"}) {
    CAPTURE(part);
    Words own;
    Words known;
    for (const auto& [name, ignored] : values.at(part).items()) own.insert(name);
    for (const auto& [name, ignored] : schema.at("properties").at(part).at("properties").items()) {
      known.insert(name);
    }
    CHECK(own == known);
    CHECK(schema.at("properties").at(part).at("additionalProperties") == false);
  }
}

TEST_CASE("every pod of every variant is restricted, probed and bounded") {
  for (const Variant& variant : variants()) {
    CAPTURE(variant.name);
    int pods = 0;
    for (const json& object : rendered(variant.words)) {
      if (const json* pod = pod_of(object)) {
        ++pods;
        check_pod(*pod);
      }
      if (!object.at("metadata").contains("labels")) continue;
      // No selector can hold what changes with a version.
      const json& spec = object.contains("spec") ? object.at("spec") : json();
      if (object.at("kind") == "Deployment") {
        CHECK_FALSE(spec.at("selector").at("matchLabels").contains("app.kubernetes.io/version"));
      }
    }
    CHECK(pods > 0);
  }
  // The test's pod is no part of the release, but restricted all the same.
  const Answer answer = helm("template w CHART --show-only templates/tests/check.yaml");
  REQUIRE_MESSAGE(answer.ok, answer.text);
  const json pod = wp::pool::yaml_documents(answer.text).back();
  check_pod(pod.at("spec"));
  CHECK(pod.at("metadata").at("annotations").at("helm.sh/hook") == "test");
}

TEST_CASE("rights: the roles grant what the operator's table says, and no more") {
  using wp::cluster::Where;
  const auto wide = rendered();
  CHECK(rights(object_of(wide, "ClusterRole", "workerpool-operator")) == rights_of(Where::pools));
  const json lease = object_of(wide, "Role");
  CHECK(rights(lease) == rights_of(Where::home));
  for (const json& rule : lease.at("rules")) {
    // But for a create, whose object has no name yet, of one Lease only.
    if (rule.at("verbs") != json{"create"}) {
      CHECK(rule.at("resourceNames") == json{"workerpool-operator"});
    }
  }
  for (const json& object : wide) {
    if (object.contains("rules")) CHECK_FALSE(holds(object.at("rules").dump(), "*"));
  }

  const auto narrow =
      rendered("--set 'watchNamespaces={media,shop}',rbac.userRoles=false,crds.install=false");
  CHECK(count_of(narrow, "ClusterRole") == 0);
  CHECK(count_of(narrow, "ClusterRoleBinding") == 0);
  CHECK(count_of(narrow, "CustomResourceDefinition") == 0);
  Words served;
  for (const json& object : narrow) {
    if (object.at("kind") != "Role") continue;
    const std::string ns = object.at("metadata").at("namespace");
    if (object.at("metadata").at("name") == "workerpool-operator") {
      served.insert(ns);
      CHECK(rights(object) == rights_of(Where::pools));
    } else {
      CHECK(ns == "workerpool-system");
    }
  }
  CHECK(served == Words{"media", "shop"});
  const Words words = arguments(operator_container(narrow));
  CHECK(words.contains("--namespace=media"));
  CHECK(words.contains("--namespace=shop"));
}

TEST_CASE("rights: docs/rbac.md has the same table") {
  const Page page("rbac.md");
  Words documented;
  for (const char* heading : {"## Where pools are served", "## In its own namespace"}) {
    for (const auto& row : page.table(heading)) {
      REQUIRE(row.size() == 4);
      const auto group = code_spans(row[0]);
      for (const std::string& verb : code_spans(row[2])) {
        documented.insert(word(verb, group.empty() ? "" : group[0], code_spans(row[1]).at(0)));
      }
      CHECK_FALSE(row[3].empty());
    }
  }
  Words all = rights_of(wp::cluster::Where::pools);
  all.merge(rights_of(wp::cluster::Where::home));
  CHECK(documented == all);
}

TEST_CASE("options: the operator's flags and images") {
  const auto plain = operator_container(rendered());
  CHECK(plain.at("image") == "workerpool/operator:" WORKERPOOL_VERSION);
  CHECK(arguments(plain) == Words{"run", "--leader-elect", "--lease-namespace=workerpool-system",
                                  "--lease-name=workerpool-operator",
                                  "--runner-image=workerpool/runner:" WORKERPOOL_VERSION,
                                  "--threads=4", "--log-level=info"});
  const auto other = operator_container(rendered(
      "--set image.registry=r.io:5000,image.tag=v7,runner.image.digest=sha256:"
      "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef,threads=9,logLevel=warn"));
  CHECK(other.at("image") == "r.io:5000/workerpool/operator:v7");
  const Words words = arguments(other);
  CHECK(words.contains("--threads=9"));
  CHECK(words.contains("--log-level=warn"));
  CHECK(
      words.contains("--runner-image=workerpool/runner@sha256:"
                     "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"));
}

TEST_CASE("options: what comes and goes") {
  CHECK(count_of(rendered(), "PodDisruptionBudget") == 0);
  const auto two = rendered("--set replicas=2");
  CHECK(count_of(two, "PodDisruptionBudget") == 1);
  CHECK(object_of(two, "Deployment").at("spec").at("template").at("spec").contains("affinity"));
  for (const char* kind : {"NetworkPolicy", "ServiceMonitor", "PodMonitor", "PrometheusRule"}) {
    CAPTURE(kind);
    CHECK(count_of(rendered(), kind) == 0);
  }
  CHECK(count_of(rendered(), "Deployment") == 1);
  CHECK(count_of(rendered("--set redis.enabled=true"), "Deployment") == 2);
  CHECK(count_of(rendered("--set metrics.service.enabled=false"), "Service") == 0);

  const char* const keep = "helm.sh/resource-policy";
  const json crd = object_of(rendered(), "CustomResourceDefinition");
  CHECK(crd.at("metadata").at("annotations").at(keep) == "keep");
  CHECK(object_of(rendered("--set crds.keep=false"), "CustomResourceDefinition") ==
        wp::pool::yaml_document(file("crds/workerpools.yaml")));

  const auto monitors = rendered(
      "--set metrics.podMonitor.enabled=true,metrics.serviceMonitor.enabled=true,"
      "metrics.prometheusRule.enabled=true,metrics.dashboard.enabled=true,"
      "metrics.prometheusRule.runbookUrl=https://wiki.example.com/jobs");
  CHECK(object_of(monitors, "ServiceMonitor").at("spec").at("endpoints").at(0).at("honorLabels") ==
        true);
  const json rules = object_of(monitors, "PrometheusRule").at("spec");
  CHECK(rules.at("groups") ==
        [] {
          std::string text = file("helm/workerpool/files/alerts.yaml");
          const std::string page = "docs/operations.md";
          for (std::size_t at; (at = text.find(page)) != std::string::npos;) {
            text.replace(at, page.size(), "https://wiki.example.com/jobs");
          }
          return wp::pool::yaml_document(text);
        }()
            .at("groups"));
  const std::string dashboard = object_of(monitors, "ConfigMap").at("data").at("workerpool.json");
  CHECK(json::parse(dashboard) == json::parse(file("helm/workerpool/files/dashboard.json")));
}

TEST_CASE("options: two releases meet in no name") {
  const auto names = [](const std::string& release, const std::string& ns) {
    const Answer answer = helm("template " + release + " CHART --namespace " + ns +
                               " --set crds.install=false,redis.enabled=true --skip-tests");
    REQUIRE_MESSAGE(answer.ok, answer.text);
    Words out;
    for (const json& object : wp::pool::yaml_documents(answer.text)) {
      if (!object.is_object()) continue;
      const json& meta = object.at("metadata");
      out.insert(object.at("kind").get<std::string>() + " " + meta.value("namespace", "") + "/" +
                 meta.at("name").get<std::string>());
    }
    return out;
  };
  const Words first = names("workerpool", "workerpool-system");
  for (const auto& [release, ns] :
       {std::pair{"workerpool", "other"}, {"second", "workerpool-system"}}) {
    for (const std::string& name : names(release, ns)) {
      CHECK_MESSAGE(!first.contains(name), name);
    }
  }
}
