#include "operator/workload/deployment_view.h"

#include <doctest/doctest.h>

using namespace wp;
using namespace wp::workload;

namespace {

struct Fixture {
  DeploymentInfo deployment;
  std::vector<ReplicaSetInfo> sets;
  std::vector<PodInfo> pods;

  Fixture() {
    deployment.generation = deployment.observed_generation = 4;
    deployment.replicas = deployment.status_replicas = deployment.updated_replicas = 5;
    add_set(5);
  }
  void add_set(int replicas) {
    ReplicaSetInfo set;
    set.state = "serving";
    set.generation = set.observed_generation = 2;
    set.replicas = set.status_replicas = set.fully_labeled = replicas;
    sets.push_back(set);
  }
  View view(const std::optional<std::string>& container = std::nullopt) const {
    DeploymentObjects objects;
    objects.deployment = std::make_shared<const DeploymentInfo>(deployment);
    for (const auto& set : sets) {
      objects.sets.push_back(std::make_shared<const ReplicaSetInfo>(set));
    }
    for (const auto& pod : pods) objects.pods.push_back(std::make_shared<const PodInfo>(pod));
    return view_of(objects, container);
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "the witness counts as the ReplicaSet does") {
  sets[0].fully_labeled = 3;
  sets[0].ready_replicas = 4;
  const auto witness = view().witness;
  REQUIRE(witness.has_value());
  CHECK(witness->current);
  CHECK(witness->existing == 5);
  CHECK(witness->marked == 2);
  CHECK(witness->ready == 4);
  CHECK_FALSE(view().rolling);
}

TEST_CASE_FIXTURE(Fixture, "a set that was scaled to zero long ago is no witness") {
  add_set(0);
  sets[1].state.clear();
  sets[1].fully_labeled = 0;
  REQUIRE(view().witness.has_value());
  CHECK(view().witness->current);
  CHECK(view().witness->existing == 5);
  CHECK_FALSE(view().rolling);
}

TEST_CASE_FIXTURE(Fixture, "a witness of an older declaration is not current") {
  SUBCASE("the Deployment was not looked at") {
    deployment.generation = 5;
    CHECK(view().rolling);
  }
  SUBCASE("the ReplicaSet was not looked at") {
    sets[0].generation = 3;
    CHECK_FALSE(view().rolling);
  }
  SUBCASE("the ReplicaSet's change is not seen, the Deployment's is") {
    deployment.replicas = 4;
  }
  SUBCASE("two sets have pods") {
    add_set(2);
    deployment.replicas = 7;
    CHECK(view().rolling);
  }
  SUBCASE("one goes, its pods still exist") {
    add_set(2);
    sets[1].replicas = 0;
    CHECK(view().rolling);
  }
  REQUIRE(view().witness.has_value());
  CHECK_FALSE(view().witness->current);
}

TEST_CASE_FIXTURE(Fixture, "without the label in the template there is no witness") {
  SUBCASE("none") {
    sets[0].state.clear();
  }
  SUBCASE("it says retiring itself, so a mark changes nothing") {
    sets[0].state = "retiring";
  }
  CHECK_FALSE(view().witness.has_value());
}

TEST_CASE_FIXTURE(Fixture, "nothing is asked for and nothing exists: a witness of nothing") {
  sets.clear();
  deployment.replicas = 0;
  REQUIRE(view().witness.has_value());
  CHECK(view().witness->current);
  CHECK(view().witness->existing == 0);
  deployment.replicas = 3;  // and no ReplicaSet yet
  CHECK_FALSE(view().witness->current);
}

TEST_CASE_FIXTURE(Fixture, "a rollout without progress") {
  CHECK_FALSE(view().rollout_stuck);
  deployment.no_progress = true;
  CHECK(view().rollout_stuck);
  deployment.generation = 5;  // another template: it was said of the last one
  CHECK_FALSE(view().rollout_stuck);
}

TEST_CASE_FIXTURE(Fixture, "what one of its pods requests") {
  deployment.pod_request.cpu_millis = 500;
  REQUIRE(view().pod_request);
  CHECK(view().pod_request->cpu_millis == 500);
}

TEST_CASE_FIXTURE(Fixture, "a rollout that has not replaced all") {
  deployment.updated_replicas = 4;
  CHECK(view().rolling);
}

TEST_CASE_FIXTURE(Fixture, "a pod as a worker, with the container that works") {
  PodInfo pod;
  pod.name = "n";
  pod.uid = "u";
  pod.assigned = pod.running = pod.ready = pod.marked = true;
  pod.created = Millis{1};
  pod.ready_since = Millis{2};
  pod.deletion_cost = -7;
  pod.containers = {
      {.name = "log", .id = "c1", .restarts = 1, .running = true},
      {.name = "app", .id = "c2", .restarts = 2, .out_of_memory = true, .exit_code = 137}};
  pods = {pod};
  const WorkerPod first = view().pods.at(0);
  CHECK(first.container == "c1");
  CHECK(first.container_name == "log");
  CHECK(first.container_running);
  const WorkerPod worker = view("app").pods.at(0);
  CHECK(worker.name == "n");
  CHECK(worker.assigned);
  CHECK(worker.running);
  CHECK(worker.marked);
  CHECK(worker.outbid);
  CHECK(worker.deletion_cost == -7);
  CHECK(worker.created == Millis{1});
  CHECK(worker.ready_since == Millis{2});
  CHECK(worker.container == "c2");
  CHECK(worker.restarts == 2);
  CHECK_FALSE(worker.container_running);
  CHECK(worker.out_of_memory);
  CHECK(worker.exit_code == 137);
  CHECK(view("other").pods.at(0).container.empty());
}
