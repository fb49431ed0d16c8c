// The status that the API shows, and the pod that the API hands out.
#include "tests/cluster/node/status.h"

#include <doctest/doctest.h>
#include <string>

namespace wp::testnode {
namespace {

const char* const kPod = R"({
  "metadata": {"namespace": "media", "name": "p", "uid": "u1", "labels": {"app": "x"}},
  "spec": {
    "nodeName": "n1", "restartPolicy": "Always", "terminationGracePeriodSeconds": 7,
    "initContainers": [{"name": "i", "image": "img", "command": ["true"]},
                       {"name": "s", "image": "img", "restartPolicy": "Always"}],
    "containers": [{"name": "a", "image": "img", "command": ["sleep"], "args": ["9"]}]},
  "status": {"phase": "Pending"}
})";

Moment at(int ms) {
  return {Millis{ms}, Millis{1700000000000 + ms}};
}

PodSpec only_main() {
  Json object = Json::parse(kPod);
  object["spec"].erase("initContainers");
  return parse_pod(object);
}

const Json& condition(const Json& status, const std::string& type) {
  for (const Json& each : status.at("conditions")) {
    if (each.at("type") == type) return each;
  }
  FAIL("no condition " << type);
  return status;
}

}  // namespace

TEST_CASE("a pod is read from its JSON") {
  const PodSpec pod = parse_pod(Json::parse(kPod));
  CHECK(pod.ns == "media");
  CHECK(pod.grace == Millis{7000});
  REQUIRE(pod.containers.size() == 3);
  CHECK(pod.containers[0].kind == ContainerKind::init);
  CHECK(pod.containers[1].kind == ContainerKind::sidecar);
  CHECK(pod.containers[2].kind == ContainerKind::main);
  CHECK(pod.containers[2].args == std::vector<std::string>{"9"});
  CHECK_FALSE(pod.finished);
  CHECK_FALSE(pod.deletion_grace);
}

TEST_CASE("deletion, phase and earlier starts are read") {
  Json object = Json::parse(kPod);
  object["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z";
  object["metadata"]["deletionGracePeriodSeconds"] = 30;
  object["status"] = {{"phase", "Failed"},
                      {"containerStatuses",
                       {{{"name", "a"}, {"restartCount", 2}, {"containerID", "process://1-a"}}}}};
  const PodSpec pod = parse_pod(object);
  CHECK(pod.deletion_grace == Millis{30000});
  CHECK(pod.finished);
  CHECK(pod.containers[2].earlier_starts == 3);
}

TEST_CASE("a running pod becomes ready, and its conditions keep their time") {
  PodState pod(only_main(), {}, at(0));
  pod.advance(at(0));
  pod.started(0, "id-1", at(0));
  pod.advance(at(0));
  const Json early = pod_status(pod, {{"conditions", Json::array()}}, at(0).wall);
  CHECK(early["phase"] == "Running");
  CHECK(early["podIP"] == "127.0.0.1");
  CHECK(condition(early, "Initialized")["status"] == "True");
  CHECK(condition(early, "Ready")["status"] == "False");
  CHECK(condition(early, "Ready")["message"] == "containers with unready status: [a]");

  pod.advance(at(200));
  const Json later = pod_status(pod, early, at(5000).wall);
  CHECK(condition(later, "Ready")["status"] == "True");
  CHECK(condition(later, "Ready")["reason"].is_null());
  CHECK(condition(later, "Ready")["lastTransitionTime"] == "2023-11-14T22:13:25Z");
  CHECK(condition(later, "Initialized")["lastTransitionTime"] == "2023-11-14T22:13:20Z");
  const Json& container = later["containerStatuses"][0];
  CHECK(container["containerID"] == "id-1");
  CHECK(container["restartCount"] == 0);
  CHECK(container["ready"] == true);
  CHECK(container["state"]["running"]["startedAt"] == "2023-11-14T22:13:20Z");
  CHECK(pod_status(pod, later, at(9000).wall) == later);
}

TEST_CASE("a restart shows the last end and counts from the second start on") {
  PodState pod(only_main(), {}, at(0));
  pod.advance(at(0));
  pod.started(0, "id-1", at(0));
  pod.exited(0, {.code = 0, .signal = 9}, at(1000));
  const Json waiting = pod_status(pod, Json::object(), at(1000).wall)["containerStatuses"][0];
  CHECK(waiting["state"]["waiting"]["reason"] == "CrashLoopBackOff");
  CHECK(waiting["lastState"]["terminated"]["exitCode"] == 137);
  CHECK(waiting["lastState"]["terminated"]["signal"] == 9);
  CHECK(waiting["lastState"]["terminated"]["reason"] == "Error");
  CHECK(waiting["restartCount"] == 0);
  pod.advance(at(1200));
  pod.started(0, "id-2", at(1200));
  const Json again = pod_status(pod, Json::object(), at(1200).wall)["containerStatuses"][0];
  CHECK(again["restartCount"] == 1);
  CHECK(again["containerID"] == "id-2");
  CHECK(again["lastState"]["terminated"]["containerID"] == "id-1");
}

TEST_CASE("init containers and sidecars have a list of their own") {
  PodState pod(parse_pod(Json::parse(kPod)), {}, at(0));
  pod.advance(at(0));
  const Json status = pod_status(pod, Json::object(), at(0).wall);
  CHECK(status["phase"] == "Pending");
  CHECK(status["initContainerStatuses"].size() == 2);
  CHECK(status["containerStatuses"].size() == 1);
  CHECK(status["containerStatuses"][0]["state"]["waiting"]["reason"] == "PodInitializing");
  CHECK(condition(status, "Initialized")["status"] == "False");
}

TEST_CASE("a container that ended for good is terminated") {
  PodSpec spec = only_main();
  spec.restart_policy = RestartPolicy::never;
  PodState pod(spec, {}, at(0));
  pod.advance(at(0));
  pod.started(0, "id-1", at(0));
  pod.exited(0, {.code = 0, .signal = 0}, at(1000));
  pod.advance(at(1000));
  const Json status = pod_status(pod, Json::object(), at(1000).wall);
  CHECK(status["phase"] == "Succeeded");
  CHECK(condition(status, "Ready")["reason"] == "PodCompleted");
  CHECK(status["containerStatuses"][0]["state"]["terminated"]["reason"] == "Completed");
}

}  // namespace wp::testnode
