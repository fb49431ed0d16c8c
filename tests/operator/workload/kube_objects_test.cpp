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
    "status": {"observedGeneration": 3, "replicas": 4, "updatedReplicas": 2}})"));
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
  CHECK(info->replicas_owners.size() == 2);
  CHECK(owns_replicas(*info, "workerpool-scaler"));
  CHECK_FALSE(owns_replicas(*info, "workerpool-operator"));
  CHECK_FALSE(owns_replicas(*info, "kubectl"));
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
