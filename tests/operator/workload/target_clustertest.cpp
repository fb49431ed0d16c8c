// Pools that scale a Deployment of somebody else's (workers.deploymentRef), against a real control
// plane.
#include <algorithm>
#include <doctest/doctest.h>
#include <map>
#include <optional>

#include "operator/workload/kube_workload.h"
#include "tests/operator/workload/cluster_fixture.h"
#include "tests/support/wait.h"

using namespace wp;
using namespace wp::workload;
using nlohmann::json;
using test::ClusterFixture;
using test::eventually;

namespace {

using Kind = WorkloadError::Kind;

constexpr const char* kWorkers = "{deploymentRef: {name: n8n}}";
constexpr const char* kState = "workerpool.dev/state";
constexpr const char* kCost = "controller.kubernetes.io/pod-deletion-cost";

// How the last try was refused; nothing when it was not.
template <typename Call>
std::optional<Kind> refusal(Call call) {
  try {
    call();
  } catch (const WorkloadError& error) {
    return error.kind();
  }
  return std::nullopt;
}

struct Fixture {
  Fixture() : workload(cluster.make_workload()) {}

  bool ensured(const pool::Pool& pool) {
    return eventually([&] { return !refusal([&] { workload->ensure(pool, 9); }); });
  }
  // With all its pods and the ReplicaSet behind them seen.
  bool sees(const pool::Pool& pool, int existing) {
    return eventually([&] {
      const View view = workload->observe(pool);
      return view.known && !view.rolling && view.replicas == existing &&
             view.existing() == existing;
    });
  }
  void scale(const pool::Pool& pool, int replicas) {
    CHECK(eventually([&] {
      const auto kind = refusal([&] { workload->scale(pool, replicas, {}); });
      CHECK((!kind || kind == Kind::conflict));
      return !kind;
    }));
  }

  std::ptrdiff_t marked(const pool::Pool& pool) {
    const View view = workload->observe(pool);
    return std::count_if(view.pods.begin(), view.pods.end(),
                         [](const WorkerPod& pod) { return pod.marked; });
  }
  // Its labels and annotations.
  json words_of(const std::string& pod) {
    const json metadata = cluster.pod(pod).at("metadata");
    return {metadata.value("labels", json::object()),
            metadata.value("annotations", json::object())};
  }

  ClusterFixture cluster;
  std::unique_ptr<KubeWorkload> workload;
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "somebody's Deployment is scaled, and nothing else of it is touched") {
  cluster.put_deployment("n8n", 2);
  const json before = cluster.deployment("n8n");
  const pool::Pool pool = cluster.put_pool(kWorkers);
  REQUIRE(ensured(pool));
  REQUIRE(sees(pool, 2));
  CHECK(cluster.deployment("n8n").at("metadata").at("generation") == 1);
  const View view = workload->observe(pool);
  CHECK(view.selector == "app=n8n,app in (n8n,another)");
  CHECK(view.grace_period == Millis{77000});
  REQUIRE(view.pod_request);
  CHECK(view.pod_request->cpu_millis == 250);
  CHECK_FALSE(view.witness.has_value());  // its template has no label

  // Its owner's number is no contest before we had one.
  scale(pool, 5);
  CHECK(workload->observe(pool).replicas == 5);
  REQUIRE(sees(pool, 5));
  CHECK(workload->observe(pool).foreign_scaler.empty());
  scale(pool, 1);
  REQUIRE(sees(pool, 1));
  const json after = cluster.deployment("n8n");
  CHECK(after.at("spec").at("template") == before.at("spec").at("template"));
  CHECK(after.at("metadata").value("labels", json()) ==
        before.at("metadata").value("labels", json()));
  CHECK_FALSE(after.at("metadata").contains("ownerReferences"));
  CHECK(owns_replicas(*decode_deployment(after), kScalerManager));
}

TEST_CASE_FIXTURE(Fixture, "the owner who sets the replicas again and again is left alone") {
  cluster.put_deployment("n8n", 2);
  const pool::Pool pool = cluster.put_pool(kWorkers);
  REQUIRE(ensured(pool));
  REQUIRE(sees(pool, 2));
  scale(pool, 1);
  for (const int theirs : {4, 5}) {
    cluster.scale_as_someone_else(theirs, "n8n");
    REQUIRE(eventually([&] { return workload->observe(pool).replicas == theirs; }));
    scale(pool, 1);
    CHECK(workload->observe(pool).foreign_scaler.empty());
  }
  cluster.scale_as_someone_else(6, "n8n");
  REQUIRE(eventually([&] { return workload->observe(pool).replicas == 6; }));
  // An old version is a conflict as well, and no contest.
  REQUIRE(eventually([&] {
    REQUIRE(refusal([&] { workload->scale(pool, 1, {}); }) == Kind::conflict);
    return workload->observe(pool).foreign_scaler == "kubectl";
  }));
  CHECK(cluster.deployment("n8n").at("spec").at("replicas") == 6);
}

TEST_CASE_FIXTURE(Fixture, "marks on pods whose template has no label, and away again") {
  cluster.put_deployment("n8n", 3);
  const pool::Pool pool = cluster.put_pool(kWorkers);
  REQUIRE(ensured(pool));
  REQUIRE(sees(pool, 3));
  const WorkerPod victim = workload->observe(pool).pods.at(1);
  const json before = cluster.pod(victim.name).at("metadata").at("labels");
  CHECK(workload->mark(pool, {victim.uid}) == 1);
  CHECK(workload->mark(pool, {victim.uid}) == 0);
  CHECK(eventually([&] { return workload->observe(pool).pods.at(1).marked; }));
  CHECK(workload->unmark(pool, {victim.uid}) == 1);
  CHECK(cluster.pod(victim.name).at("metadata").at("labels") == before);
  CHECK(eventually([&] { return !workload->observe(pool).pods.at(1).marked; }));

  CHECK(workload->mark(pool, {victim.uid}) == 1);
  REQUIRE(eventually([&] { return workload->observe(pool).pods.at(1).marked; }));
  scale(pool, 2);
  REQUIRE(sees(pool, 2));
  for (const WorkerPod& pod : workload->observe(pool).pods) CHECK(pod.uid != victim.uid);
}

TEST_CASE_FIXTURE(Fixture, "a pool that is deleted in mid-retirement leaves its target as it was") {
  json labels = json::object();
  SUBCASE("its template has the label") {
    labels = {{kState, "serving"}};
  }
  SUBCASE("it has none") {}
  cluster.put_deployment("n8n", 3, labels);
  const pool::Pool pool = cluster.put_pool(kWorkers);
  REQUIRE(ensured(pool));
  REQUIRE(sees(pool, 3));
  const std::vector<WorkerPod> pods = workload->observe(pool).pods;
  cluster.annotate_pod(pods.at(0).name, {{kCost, "42"}});
  REQUIRE(eventually([&] { return workload->observe(pool).pods.at(0).deletion_cost == 42; }));
  std::map<std::string, json> before;
  for (const WorkerPod& pod : pods) before[pod.name] = words_of(pod.name);
  CHECK(workload->mark(pool, {pods.at(0).uid, pods.at(1).uid}) == 2);
  REQUIRE(eventually([&] { return marked(pool) == 2; }));
  CHECK(words_of(pods.at(0).name) != before.at(pods.at(0).name));

  cluster.delete_pool();
  CHECK(eventually([&] { return !refusal([&] { workload->forget(pool.key()); }); }));
  for (const WorkerPod& pod : pods) CHECK(words_of(pod.name) == before.at(pod.name));
  CHECK_FALSE(workload->observe(pool).known);
  workload->forget(pool.key());  // once more is nothing
}

TEST_CASE_FIXTURE(Fixture, "a target is not left while a lowering of it may be on its way") {
  cluster.put_deployment("n8n", 3, {{kState, "serving"}});
  const pool::Pool pool = cluster.put_pool(kWorkers);
  REQUIRE(ensured(pool));
  REQUIRE(sees(pool, 3));
  const WorkerPod victim = workload->observe(pool).pods.at(1);
  CHECK(workload->mark(pool, {victim.uid}) == 1);
  REQUIRE(eventually([&] {
    const auto witness = workload->observe(pool).witness;
    return witness && witness->current && witness->marked == 1;
  }));
  scale(pool, 2);
  // Whatever the controllers have done by now: the mark is on whom they take, or they have.
  CHECK(eventually([&] { return !refusal([&] { workload->forget(pool.key()); }); }));
  REQUIRE(ensured(pool));
  REQUIRE(sees(pool, 2));
  for (const WorkerPod& pod : workload->observe(pool).pods) CHECK(pod.uid != victim.uid);
}

TEST_CASE_FIXTURE(Fixture, "with the label in its template the marks are confirmed") {
  cluster.put_deployment("n8n", 3, {{kState, "serving"}});
  const pool::Pool pool = cluster.put_pool(kWorkers);
  REQUIRE(ensured(pool));
  REQUIRE(sees(pool, 3));
  const auto confirmed = [&](int marked) {
    const auto witness = workload->observe(pool).witness;
    return witness && witness->current && witness->marked == marked && witness->existing == 3;
  };
  REQUIRE(eventually([&] { return confirmed(0); }));
  const std::string uid = workload->observe(pool).pods.at(0).uid;
  CHECK(workload->mark(pool, {uid}) == 1);
  CHECK(workload->observe(pool).pods.at(0).marked);
  CHECK(eventually([&] { return confirmed(1); }));
  CHECK(workload->unmark(pool, {uid}) == 1);
  CHECK(eventually([&] { return confirmed(0); }));
}

TEST_CASE_FIXTURE(Fixture, "a target that does not exist, comes, and goes") {
  const pool::Pool pool = cluster.put_pool(kWorkers);
  CHECK(refusal([&] { workload->ensure(pool, 1); }) == Kind::target_missing);
  CHECK_FALSE(workload->observe(pool).known);
  CHECK(refusal([&] { workload->scale(pool, 1, {}); }) == Kind::conflict);
  const int changes_before = cluster.changes;
  cluster.put_deployment("n8n", 1);
  CHECK(eventually([&] { return cluster.changes > changes_before; }));
  REQUIRE(ensured(pool));
  REQUIRE(sees(pool, 1));
  const std::string path = "/apis/apps/v1/namespaces/" + cluster.ns + "/deployments/n8n";
  cluster.client.remove(path);
  CHECK(eventually([&] { return !workload->observe(pool).known; }));
  CHECK(refusal([&] { workload->ensure(pool, 1); }) == Kind::target_missing);

  // Another one of this name, with another selector.
  json other = {{"apiVersion", "apps/v1"},
                {"kind", "Deployment"},
                {"metadata", {{"name", "n8n"}}},
                {"spec",
                 {{"replicas", 2},
                  {"selector", {{"matchLabels", {{"role", "worker"}}}}},
                  {"template",
                   {{"metadata", {{"labels", {{"role", "worker"}}}}},
                    {"spec", {{"containers", {{{"name", "app"}, {"image", "app:1"}}}}}}}}}}};
  cluster.client.create("/apis/apps/v1/namespaces/" + cluster.ns + "/deployments", other);
  REQUIRE(ensured(pool));
  REQUIRE(sees(pool, 2));
  CHECK(workload->observe(pool).selector == "role=worker");
}

TEST_CASE_FIXTURE(Fixture, "of two pools that name one Deployment the older one has it") {
  cluster.put_deployment("n8n", 1);
  const pool::Pool older = cluster.put_pool(kWorkers, "web");
  pool::Pool newer = cluster.put_pool(kWorkers, "other");
  newer.meta.created = "2999-01-01T00:00:00Z";
  REQUIRE(ensured(newer));
  REQUIRE(ensured(older));
  CHECK(refusal([&] { workload->ensure(newer, 1); }) == Kind::target_conflict);
  CHECK_FALSE(workload->observe(newer).known);
  CHECK(refusal([&] { workload->scale(newer, 3, {}); }) == Kind::conflict);
  REQUIRE(sees(older, 1));
  workload->forget(older.key());
  REQUIRE(ensured(newer));
  REQUIRE(sees(newer, 1));
}

TEST_CASE_FIXTURE(Fixture, "a Deployment that another pool owns is not to be named") {
  const pool::Pool owner = cluster.put_pool(test::workers_with_image("app:1"), "owner");
  workload->ensure(owner, 1);
  const pool::Pool pool = cluster.put_pool("{deploymentRef: {name: owner-worker}}");
  CHECK(refusal([&] { workload->ensure(pool, 1); }) == Kind::target_conflict);
  CHECK_FALSE(workload->observe(pool).known);
  CHECK(refusal([&] { workload->scale(pool, 3, {}); }) == Kind::conflict);
}
