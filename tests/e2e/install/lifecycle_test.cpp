// The chart from its first day to its last, on a real node, as its README says it: install, `helm
// test`, the quickstart, a hundred jobs, an upgrade and a rollback with jobs under way, uninstall,
// install again. No worker's pod is touched by any of it.
#include <doctest/doctest.h>
#include <fstream>
#include <iostream>
#include <iterator>
#include <set>

#include "tests/e2e/node.h"
#include "tests/e2e/site.h"

using namespace wp;
using namespace wp::test;
using nlohmann::json;

namespace {

constexpr const char* kHome = "workerpool-system";
constexpr const char* kDemo = "workerpool-demo";
constexpr const char* kRedis = "redis://redis.workerpool-demo.svc.cluster.local:6379/0";

std::string quickstart() {
  std::ifstream stream(source_path("manifests/samples/quickstart.yaml"));
  return {std::istreambuf_iterator<char>(stream), {}};
}

std::vector<std::string> helm(std::vector<std::string> words) {
  words.insert(words.begin(), "helm");
  words.insert(words.end(), {"--namespace", kHome});
  return words;
}

json ctl(std::vector<std::string> words) {
  std::vector<std::string> all{program("workerpoolctl"),     "--redis",  kRedis, "--queue",
                               "workerpool-demo/quickstart", "--output", "json"};
  all.insert(all.end(), words.begin(), words.end());
  return json::parse(must_run(all));
}

void put(const std::string& prefix, int jobs) {
  const OwnFolder folder;
  std::string lines;
  for (int i = 0; i < jobs; ++i) {
    lines +=
        json{{"type", "hash"}, {"id", prefix + std::to_string(i)}, {"payload", "hello"}}.dump();
    lines += "\n";
  }
  (void)must_run({program("workerpoolctl"), "--redis", kRedis, "--queue",
                  "workerpool-demo/quickstart", "enqueue", "--batch",
                  folder.write("jobs.jsonl", lines)});
}

json status() {
  return kubectl_get("workerpool", "quickstart", kDemo).value("status", json::object());
}

int number(const char* pointer) {
  const json value = status().value(json::json_pointer(pointer), json());
  return value.is_number() ? value.get<int>() : -1;
}

// The queue's own counters: they outlive the operator.
int counted(const char* name) {
  return ctl({"queue", "show"}).at("counters").value(name, 0);
}

bool completes(int jobs, Millis deadline) {
  return eventually([jobs] { return counted("completed") == jobs; }, deadline, Millis{500});
}

// uid and restarts of every worker's pod.
std::set<std::string> workers() {
  std::set<std::string> found;
  const json pods =
      json::parse(must_run({"kubectl", "get", "pods", "--namespace", kDemo, "--selector",
                            "workerpool.dev/pool=quickstart", "--output", "json"}));
  for (const json& pod : pods.at("items")) {
    int restarts = 0;
    for (const json& one : pod.at("status").value("containerStatuses", json::array())) {
      restarts += one.at("restartCount").get<int>();
    }
    found.insert(pod.at("metadata").at("uid").get<std::string>() + " " + std::to_string(restarts));
  }
  return found;
}

void check_helm_test(const std::string& ns) {
  const std::string said =
      must_run({"helm", "test", "workerpool", "--logs", "--timeout", "120s", "--namespace", ns},
               Millis{150000});
  CHECK_MESSAGE(said.find("ok    leader: ") != std::string::npos, said);
  CHECK_MESSAGE(said.find("FAIL") == std::string::npos, said);
}

// The pool is as it was: the same pods, never restarted, and it works.
void check_untouched(const std::set<std::string>& before) {
  const auto now = workers();
  for (const std::string& worker : before) CHECK_MESSAGE(now.contains(worker), worker);
}

// Whatever the test leaves behind would be in the way of the next one's.
struct CleanUp {
  ~CleanUp() {
    (void)run({"kubectl", "delete", "workerpools", "--all", "--namespace", kDemo, "--wait=false"});
    (void)run({"kubectl", "delete", "namespace", kDemo, "--ignore-not-found", "--timeout=90s"});
    (void)run(helm({"uninstall", "workerpool", "--ignore-not-found", "--wait"}));
    (void)run({"kubectl", "delete", "namespace", kHome, "--ignore-not-found", "--timeout=60s"});
    (void)run({"kubectl", "delete", "crd", "workerpools.workerpool.dev", "--ignore-not-found"});
  }
};

}  // namespace

TEST_CASE("helm install, test, a hundred jobs, upgrade, rollback, uninstall, install again") {
  if (!have_node()) exit(77);
  const Millis begun = system_clock().steady();
  const auto step = [&](const char* what) {
    std::cout << what << " after " << (system_clock().steady() - begun).count() / 1000 << " s"
              << std::endl;
  };
  // Of an earlier test: this one shows what happens on a cluster that has none.
  (void)run({"kubectl", "delete", "crd", "workerpools.workerpool.dev", "--ignore-not-found"});
  const CleanUp clean_up;
  must_run({"kubectl", "create", "namespace", kHome});
  must_run(
      {"kubectl", "label", "namespace", kHome, "pod-security.kubernetes.io/enforce=restricted"});

  const std::string chart = source_path("helm/workerpool");
  must_run(helm({"install", "workerpool", chart, "--wait", "--timeout", "120s"}), Millis{150000});
  step("installed");
  check_helm_test(kHome);
  step("helm test passed");

  kubectl_apply(quickstart(), kDemo);
  must_run(
      {"kubectl", "--namespace", kDemo, "rollout", "status", "deployment/redis", "--timeout=90s"});
  REQUIRE(eventually([] { return number("/queue/waiting") == 0; }, Millis{60000}, Millis{200}));
  put("first-", 100);
  REQUIRE(completes(100, Millis{180000}));
  const json shown = ctl({"jobs", "show", "first-42"});
  // printf hello | sha256sum
  CHECK_MESSAGE(
      shown.dump().find("2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824") !=
          std::string::npos,
      shown.dump());
  step("100 jobs done");

  // With jobs under way and all the workers that there may be, so that none comes or goes.
  must_run({"kubectl", "--namespace", kDemo, "patch", "workerpool", "quickstart", "--type=merge",
            "--patch", R"({"spec":{"scaling":{"minReplicas":5}}})"});
  put("upgrade-", 40);
  REQUIRE(eventually([] { return number("/readyReplicas") == 5; }, Millis{60000}, Millis{200}));
  const auto before = workers();
  must_run(helm({"upgrade", "workerpool", chart, "--set", "replicas=2,logLevel=debug", "--wait",
                 "--timeout", "120s"}),
           Millis{150000});
  check_untouched(before);
  step("upgraded");
  must_run(helm({"rollback", "workerpool", "1", "--wait", "--timeout", "120s"}), Millis{150000});
  check_untouched(before);
  step("rolled back");
  check_helm_test(kHome);
  REQUIRE(completes(140, Millis{120000}));

  // Uninstalled: no operator; the resource, the pool and its workers stay, and jobs are done.
  put("without-", 10);
  REQUIRE(eventually([] { return number("/readyReplicas") >= 1; }, Millis{60000}, Millis{200}));
  must_run(helm({"uninstall", "workerpool", "--wait", "--timeout", "60s"}), Millis{90000});
  CHECK(kubectl_get("deployment", "workerpool-operator", kHome).is_null());
  CHECK_FALSE(kubectl_get("crd", "workerpools.workerpool.dev", "").is_null());
  CHECK_FALSE(workers().empty());
  CHECK(eventually(
      [] {
        return ctl({"jobs", "show", "without-9"}).value("state", "") == "done";
      },
      Millis{60000}, Millis{500}));
  step("uninstalled, and jobs done without an operator");

  must_run(helm({"install", "workerpool", chart, "--wait", "--timeout", "120s"}), Millis{150000});
  put("again-", 5);
  CHECK(completes(155, Millis{120000}));
  // Every run of every job ended well, and each job ran once.
  CHECK(counted("started") == 155);
  for (const char* trouble : {"failed", "interrupted", "lost", "crashed", "dead"}) {
    CAPTURE(trouble);
    CHECK(counted(trouble) == 0);
  }
  step("installed again, and at work");

  must_run({"kubectl", "--namespace", kDemo, "delete", "workerpool", "quickstart"});
  CHECK(eventually([] { return workers().empty(); }, Millis{90000}, Millis{500}));
  step("the pool is deleted, and its workers are gone");
}

TEST_CASE("a release with Roles in one namespace and no ClusterRole passes helm test, and works") {
  if (!have_node()) exit(77);
  const Site site;
  check_helm_test(site.ns());
  site.apply_pool("narrow", {{"exec", {{"command", {"true"}}}}});
  site.put("narrow", std::map<std::string, std::string>{{"one", "x"}});
  CHECK_MESSAGE(eventually([&] { return site.counts("narrow").stat["completed"] == 1; },
                           Millis{90000}, Millis{200}),
                site.operator_log());
  CHECK(run({"kubectl", "get", "clusterroles", "--selector", "app.kubernetes.io/name=workerpool",
             "--output", "name"})
            .output.empty());
}
