// An app beside the runner (handler.http): who is which container, and what outlives what.
#include <doctest/doctest.h>

#include "operator/workload/deployment_view.h"
#include "operator/workload/pod_template.h"
#include "tests/operator/workload/pools.h"

using namespace wp;
using namespace wp::workload;
using nlohmann::json;
using wp::test::pool_with_workers;

namespace {

constexpr const char* kHandler =
    "\nhandler: {http: {url: 'http://127.0.0.1:8000/jobs?a=$x', "
    "readyPath: /ready}}";

pool::Pool pool_of(const std::string& spec, const std::string& more = "") {
  return pool_with_workers("template: {spec: " + spec + "}" + kHandler + more);
}

json spec_of(const std::string& spec, const std::string& more = "", bool sidecars = true) {
  return build_pod_template(pool_of(spec, more),
                            {.runner_image = "runner:1", .native_sidecars = sidecars})
      .at("spec");
}

std::vector<std::string> names(const json& spec, const char* list) {
  std::vector<std::string> made;
  for (const json& one : spec.value(list, json::array())) made.push_back(one.at("name"));
  return made;
}

std::string value(const json& container, const std::string& name) {
  for (const json& one : container.at("env")) {
    if (one.at("name") == name) return one.value("value", "?");
  }
  return "";
}

std::string refusal(const std::string& spec, const std::string& more = "", bool sidecars = true) {
  try {
    (void)spec_of(spec, more, sidecars);
  } catch (const TemplateError& error) {
    return error.what();
  }
  return "";
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("the app is a native sidecar, after what prepares the pod; the runner is beside it") {
  const json spec = spec_of(
      "{initContainers: [{name: prepare}], containers: [{name: proxy}, {name: app, image: a, "
      "command: [serve], livenessProbe: {exec: {command: [t]}}}]}",
      "\ncontainer: app");
  CHECK(names(spec, "initContainers") == Names{"prepare", "app"});
  CHECK(names(spec, "containers") == Names{"proxy", "workerpool-runner"});
  const json& app = spec.at("initContainers").at(1);
  CHECK(app == json::parse(R"({"name": "app", "image": "a", "command": ["serve"],
      "restartPolicy": "Always", "livenessProbe": {"exec": {"command": ["t"]}}})"));
  const json& runner = spec.at("containers").at(1);
  CHECK(runner.at("image") == "runner:1");
  CHECK(runner.at("command") == json::array({"/workerpool/bin/workerpool-runner"}));
  CHECK(value(runner, "WP_HANDLER") == "http");
  CHECK(value(runner, "WP_HTTP_URL") == "http://127.0.0.1:8000/jobs?a=$$x");
  CHECK(value(runner, "WP_HTTP_READY_PATH") == "/ready");
  CHECK(value(runner, "WP_POD_UID") == "?");
  CHECK(runner.contains("readinessProbe"));
  CHECK(runner.at("securityContext").at("runAsUser") == 65532);
  CHECK_FALSE(spec.contains("volumes"));  // its image has the runner
}

TEST_CASE("before Kubernetes 1.29 the app waits for the runner before it ends") {
  const json spec = spec_of("{containers: [{name: app, image: a}, {name: proxy}]}", "", false);
  CHECK(names(spec, "initContainers") == Names{"workerpool-install"});
  CHECK(names(spec, "containers") == Names{"app", "proxy", "workerpool-runner"});
  const json& app = spec.at("containers").at(0);
  CHECK(app.at("lifecycle").at("preStop").at("exec").at("command") ==
        json::array({"/workerpool/bin/workerpool-runner", "wait-gone"}));
  CHECK(app.at("volumeMounts") ==
        json::parse(R"([{"name": "workerpool", "mountPath": "/workerpool", "readOnly": true}])"));
  CHECK_FALSE(app.contains("restartPolicy"));

  const char* moved =
      "{containers: [{name: app}, {name: workerpool-runner, env: [{name: WP_PROBE_ADDR, value: "
      "':7'}]}]}";
  const json there = spec_of(moved, "", false);
  CHECK(there.at("containers").at(0).at("lifecycle").at("preStop").at("exec").at("command") ==
        json::array({"/workerpool/bin/workerpool-runner", "wait-gone", "--probe-addr", ":7"}));

  for (const char* address : {"off", ":0", "127.0.0.1:0", "$(POD_IP):9808", "9808"}) {
    CAPTURE(address);
    const std::string runner = "{name: workerpool-runner, env: [{name: WP_PROBE_ADDR, value: '" +
                               std::string(address) + "'}]}";
    CHECK(refusal("{containers: [{name: app}, " + runner + "]}", "", false).find("WP_PROBE_ADDR") !=
          std::string::npos);
  }
}

TEST_CASE("a preStop would run while jobs do: refused, whoever ends them") {
  const std::string stop = "lifecycle: {preStop: {exec: {command: [x]}}}";
  for (const bool native : {true, false}) {
    CHECK(refusal("{containers: [{name: app, " + stop + "}]}", "", native)
              .find("lifecycle.preStop of the container \"app\"") != std::string::npos);
    CHECK(
        refusal("{containers: [{name: app}, {name: workerpool-runner, " + stop + "}]}", "", native)
            .find("\"workerpool-runner\"") != std::string::npos);
    // Of others it is their own affair.
    CHECK_NOTHROW(
        (void)spec_of("{containers: [{name: app}, {name: proxy, " + stop + "}]}", "", native));
  }
}

TEST_CASE("a runner that is not declared asks for a little, so that it does not starve") {
  const json spec = spec_of("{containers: [{name: app}]}");
  CHECK(spec.at("containers").at(0).at("resources") ==
        json::parse(R"({"requests": {"cpu": "20m", "memory": "32Mi"}})"));
}

TEST_CASE("a container workerpool-runner of the template is completed") {
  const json spec = spec_of(
      "{containers: [{name: workerpool-runner, image: mine, args: [x], resources: {requests: {cpu: "
      "1}}, env: [{name: WP_LOG_LEVEL, value: debug}, {name: WP_QUEUE, value: mine}]}, {name: "
      "app}]}");
  CHECK(names(spec, "initContainers") == Names{"app"});
  REQUIRE(names(spec, "containers") == Names{"workerpool-runner"});
  const json& runner = spec.at("containers").at(0);
  CHECK(runner.at("image") == "runner:1");
  CHECK_FALSE(runner.contains("args"));
  CHECK(runner.at("resources") == json::parse(R"({"requests": {"cpu": 1}})"));
  CHECK(value(runner, "WP_LOG_LEVEL") == "debug");
  CHECK(value(runner, "WP_QUEUE") == "media/thumbnails");
}

TEST_CASE("what cannot work beside a runner is refused by name") {
  CHECK(refusal("{containers: [{name: app}], initContainers: [{name: workerpool-runner}]}")
            .find("\"workerpool-runner\" is the operator's own") != std::string::npos);
  CHECK(refusal("{containers: [{name: workerpool-runner}]}").find("no container for the app") !=
        std::string::npos);
  CHECK(refusal("{containers: [{name: app}, {name: workerpool-runner}]}",
                "\ncontainer: workerpool-runner")
            .find("name the app's") != std::string::npos);
  const auto on_probes = [](const std::string& more) {
    const pool::Pool pool =
        pool_with_workers("template: {spec: {containers: [{name: app}" + more +
                          "]}}\nhandler: {http: {url: 'http://localhost:9808/'}}");
    (void)build_pod_template(pool, {.runner_image = "runner:1"});
  };
  CHECK_THROWS_AS(on_probes(""), TemplateError);
  CHECK_NOTHROW(
      on_probes(", {name: workerpool-runner, env: [{name: WP_PROBE_ADDR, value: ':9809'}]}"));
}

TEST_CASE("the worker is the runner's container, not the app's") {
  CHECK(worker_container(pool_of("{containers: [{name: app}]}")) == "workerpool-runner");
  CHECK(worker_container(pool_with_workers("{template: {spec: {containers: [{name: a}]}}, "
                                           "container: a}")) == "a");
  const json object = json::parse(R"({
    "metadata": {"name": "p", "namespace": "n", "uid": "u"},
    "spec": {"initContainers": [{"name": "app", "restartPolicy": "Always"}],
             "containers": [{"name": "proxy"}, {"name": "workerpool-runner"}]},
    "status": {"phase": "Running",
      "initContainerStatuses": [{"name": "app", "restartCount": 3, "containerID": "c://aaa",
                                 "state": {"running": {}}}],
      "containerStatuses": [
        {"name": "proxy", "restartCount": 2, "containerID": "c://bbb", "state": {"running": {}}},
        {"name": "workerpool-runner", "restartCount": 1, "containerID": "c://ccc",
         "state": {"running": {}}}]}})");
  DeploymentObjects objects;
  objects.deployment = std::make_shared<DeploymentInfo>();
  objects.pods = {std::make_shared<PodInfo>(*decode_pod(object))};
  const View view = view_of(objects, worker_container(pool_of("{containers: [{name: app}]}")));
  REQUIRE(view.pods.size() == 1);
  CHECK(view.pods[0].container == "ccc");
  CHECK(view.pods[0].restarts == 1);
}
