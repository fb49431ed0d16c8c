// An HTTP app beside the runner: the app outlives the runner's drain, and each of the two may be
// started again without the other. The node plays sidecars as a kubelet does; the app is a program
// that keeps its own ledger of the jobs that it was handed.
#include <csignal>
#include <cstdlib>
#include <doctest/doctest.h>
#include <fstream>

#include "tests/product/cluster.h"
#include "tests/support/free_port.h"
#include "tests/support/temp_folder.h"

using namespace wp;
using nlohmann::json;
using wp::test::eventually;
using wp::test::Product;

namespace {

constexpr const char* kPool = "beside";

class Beside {
 public:
  Beside() : port_(test::free_port()) {
    const std::string app =
        std::string(std::getenv("WORKERPOOL_SOURCE")) + "/tests/runner/http_app.py";
    const json container = {{"name", "app"},
                            {"image", "example/any:1"},
                            {"command", {"python3", app, std::to_string(port_), folder_.path()}}};
    product.apply_pool(kPool, {"unused"}, {{"minReplicas", 1}, {"maxReplicas", 1}}, 1,
                       {{"jobs", {{"lease", "60s"}}},
                        {"workers",
                         {{"handler",
                           {{"exec", nullptr},
                            {"http",
                             {{"url", "http://127.0.0.1:" + std::to_string(port_) + "/jobs"},
                              {"readyPath", "/ready"}}}}},
                          {"template", {{"spec", {{"containers", json::array({container})}}}}}}}});
    REQUIRE(eventually([&] { return pod().has_value(); }, Millis{60000}));
  }

  /// The pod that serves, once there is one.
  std::optional<json> pod() {
    for (const json& pod : product.pods(kPool)) {
      if (pod.at("metadata").contains("deletionTimestamp")) continue;
      for (const json& one : pod.at("status").value("conditions", json::array())) {
        if (one.at("type") == "Ready" && one.at("status") == "True") return pod;
      }
    }
    return std::nullopt;
  }
  /// The process of a container, of a pod that serves.
  pid_t pid(const std::string& name) {
    const auto serves = pod();
    if (!serves) return 0;
    const json status = serves->at("status");
    for (const char* list : {"initContainerStatuses", "containerStatuses"}) {
      for (const json& one : status.value(list, json::array())) {
        if (one.at("name") != name) continue;
        return std::stoi(one.at("containerID").get<std::string>().substr(10));
      }
    }
    return 0;
  }
  /// The process of a container that was started after the one with that process, once its pod
  /// serves.
  pid_t next_pid(const std::string& name, pid_t before) {
    pid_t found = 0;
    REQUIRE(eventually([&] {
      found = pod() ? pid(name) : 0;
      return found != 0 && found != before;
    }));
    return found;
  }
  /// How often the app was handed the job.
  int runs_of(const std::string& job) const {
    std::ifstream file(folder_.path() + "/runs");
    int count = 0;
    for (std::string line; std::getline(file, line);) {
      count += line.find(" " + job + " ") != std::string::npos ? 1 : 0;
    }
    return count;
  }
  bool handed_over(const std::string& job, int times) const {
    return eventually([&] { return runs_of(job) >= times; }, Millis{60000}, Millis{20});
  }
  void let_go() const { std::ofstream(folder_.path() + "/go") << "\n"; }
  std::int64_t stat(const char* name) { return product.counts(kPool).stat[name]; }

  Product product;

 private:
  test::OwnFolder folder_;
  int port_;
};

}  // namespace

TEST_CASE("a pod is deleted while its app works at a job: the app outlives the runner's drain") {
  if (!test::have_cluster()) exit(77);
  Beside beside;
  const json pod = *beside.pod();
  CHECK(pod.at("spec").at("initContainers").back().at("name") == "app");
  CHECK(pod.at("spec").at("containers").at(0).at("name") == "workerpool-runner");
  const std::string name = pod.at("metadata").at("name");
  const pid_t runner = beside.pid("workerpool-runner");
  const pid_t app = beside.pid("app");
  beside.product.put(kPool, {{"long", R"({"wait": true})"}});
  REQUIRE(beside.handed_over("long", 1));
  (void)beside.product.api().remove("/api/v1/namespaces/" + beside.product.ns() + "/pods/" + name);
  // Its runner has heard it: it gave up its place, and finishes what it holds.
  REQUIRE(eventually([&] {
    for (const auto& worker : beside.product.counts(kPool).workers) {
      const json info = json::parse(worker.info, nullptr, false);
      if (info.is_object() && info.value("pid", 0) == runner) return info.value("draining", false);
    }
    return false;
  }));
  CHECK(kill(app, 0) == 0);
  beside.let_go();
  REQUIRE(eventually([&] { return beside.stat("completed") == 1; }, Millis{60000}));
  CHECK(beside.runs_of("long") == 1);
  CHECK(beside.stat("started") == 1);
  CHECK(eventually([&] { return kill(app, 0) != 0 && kill(runner, 0) != 0; }, Millis{60000}));
  CHECK(beside.product.check(kPool).empty());
}

TEST_CASE("an app that is started again is no lost worker; a killed runner is, and the app stays") {
  if (!test::have_cluster()) exit(77);
  Beside beside;
  const pid_t runner = beside.pid("workerpool-runner");
  beside.product.put(kPool, {{"first", R"({"wait": true})"}});
  REQUIRE(beside.handed_over("first", 1));
  const pid_t first_app = beside.pid("app");
  REQUIRE(kill(first_app, SIGKILL) == 0);
  // The job crashed with the app, and runs again on the one that comes after it.
  REQUIRE(beside.handed_over("first", 2));
  CHECK(beside.stat("crashed") == 1);
  const pid_t app = beside.next_pid("app", first_app);
  CHECK(beside.pid("workerpool-runner") == runner);

  REQUIRE(kill(runner, SIGKILL) == 0);
  const Millis killed = system_clock().steady();
  REQUIRE(beside.handed_over("first", 3));
  // At once: a lease of 60 s, begun a third of it ago, would have been the other way.
  CHECK(system_clock().steady() - killed < Millis{40000});
  beside.let_go();
  REQUIRE(eventually([&] { return beside.stat("completed") == 1; }, Millis{60000}));
  CHECK(kill(app, 0) == 0);
  (void)beside.next_pid("workerpool-runner", runner);
  CHECK(beside.pid("app") == app);
  CHECK(beside.runs_of("first") == 3);
  CHECK(beside.product.check(kPool).empty());
}
