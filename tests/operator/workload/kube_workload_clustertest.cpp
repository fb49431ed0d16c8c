// The Deployment workload against a real control plane: who owns what, and who wins.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>
#include <iostream>
#include <optional>

#include "base/log.h"
#include "base/stop_signals.h"
#include "operator/workload/kube_workload.h"
#include "tests/operator/workload/cluster_fixture.h"
#include "tests/support/wait.h"

using namespace wp;
using namespace wp::workload;
using nlohmann::json;
using test::ClusterFixture;
using test::eventually;
using test::workers_with_image;

namespace {

using Kind = WorkloadError::Kind;

struct Refusal {
  Kind kind;
  std::string message;
};

// How the call was refused; a failed test when it was not.
template <typename Call>
Refusal refused(Call call) {
  try {
    call();
  } catch (const WorkloadError& error) {
    return {error.kind(), error.what()};
  }
  FAIL("it was accepted");
  return {Kind::retry, ""};
}

std::string image_of(const json& deployment) {
  return deployment.at("spec").at("template").at("spec").at("containers").at(0).at("image");
}

bool scaler_is_the_only_owner(const json& deployment) {
  const auto info = decode_deployment(deployment);
  return info && info->replicas_owners.size() == 1 && owns_replicas(*info, kScalerManager);
}

// Who wrote what but the status, and when.
json writes_of_spec(const json& deployment) {
  json writes = json::array();
  for (const json& entry : deployment.at("metadata").at("managedFields")) {
    if (entry.value("subresource", "") != "status") writes.push_back(entry);
  }
  return writes;
}

// As the controller does: what was read may be out of date by then, and is read anew.
void ensure_until_done(KubeWorkload& workload, const pool::Pool& pool, int replicas) {
  const bool done = eventually([&] {
    try {
      workload.ensure(pool, replicas);
      return true;
    } catch (const WorkloadError& error) {
      CHECK(error.kind() == Kind::conflict);
      return false;
    }
  });
  CHECK(done);
}

// Scales as the controller does: a version that lags behind is a conflict, and decided anew.
void scale_until_done(KubeWorkload& workload, const pool::Pool& pool, int replicas) {
  const bool done = eventually([&] {
    try {
      workload.scale(pool, replicas, {});
      return true;
    } catch (const WorkloadError& error) {
      CHECK(error.kind() == Kind::conflict);
      return false;
    }
  });
  CHECK(done);
}

}  // namespace

TEST_CASE("a Deployment is created with its replicas, and seen at once") {
  ClusterFixture cluster;
  auto workload = cluster.make_workload();
  const pool::Pool pool = cluster.put_pool(workers_with_image("app:1"));
  CHECK_FALSE(workload->observe(pool).known);
  workload->ensure(pool, 3);
  const View first = workload->observe(pool);
  CHECK(first.known);
  CHECK(first.replicas == 3);
  CHECK(first.selector == "workerpool.dev/pool=web");
  CHECK(cluster.replicas() == 3);
  CHECK(owns_replicas(*decode_deployment(cluster.deployment()), kScalerManager));
  CHECK(eventually([&] {
    const View view = workload->observe(pool);
    return view.existing() == 3 && !view.rolling && view.pods[0].waiting == "Unschedulable";
  }));
  CHECK(workload->observe(pool).ready() == 0);
  CHECK(cluster.changes > 3);

  const json before = writes_of_spec(cluster.deployment());
  workload->ensure(pool, 9);
  const bool unwritten = writes_of_spec(cluster.deployment()) == before;
  CHECK(unwritten);
}

TEST_CASE("an apply of another template keeps the replicas") {
  ClusterFixture cluster;
  auto workload = cluster.make_workload();
  workload->ensure(cluster.put_pool(workers_with_image("app:1")), 2);
  const pool::Pool pool = cluster.put_pool(workers_with_image("app:2"));
  scale_until_done(*workload, pool, 4);
  CHECK(workload->observe(pool).replicas == 4);
  CHECK(scaler_is_the_only_owner(cluster.deployment()));
  workload->ensure(pool, 9);
  CHECK(image_of(cluster.deployment()) == "app:2");
  CHECK(cluster.replicas() == 4);
  // Until it is known to be a rollout it keeps the number by a witness that is not current.
  const auto held = [](const View& view) { return view.rolling || !view.witness->current; };
  CHECK(held(workload->observe(pool)));
  CHECK(eventually([&] {
    const View view = workload->observe(pool);
    CHECK(held(view));
    return view.rolling;
  }));
  CHECK(workload->observe(pool).replicas == 4);
}

TEST_CASE("a Deployment that was created at zero takes another template, and stays at zero") {
  ClusterFixture cluster;
  auto workload = cluster.make_workload();
  workload->ensure(cluster.put_pool(workers_with_image("app:1")), 0);
  const pool::Pool pool = cluster.put_pool(workers_with_image("app:2"));
  ensure_until_done(*workload, pool, 9);
  CHECK(image_of(cluster.deployment()) == "app:2");
  CHECK(cluster.replicas() == 0);
  scale_until_done(*workload, pool, 2);
  CHECK(cluster.replicas() == 2);
}

TEST_CASE("scaling down, and to zero") {
  ClusterFixture cluster;
  auto workload = cluster.make_workload();
  const pool::Pool pool = cluster.put_pool(workers_with_image("app:1"));
  workload->ensure(pool, 3);
  scale_until_done(*workload, pool, 1);
  CHECK(eventually([&] { return workload->observe(pool).existing() == 1; }));
  scale_until_done(*workload, pool, 0);
  CHECK(workload->observe(pool).replicas == 0);
  CHECK(eventually([&] { return workload->observe(pool).existing() == 0; }));
}

TEST_CASE("a creation that ended halfway: the replicas survive the next apply") {
  ClusterFixture cluster;
  const pool::Pool pool = cluster.put_pool(workers_with_image("app:1"));
  DeploymentApi(cluster.client).create(build_deployment(pool, {.runner_image = "runner:1"}, 6));
  auto workload = cluster.make_workload();
  ensure_until_done(*workload, cluster.put_pool(workers_with_image("app:2")), 9);
  CHECK(image_of(cluster.deployment()) == "app:2");
  CHECK(cluster.replicas() == 6);
  CHECK(scaler_is_the_only_owner(cluster.deployment()));
}

TEST_CASE("a Deployment of someone else is never written") {
  ClusterFixture cluster;
  const pool::Pool pool = cluster.put_pool(workers_with_image("app:1"));
  json foreign = build_deployment(pool, {.runner_image = "runner:1"}, 1);
  foreign["metadata"].erase("ownerReferences");
  SUBCASE("with our label") {}
  SUBCASE("without it") {
    foreign["metadata"].erase("labels");
  }
  cluster.client.create("/apis/apps/v1/namespaces/" + cluster.ns + "/deployments", foreign);
  auto workload = cluster.make_workload();
  CHECK(refused([&] { workload->ensure(pool, 5); }).kind == Kind::name_conflict);
  CHECK(refused([&] { workload->scale(pool, 5, {}); }).kind == Kind::conflict);
  CHECK_FALSE(workload->observe(pool).known);
  CHECK(cluster.deployment().at("metadata").at("generation") == 1);
}

TEST_CASE("replicas that someone else set are taken back") {
  ClusterFixture cluster;
  auto workload = cluster.make_workload();
  const pool::Pool pool = cluster.put_pool(workers_with_image("app:1"));
  workload->ensure(pool, 2);
  cluster.scale_as_someone_else(7);
  CHECK(eventually([&] { return workload->observe(pool).replicas == 7; }));
  SUBCASE("at once") {}
  SUBCASE("after an apply, which leaves them") {
    ensure_until_done(*workload, cluster.put_pool(workers_with_image("app:2")), 9);
    CHECK(cluster.replicas() == 7);
  }
  scale_until_done(*workload, pool, 3);
  CHECK(cluster.replicas() == 3);
  CHECK(scaler_is_the_only_owner(cluster.deployment()));
}

TEST_CASE("a template that someone else changed is put right") {
  ClusterFixture cluster;
  auto workload = cluster.make_workload();
  const pool::Pool pool = cluster.put_pool(workers_with_image("app:1"));
  workload->ensure(pool, 2);
  scale_until_done(*workload, pool, 3);
  cluster.patch_deployment(
      {{"spec", {{"template", {{"metadata", {{"labels", {{"workerpool.dev/state", "odd"}}}}}}}}}});
  CHECK(eventually([&] {
    workload->ensure(pool, 9);
    return cluster.deployment()
               .at("spec")
               .at("template")
               .at("metadata")
               .at("labels")
               .at("workerpool.dev/state") == "serving";
  }));
  CHECK(cluster.replicas() == 3);
  CHECK(workload->observe(pool).known);
}

TEST_CASE("a Deployment that lost its label is found and labelled again") {
  ClusterFixture cluster;
  auto workload = cluster.make_workload();
  const pool::Pool pool = cluster.put_pool(workers_with_image("app:1"));
  workload->ensure(pool, 2);
  cluster.patch_deployment({{"metadata", {{"labels", {{"workerpool.dev/pool", nullptr}}}}}});
  CHECK(eventually([&] {
    workload->ensure(pool, 9);
    return cluster.deployment().at("metadata").at("labels").contains("workerpool.dev/pool");
  }));
  CHECK(cluster.replicas() == 2);
}

TEST_CASE("a write on an old version is a conflict") {
  ClusterFixture cluster;
  // Without its watches it knows what it wrote last, and no more.
  auto workload = cluster.make_workload({.started = false});
  const pool::Pool pool = cluster.put_pool(workers_with_image("app:1"));
  workload->ensure(pool, 2);
  cluster.patch_deployment({{"metadata", {{"annotations", {{"someone", "else"}}}}}});
  CHECK(refused([&] { workload->scale(pool, 5, {}); }).kind == Kind::conflict);
  CHECK(cluster.replicas() == 2);
}

TEST_CASE("a template that cannot be accepted is refused once, and the last good one stays") {
  ClusterFixture cluster;
  auto workload = cluster.make_workload();
  workload->ensure(cluster.put_pool(workers_with_image("app:1")), 2);
  for (const char* workers :
       {"{template: {spec: {containers: [{name: app, image: a, ports: [{containerPort: x}]}]}}}",
        "{template: {spec: {containers: [{name: app, image: a, imige: b}]}}}",
        "{template: {spec: {containers: [{name: app}]}}}",
        "{template: {spec: {containers: [{name: app, image: a, resources: {limits: {memory: "
        "lots}}}]}}}",
        "{template: {spec: {containers: [{name: app, image: a}], restartPolicy: Never}}}",
        "{template: {spec: {containers: [{name: app, image: a, env: [{name: A}, {name: A}]}]}}}"}) {
    CAPTURE(workers);
    const pool::Pool pool = cluster.put_pool(workers);
    const Refusal first = refused([&] { workload->ensure(pool, 2); });
    CAPTURE(first.message);
    CHECK(first.kind == Kind::rejected);
    CHECK(refused([&] { workload->ensure(pool, 2); }).message == first.message);
    CHECK(image_of(cluster.deployment()) == "app:1");
  }
  workload->ensure(cluster.put_pool(workers_with_image("app:2")), 2);
  CHECK(image_of(cluster.deployment()) == "app:2");
}

TEST_CASE("a new pool with a template that cannot be accepted") {
  ClusterFixture cluster;
  auto workload = cluster.make_workload();
  const pool::Pool pool =
      cluster.put_pool("{template: {spec: {containers: [{name: app, image: a, imige: b}]}}}");
  CHECK(refused([&] { workload->ensure(pool, 2); }).kind == Kind::rejected);
  CHECK(cluster.deployment().is_null());
}

TEST_CASE("what no generation tells is put right from time to time") {
  ClusterFixture cluster;
  auto workload = cluster.make_workload({.reapply_after = Millis{1}});
  const pool::Pool pool = cluster.put_pool(workers_with_image("app:1"));
  workload->ensure(pool, 2);
  cluster.patch_deployment({{"metadata", {{"labels", {{"app.kubernetes.io/name", "odd"}}}}}});
  CHECK(eventually([&] {
    workload->ensure(pool, 9);
    return cluster.deployment().at("metadata").at("labels").at("app.kubernetes.io/name") ==
           "workerpool-worker";
  }));
  CHECK(cluster.replicas() == 2);
}

TEST_CASE("a namespace that enforces the restricted profile takes the injected pods") {
  ClusterFixture cluster;
  cluster.client.patch(
      "/api/v1/namespaces/" + cluster.ns, kube::PatchType::merge,
      {{"metadata", {{"labels", {{"pod-security.kubernetes.io/enforce", "restricted"}}}}}});
  auto workload = cluster.make_workload();
  const pool::Pool pool = cluster.put_pool(workers_with_image("app:1"));
  workload->ensure(pool, 2);
  CHECK(eventually([&] { return workload->observe(pool).existing() == 2; }));
}

TEST_CASE("an upgrade of the operator moves no runner image") {
  ClusterFixture cluster;
  const pool::Pool pool = cluster.put_pool(workers_with_image("app:1"));
  cluster.make_workload()->ensure(pool, 1);
  cluster.make_workload({.runner_image = "runner:2"})->ensure(pool, 1);
  CHECK(cluster.deployment().at("metadata").at("generation") == 1);
  CHECK(cluster.deployment().at("metadata").at("annotations").at("workerpool.dev/runner-image") ==
        "runner:1");
}

TEST_CASE("a Deployment that someone deleted is created again") {
  ClusterFixture cluster;
  auto workload = cluster.make_workload();
  const pool::Pool pool = cluster.put_pool(workers_with_image("app:1"));
  workload->ensure(pool, 2);
  const std::string uid = cluster.deployment().at("metadata").at("uid");
  cluster.client.remove("/apis/apps/v1/namespaces/" + cluster.ns + "/deployments/web-worker");
  CHECK(eventually([&] { return !workload->observe(pool).known; }));
  workload->ensure(pool, 3);
  CHECK(workload->observe(pool).replicas == 3);
  CHECK(cluster.deployment().at("metadata").at("uid") != uid);
}

TEST_CASE("an apply never creates, and never touches a namesake") {
  ClusterFixture cluster;
  const pool::Pool pool = cluster.put_pool(workers_with_image("app:1"));
  const json body = build_deployment(pool, {.runner_image = "runner:1"});
  DeploymentApi api(cluster.client);
  const auto kind = [&] {
    try {
      api.apply(body, "00000000-0000-0000-0000-000000000000");
    } catch (const kube::KubeError& error) {
      return to_workload_error(error, "test").kind();
    }
    FAIL("it was accepted");
    return Kind::retry;
  };
  CHECK(kind() == Kind::conflict);
  CHECK(cluster.deployment().is_null());
  api.create(build_deployment(pool, {.runner_image = "runner:1"}, 1));
  CHECK(kind() == Kind::conflict);
}

TEST_CASE("the Deployment goes with its pool, and comes back with a new one of that name") {
  ClusterFixture cluster;
  auto workload = cluster.make_workload();
  pool::Pool pool = cluster.put_pool(workers_with_image("app:1"));
  workload->ensure(pool, 2);
  cluster.delete_pool();
  const pool::Pool again = cluster.put_pool(workers_with_image("app:1"));
  CHECK(again.meta.uid != pool.meta.uid);
  std::optional<Kind> last;
  CHECK(eventually(
      [&] {
        try {
          workload->ensure(again, 4);
          return true;
        } catch (const WorkloadError& error) {
          CHECK(error.kind() != Kind::name_conflict);  // nothing for the user to do
          CHECK(error.kind() != Kind::rejected);
          return false;
        }
      },
      Millis{60000}));
  CHECK(workload->observe(again).replicas == 4);

  cluster.delete_pool();
  CHECK(eventually([&] { return cluster.deployment().is_null(); }, Millis{60000}));
  CHECK(eventually([&] { return !workload->observe(again).known; }));
  pool.meta.deleting = true;
  CHECK(refused([&] { workload->ensure(pool, 1); }).kind == Kind::gone);
  CHECK(refused([&] { workload->scale(pool, 1, {}); }).kind == Kind::gone);
}

TEST_CASE("a namespace that goes, or is gone, ends it quietly") {
  ClusterFixture cluster;
  auto workload = cluster.make_workload({.started = false});
  pool::Pool pool = cluster.put_pool(workers_with_image("app:1"));
  // Held by a finalizer, so that it stays terminating.
  json config_map = {{"apiVersion", "v1"},
                     {"kind", "ConfigMap"},
                     {"metadata", {{"name", "hold"}, {"finalizers", {"workerpool.dev/test"}}}}};
  const std::string maps = "/api/v1/namespaces/" + cluster.ns + "/configmaps";
  cluster.client.create(maps, config_map);
  cluster.client.remove("/api/v1/namespaces/" + cluster.ns);
  CHECK(refused([&] { workload->ensure(pool, 1); }).kind == Kind::gone);
  cluster.client.patch(maps + "/hold", kube::PatchType::merge,
                       {{"metadata", {{"finalizers", nullptr}}}});
  pool.meta.ns = "no-such-namespace";
  CHECK(refused([&] { workload->ensure(pool, 1); }).kind == Kind::gone);
}

int main(int argc, char** argv) {
  if (!test::have_cluster()) {
    std::cerr << "skipped: no control plane; eval \"$(tests/cluster/up)\" starts one\n";
    return 77;
  }
  ignore_sigpipe();
  log::set_level(log::Level::error);
  return doctest::Context(argc, argv).run();
}
