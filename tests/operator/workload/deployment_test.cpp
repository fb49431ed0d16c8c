#include "operator/workload/deployment.h"

#include <doctest/doctest.h>

#include "tests/operator/workload/pools.h"

using namespace wp;
using namespace wp::workload;
using nlohmann::json;
using wp::test::plain_pool;
using wp::test::pool_with_workers;

namespace {

const DeploymentOptions kOptions{.runner_image = "registry/runner:1"};

}  // namespace

TEST_CASE("the Deployment of a pool") {
  const json body = build_deployment(plain_pool(), kOptions, 3);
  CHECK(body.at("apiVersion") == "apps/v1");
  CHECK(body.at("kind") == "Deployment");
  const json& metadata = body.at("metadata");
  CHECK(metadata.at("name") == "thumbnails-worker");
  CHECK(metadata.at("namespace") == "media");
  CHECK(metadata.at("labels") == json({{"app.kubernetes.io/name", "workerpool-worker"},
                                       {"app.kubernetes.io/instance", "thumbnails"},
                                       {"app.kubernetes.io/managed-by", "workerpool-operator"},
                                       {"app.kubernetes.io/part-of", "workerpool"},
                                       {"workerpool.dev/pool", "thumbnails"}}));
  CHECK(metadata.at("ownerReferences") == json::parse(R"([{
    "apiVersion": "workerpool.dev/v1alpha1", "kind": "WorkerPool", "name": "thumbnails",
    "uid": "u-1", "controller": true, "blockOwnerDeletion": true}])"));
  CHECK(metadata.at("annotations").at("workerpool.dev/runner-image") == "registry/runner:1");
  CHECK(metadata.at("annotations").at("workerpool.dev/template-hash") == template_hash(body));
  const json& spec = body.at("spec");
  CHECK(spec.at("replicas") == 3);
  // The state label is never part of the selector.
  CHECK(spec.at("selector") ==
        json::parse(R"({"matchLabels": {"workerpool.dev/pool": "thumbnails"}})"));
  CHECK(spec.at("strategy") == json::parse(R"({"type": "RollingUpdate",
    "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": 0}})"));
}

TEST_CASE("later applies leave the replicas alone") {
  CHECK_FALSE(build_deployment(plain_pool(), kOptions).at("spec").contains("replicas"));
}

TEST_CASE("the hash tells templates apart, and nothing else") {
  const std::string hash = applied_hash(build_deployment(plain_pool(), kOptions));
  CHECK(hash.size() == 16);
  CHECK(applied_hash(build_deployment(plain_pool(), kOptions)) == hash);
  CHECK(applied_hash(build_deployment(plain_pool(), kOptions, 7)) == hash);
  CHECK(applied_hash(build_deployment(plain_pool(), {.runner_image = "registry/runner:2"})) !=
        hash);

  pool::Pool other = plain_pool();
  other.meta.generation = 9;
  other.meta.resource_version = "77";
  other.spec.scaling.max_replicas = 99;
  CHECK(applied_hash(build_deployment(other, kOptions)) == hash);
  other.spec.workers.concurrency = 2;
  CHECK(applied_hash(build_deployment(other, kOptions)) != hash);
}

TEST_CASE("the hash of the smallest pool, so that an accidental change of the template shows") {
  // It changes when what the operator adds to a template does: that rolls every worker of every
  // user at the next upgrade. Change it knowingly.
  CHECK(applied_hash(build_deployment(plain_pool(), kOptions)) == "7dc81e70c3931637");
}

TEST_CASE("without a handler no runner image is pinned") {
  const json body = build_deployment(
      pool_with_workers("{template: {spec: {containers: [{name: a}]}}}"), {.runner_image = ""});
  CHECK_FALSE(body.at("metadata").at("annotations").contains("workerpool.dev/runner-image"));
}
