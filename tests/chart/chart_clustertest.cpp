// The chart on a real API server: every variant is one that it takes, docs/rbac.md says what it
// answers about the operator's rights, and an operator with the Roles of two namespaces works in
// these two and sees no other.
#include <csignal>
#include <doctest/doctest.h>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "base/ids.h"
#include "tests/chart/helm.h"
#include "tests/crds/cluster.h"
#include "tests/docs/page.h"
#include "tests/support/process.h"
#include "tests/support/temp_folder.h"
#include "tests/support/wait.h"

using namespace wp::test;
using nlohmann::json;
using wp::Millis;
using wp::crds::kubectl;

namespace {

constexpr const char* kAccount = "system:serviceaccount:workerpool-system:workerpool-operator";

void must(const wp::crds::Answer& answer) {
  REQUIRE_MESSAGE(answer.ok, answer.text);
}

json list_of(const std::vector<json>& objects) {
  return {{"apiVersion", "v1"}, {"kind", "List"}, {"items", objects}};
}

// Another test of this control plane may have had one of this name, which ends only now.
void make_namespace(const std::string& name) {
  wp::crds::Answer phase;
  const bool active = eventually(
      [&] {
        must(kubectl(
            "apply --server-side --force-conflicts -f -",
            json{{"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", {{"name", name}}}}));
        phase = kubectl("get namespace " + name + " -o jsonpath='{.status.phase}'");
        return phase.ok && phase.text.find("Active") != std::string::npos;
      },
      Millis{120000}, Millis{200});
  REQUIRE_MESSAGE(active, phase.text);
}

void apply(const std::vector<json>& objects) {
  must(kubectl("apply --server-side --force-conflicts -f -", list_of(objects)));
}

// The objects but the pods, which nothing runs here.
std::vector<json> without_pods(std::vector<json> objects) {
  std::erase_if(objects, [](const json& object) { return object.at("kind") == "Deployment"; });
  return objects;
}

void install_resource() {
  must(kubectl("apply --server-side --force-conflicts -f " + source_folder() + "/crds"));
  must(kubectl("wait --for=condition=Established --timeout=30s crd/workerpools.workerpool.dev"));
}

// The lines of `kubectl auth can-i --list` without its head, blanks made one.
std::set<std::string> rights_of(const std::string& account) {
  const auto answer = kubectl("auth can-i --list -n workerpool-system --as " + account);
  must(answer);
  std::set<std::string> lines;
  std::istringstream text(answer.text);
  std::string line;
  std::getline(text, line);
  while (std::getline(text, line)) {
    std::istringstream words(line);
    std::string made;
    for (std::string word; words >> word;) made += (made.empty() ? "" : " ") + word;
    lines.insert(made);
  }
  return lines;
}

json pool(const std::string& ns) {
  return {{"apiVersion", "workerpool.dev/v1alpha1"},
          {"kind", "WorkerPool"},
          {"metadata", {{"name", "some"}, {"namespace", ns}}},
          {"spec",
           {{"queue", {{"redis", {{"url", "redis://127.0.0.1:1/0"}}}}},
            {"workers",
             {{"template",
               {{"spec", {{"containers", json::array({{{"name", "w"}, {"image", "w:1"}}})}}}}}}},
            {"scaling", {{"minReplicas", 1}}}}}};
}

class Namespaces {
 public:
  Namespaces() {
    for (const char* part : {"home", "first", "second", "other"}) make_namespace(of(part));
  }
  ~Namespaces() {
    for (const char* part : {"home", "first", "second", "other"}) {
      (void)kubectl("delete --wait=false namespace " + of(part));
    }
  }
  std::string of(const std::string& part) const { return "chart-" + id_ + "-" + part; }

 private:
  const std::string id_ = wp::random_hex(6);
};

}  // namespace

TEST_CASE("the API server takes every variant of the chart") {
  install_resource();
  must(kubectl("apply --server-side -f " + source_folder() + "/tests/chart/stub_crds.yaml"));
  for (const char* kind : {"servicemonitors", "podmonitors", "prometheusrules"}) {
    must(kubectl("wait --for=condition=Established --timeout=30s crd/" + std::string(kind) +
                 ".monitoring.coreos.com"));
  }
  for (const char* ns : {"workerpool-system", "media", "shop"}) make_namespace(ns);
  for (const Variant& variant : variants()) {
    CAPTURE(variant.name);
    std::vector<json> objects = rendered(variant.words);
    for (json& object : objects) {
      if (!object.at("metadata").contains("namespace") && object.at("kind") == "ConfigMap") {
        object["metadata"]["namespace"] = "workerpool-system";
      }
    }
    const auto answer =
        kubectl("apply --server-side --force-conflicts --dry-run=server --validate=strict -f -",
                list_of(objects));
    CHECK_MESSAGE(answer.ok, answer.text);
    // Pod security only warns about a Deployment.
    CHECK_MESSAGE(answer.text.find("Warning") == std::string::npos, answer.text);
  }
}

TEST_CASE("docs/rbac.md lists the rights as the API server does") {
  install_resource();
  make_namespace("workerpool-system");
  apply(without_pods(rendered()));
  std::set<std::string> shown;
  for (const FencedBlock& block : Page("rbac.md").blocks()) {
    if (block.language != "text") continue;
    for (const std::string& line : block.lines) {
      if (line.starts_with("Resources ")) continue;
      std::istringstream words(line);
      std::string made;
      for (std::string word; words >> word;) made += (made.empty() ? "" : " ") + word;
      shown.insert(made);
    }
  }
  std::set<std::string> granted;
  // The authorizer hears of a new role a moment later.
  const bool same = eventually(
      [&] {
        granted = rights_of(kAccount);
        for (const std::string& line :
             rights_of("system:serviceaccount:workerpool-system:nobody")) {
          granted.erase(line);
        }
        return granted == shown;
      },
      Millis{60000}, Millis{300});
  std::string text;
  for (const std::string& line : granted) text += line + "\n";
  CHECK_MESSAGE(same, text);
}

TEST_CASE("an operator with Roles in two namespaces works there and sees no other") {
  install_resource();
  const Namespaces spaces;
  const std::string home = spaces.of("home");
  const std::vector<json> objects =
      rendered("--namespace " + home +
               " --set crds.install=false,rbac.userRoles=false --set 'watchNamespaces={" +
               spaces.of("first") + "," + spaces.of("second") + "}'");
  apply(without_pods(objects));
  for (const char* part : {"first", "second", "other"}) {
    must(kubectl("apply --server-side -f -", pool(spaces.of(part))));
  }

  const OwnFolder folder;
  const std::string kubeconfig = folder.path() + "/operator.kubeconfig";
  const Answer token = shell("'" + source_folder() + "/tests/cluster/service-account' " + home +
                             " workerpool-operator >'" + kubeconfig + "'");
  REQUIRE_MESSAGE(token.ok, token.text);

  // The words of the pod, and where it serves.
  std::vector<std::string> words{program("workerpool-operator")};
  const json container =
      object_of(objects, "Deployment").at("spec").at("template").at("spec").at("containers").at(0);
  for (const json& word : container.at("args")) words.push_back(word);
  for (const char* more : {"--metrics-addr=127.0.0.1:0", "--probe-addr=127.0.0.1:0"}) {
    words.emplace_back(more);
  }
  Process running(words, folder.path() + "/operator.log", {{"KUBECONFIG", kubeconfig}});

  const auto has_workers = [&](const std::string& part) {
    return kubectl("-n " + spaces.of(part) + " get deployment some-worker").ok;
  };
  CHECK_MESSAGE(eventually([&] { return has_workers("first") && has_workers("second"); },
                           Millis{60000}, Millis{200}),
                running.output());

  // What `helm test` runs.
  std::vector<std::string> check{program("workerpool-operator"), "check",
                                 "--lease-namespace=" + home};
  for (const char* part : {"first", "second"}) check.push_back("--namespace=" + spaces.of(part));
  const auto asked = [&](const std::string& name) {
    Process process(check, folder.path() + "/" + name + ".log", {{"KUBECONFIG", kubeconfig}});
    const auto code = process.wait(Millis{90000});
    return std::pair{code.value_or(-1), process.output()};
  };
  const auto fine = asked("fine");
  CHECK_MESSAGE(fine.first == 0, fine.second);
  CHECK_MESSAGE(fine.second.find("FAIL") == std::string::npos, fine.second);

  CHECK_FALSE(has_workers("other"));
  running.signal(SIGTERM);
  CHECK(running.wait().value_or(-1) == 0);
  const std::string log = running.output();
  CHECK_MESSAGE(log.find("forbidden") == std::string::npos, log);

  // Without an operator, and with a right less.
  must(kubectl("-n " + spaces.of("second") +
               " patch role workerpool-operator --type=json -p "
               "'[{\"op\":\"remove\",\"path\":\"/rules/4\"}]'"));
  check.emplace_back("--timeout=3s");
  std::pair<int, std::string> lacking;
  CHECK_MESSAGE(eventually(
                    [&] {
                      lacking = asked("lacking");
                      return lacking.second.find(
                                 "not granted: get apps/deployments/scale, patch "
                                 "apps/deployments/scale") != std::string::npos;
                    },
                    Millis{60000}),
                lacking.second);
  CHECK(lacking.first == 1);
  CHECK_MESSAGE(lacking.second.find("FAIL  leader: the Lease") != std::string::npos,
                lacking.second);
}
