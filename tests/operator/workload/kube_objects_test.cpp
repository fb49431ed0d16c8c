#include "operator/workload/kube_objects.h"

#include <doctest/doctest.h>

using namespace wp;
using namespace wp::workload;
using nlohmann::json;

TEST_CASE("a Deployment, with the owners of its replicas") {
  const auto info = decode_deployment(json::parse(R"({
    "metadata": {"namespace": "n", "name": "w", "uid": "u", "resourceVersion": "12", "generation": 4,
      "labels": {"workerpool.dev/pool": "p"},
      "annotations": {"workerpool.dev/template-hash": "h", "workerpool.dev/runner-image": "i"},
      "ownerReferences": [{"uid": "a"}, {"uid": "b", "controller": true}],
      "managedFields": [
        {"manager": "workerpool-operator", "operation": "Apply", "fieldsV1": {"f:spec": {"f:template": {}}}},
        {"manager": "workerpool-scaler", "operation": "Apply", "subresource": "scale",
         "fieldsV1": {"f:spec": {"f:replicas": {}}}},
        {"manager": "kubectl", "operation": "Update", "fieldsV1": {"f:spec": {"f:replicas": {}}}}]},
    "spec": {"replicas": 5},
    "status": {"observedGeneration": 3, "replicas": 4, "updatedReplicas": 2, "conditions": [
      {"type": "Available", "status": "False", "reason": "ProgressDeadlineExceeded"},
      {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}]}})"));
  REQUIRE(info.has_value());
  CHECK(info->controller_uid == "b");
  CHECK(info->pool == "p");
  CHECK(info->template_hash == "h");
  CHECK(info->runner_image == "i");
  CHECK(info->generation == 4);
  CHECK(info->observed_generation == 3);
  CHECK(info->replicas == 5);
  CHECK(info->status_replicas == 4);
  CHECK(info->updated_replicas == 2);
  CHECK(info->no_progress);
  CHECK(info->replicas_owners.size() == 2);
  CHECK(owns_replicas(*info, "workerpool-scaler"));
  CHECK_FALSE(owns_replicas(*info, "workerpool-operator"));
  CHECK_FALSE(owns_replicas(*info, "kubectl"));
}

TEST_CASE("a Deployment's selector as kubectl writes it, and what its pods ask for") {
  const auto info = decode_deployment(json::parse(R"({"metadata": {"name": "w", "uid": "u"},
    "spec": {"template": {"spec": {"terminationGracePeriodSeconds": 45,
        "containers": [{"resources": {"requests": {"cpu": "2"}, "limits": {"memory": "1Gi"}}}]}},
      "selector": {"matchLabels": {"a": "1", "b": "2"}, "matchExpressions": [
        {"key": "c", "operator": "In", "values": ["x", "y"]},
        {"key": "d", "operator": "NotIn", "values": ["z"]},
        {"key": "e", "operator": "Exists"}, {"key": "f", "operator": "DoesNotExist"}]}}})"));
  CHECK(info->selector == "a=1,b=2,c in (x,y),d notin (z),e,!f");
  CHECK(info->grace_period == Millis{45000});
  CHECK(info->pod_request.cpu_millis == 2000);
  CHECK(info->pod_request.memory == std::int64_t{1} << 30);
  const auto odd = decode_deployment(json::parse(R"({"metadata": {"name": "w", "uid": "u"},
    "spec": {"template": 1, "selector": {"matchLabels": [], "matchExpressions": {}}}})"));
  CHECK(odd->selector.empty());
  CHECK_FALSE(odd->grace_period.has_value());
  CHECK_FALSE(odd->pod_request.cpu_millis.has_value());
}

TEST_CASE("why a pod does not run") {
  const auto waiting = [](const char* status) {
    json pod = {{"metadata", {{"name", "x"}, {"uid", "u"}}}};
    pod["status"] = json::parse(status);
    return decode_pod(pod)->waiting;
  };
  CHECK(waiting("{}") == "");
  CHECK(waiting(R"({"conditions": [{"type": "PodScheduled", "status": "False",
                    "reason": "Unschedulable"}]})") == "Unschedulable");
  CHECK(waiting(R"({"containerStatuses": [{"state": {"waiting": {"reason": "PodInitializing"}}}],
                    "initContainerStatuses": [{"state": {"waiting": {"reason": "ErrImagePull"}}}]})") ==
        "ErrImagePull");
  CHECK(waiting(R"({"containerStatuses": [{"state": {"waiting": {"reason": "ContainerCreating"}}},
                    {"state": {"waiting": {"reason": "CrashLoopBackOff"}}}]})") ==
        "CrashLoopBackOff");
  CHECK(waiting(R"({"phase": "Failed",
                    "containerStatuses": [{"state": {"waiting": {"reason": "Error"}}}]})") == "");
}

TEST_CASE("a pod's life") {
  json pod = json::parse(R"({"metadata": {"namespace": "n", "name": "x", "uid": "u",
    "creationTimestamp": "2026-11-21T00:00:01Z"},
    "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}})");
  CHECK(decode_pod(pod)->ready);
  CHECK_FALSE(decode_pod(pod)->terminating);
  CHECK(decode_pod(pod)->created.count() % 60000 == 1000);
  pod["metadata"]["deletionTimestamp"] = "2026-11-21T00:00:02Z";
  CHECK(decode_pod(pod)->terminating);
  pod["status"]["phase"] = "Succeeded";
  CHECK(decode_pod(pod)->finished);
}

TEST_CASE("where a pod stands in the order in which a ReplicaSet removes pods") {
  json pod = json::parse(R"({"metadata": {"name": "x", "uid": "u", "resourceVersion": "7"},
    "status": {"phase": "Pending"}})");
  CHECK(decode_pod(pod)->resource_version == "7");
  CHECK_FALSE(decode_pod(pod)->assigned);
  CHECK_FALSE(decode_pod(pod)->running);
  CHECK(decode_pod(pod)->ready_since == Millis{0});
  pod["spec"]["nodeName"] = "n1";
  CHECK(decode_pod(pod)->assigned);
  pod["status"]["phase"] = "Running";
  pod["status"]["conditions"] = json::parse(
      R"([{"type": "Ready", "status": "False", "lastTransitionTime": "2026-11-21T00:00:05Z"}])");
  CHECK(decode_pod(pod)->running);
  CHECK(decode_pod(pod)->ready_since == Millis{0});
  pod["status"]["conditions"][0]["status"] = "True";
  CHECK(decode_pod(pod)->ready_since.count() % 60000 == 5000);
}

TEST_CASE("marks and deletion costs") {
  const auto pod = [](const json& state, const json& cost) {
    return *decode_pod(
        {{"metadata",
          {{"name", "x"},
           {"uid", "u"},
           {"labels", {{"workerpool.dev/state", state}}},
           {"annotations", {{"controller.kubernetes.io/pod-deletion-cost", cost}}}}}});
  };
  CHECK(pod("retiring", "-2147483647").marked);
  CHECK_FALSE(pod("serving", nullptr).marked);
  CHECK_FALSE(pod(true, nullptr).marked);
  struct Row {
    const char* text;
    int cost;
  };
  // As Kubernetes' GetDeletionCostFromPodAnnotations.
  for (const Row& row :
       {Row{"-2147483647", -2147483647}, Row{"100", 100}, Row{"0", 0},
        Row{"-2147483648", INT32_MIN}, Row{"2147483648", 0}, Row{"+5", 0}, Row{"05", 0}, Row{"", 0},
        Row{"1x", 0}, Row{" 1", 0}, Row{"-", 0}, Row{"-05", -5}}) {
    CAPTURE(row.text);
    CHECK(pod("serving", row.text).deletion_cost == row.cost);
  }
}

TEST_CASE("what became of the containers") {
  const auto container = [](const char* status) {
    json pod = {{"metadata", {{"name", "x"}, {"uid", "u"}}},
                {"spec", {{"containers", {{{"name", "app"}}, {{"name", "a-sidecar"}}}}}}};
    json statuses = json::array({{{"name", "a-sidecar"}, {"restartCount", 9}}});
    if (*status != 0) statuses.push_back(json::parse(status));
    pod["status"]["containerStatuses"] = statuses;
    const auto decoded = decode_pod(pod);
    REQUIRE(decoded->containers.size() == 2);
    CHECK(decoded->containers[1].restarts == 9);
    return decoded->containers[0];
  };
  SUBCASE("none yet") {
    CHECK(container("") == ContainerInfo{.name = "app"});
    CHECK(container(R"({"name": "app", "state": {"waiting": {"reason": "ContainerCreating"}}})") ==
          ContainerInfo{.name = "app"});
  }
  SUBCASE("it runs") {
    CHECK(container(R"({"name": "app", "containerID": "containerd://0123456789abcdef0123",
                        "restartCount": 0, "state": {"running": {"startedAt": "x"}}})") ==
          ContainerInfo{.name = "app", .id = "0123456789ab", .running = true});
  }
  SUBCASE("it ended") {
    CHECK(container(R"({"name": "app", "containerID": "cri-o://aa", "restartCount": 1,
                        "state": {"terminated": {"exitCode": 3, "reason": "Error"}},
                        "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}})") ==
          ContainerInfo{.name = "app", .id = "aa", .restarts = 1, .exit_code = 3});
  }
  SUBCASE("killed for memory, waiting to be started again") {
    CHECK(container(R"({"name": "app", "restartCount": 2,
                        "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                        "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled",
                                                     "containerID": "containerd://bb"}}})") ==
          ContainerInfo{
              .name = "app", .id = "bb", .restarts = 2, .out_of_memory = true, .exit_code = 137});
  }
  SUBCASE("started again") {
    CHECK(container(R"({"name": "app", "restartCount": 3, "containerID": "containerd://cc",
                        "state": {"running": {}},
                        "lastState": {"terminated": {"exitCode": 1, "containerID": "x://bb"}}})") ==
          ContainerInfo{.name = "app", .id = "cc", .restarts = 3, .running = true, .exit_code = 1});
  }
}

TEST_CASE("a ReplicaSet as a witness") {
  const auto set = decode_replica_set(json::parse(R"({
    "metadata": {"namespace": "n", "name": "s", "uid": "u", "generation": 5,
      "labels": {"workerpool.dev/pool": "p"}},
    "spec": {"replicas": 4,
      "template": {"metadata": {"labels": {"workerpool.dev/state": "serving"}}}},
    "status": {"observedGeneration": 4, "replicas": 6, "fullyLabeledReplicas": 5,
      "readyReplicas": 3}})"));
  REQUIRE(set.has_value());
  CHECK(set->state == "serving");
  CHECK(set->generation == 5);
  CHECK(set->observed_generation == 4);
  CHECK(set->replicas == 4);
  CHECK(set->status_replicas == 6);
  CHECK(set->fully_labeled == 5);
  CHECK(set->ready_replicas == 3);
}

TEST_CASE("a version alone is no news of a pod") {
  PodInfo a, b;
  a.resource_version = "1";
  b.resource_version = "2";
  CHECK_FALSE(is_news(a, b));
  b.deletion_cost = 1;
  CHECK(is_news(a, b));
  CHECK(is_news(DeploymentInfo(), DeploymentInfo()));
}

TEST_CASE("malformed objects decode to little, and never throw") {
  for (const char* text :
       {"null", "[]", "5", "{}", R"({"metadata": 1})", R"({"metadata": {"name": "x"}})"}) {
    CHECK_FALSE(decode_deployment(json::parse(text)).has_value());
    CHECK_FALSE(decode_pod(json::parse(text)).has_value());
    CHECK_FALSE(decode_replica_set(json::parse(text)).has_value());
  }
  const json odd =
      json::parse(R"({"metadata": {"name": "x", "uid": "u", "labels": [], "ownerReferences": 3,
    "managedFields": {"a": 1}, "generation": "x"}, "spec": {"replicas": "many"},
    "status": {"conditions": {}, "containerStatuses": [1], "replicas": -3}})");
  json odder = odd;
  odder["spec"] = json::parse(R"({"nodeName": 3, "containers": [1, {"name": 2}, {"name": "a"}],
    "template": {"metadata": {"labels": "none"}}})");
  odder["status"]["containerStatuses"] = json::parse(
      R"([{"name": "a", "restartCount": "x", "containerID": 5, "state": {"terminated": 1}}])");
  CHECK(decode_pod(odder)->containers.size() == 3);
  CHECK(decode_replica_set(odder)->state.empty());
  CHECK(decode_deployment(odd)->replicas == 0);
  CHECK(decode_replica_set(odd)->status_replicas == 0);
  CHECK(decode_pod(odd)->waiting == "");
}

TEST_CASE("versions are numbers that grow") {
  CHECK(newer_version("10", "9"));
  CHECK_FALSE(newer_version("9", "10"));
  CHECK_FALSE(newer_version("9", "9"));
  CHECK_FALSE(newer_version("b", "a"));
  CHECK_FALSE(newer_version("", "1"));
}
