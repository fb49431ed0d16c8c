// Marks, their witness and what happens to single pods, against a real control plane whose pods
// stay Pending for want of a node: the ReplicaSet controller sorts them by the same rules.
#include <algorithm>
#include <doctest/doctest.h>

#include "operator/workload/kube_workload.h"
#include "tests/operator/workload/cluster_fixture.h"
#include "tests/support/set_clock.h"
#include "tests/support/wait.h"

using namespace wp;
using namespace wp::workload;
using nlohmann::json;
using test::ClusterFixture;
using test::eventually;
using test::SetClock;
using test::workers_with_image;

namespace {

using Kind = WorkloadError::Kind;

constexpr const char* kState = "workerpool.dev/state";
constexpr const char* kCost = "controller.kubernetes.io/pod-deletion-cost";

// A pool with so many pods, all of them seen.
struct Subject {
  explicit Subject(int replicas, ClusterFixture::Choice choice = {})
      : workload(cluster.make_workload(choice)),
        pool(cluster.put_pool(workers_with_image("app:1"))) {
    workload->ensure(pool, replicas);
    REQUIRE(eventually([&] { return confirmed(0) && see().existing() == replicas; }));
  }
  View see() const { return workload->observe(pool); }
  bool confirmed(int marked) const {
    const View view = see();
    return view.witness && view.witness->current && view.witness->marked == marked &&
           view.witness->existing == view.replicas;
  }
  std::vector<std::string> uids(std::size_t count) const {
    std::vector<std::string> made;
    for (const WorkerPod& pod : see().pods) made.push_back(pod.uid);
    made.resize(count);
    return made;
  }
  WorkerPod pod(const std::string& uid) const {
    for (const WorkerPod& pod : see().pods) {
      if (pod.uid == uid) return pod;
    }
    FAIL("no such pod");
    return {};
  }
  Kind scale(int replicas) {
    try {
      workload->scale(pool, replicas, {});
    } catch (const WorkloadError& error) {
      return error.kind();
    }
    return Kind::gone;  // which scale() never answers here: done
  }
  void scale_until_done(int replicas) {
    CHECK(eventually([&] { return scale(replicas) == Kind::gone; }));
  }

  ClusterFixture cluster;
  std::unique_ptr<KubeWorkload> workload;
  pool::Pool pool;
};

}  // namespace

TEST_CASE("marks are confirmed by the ReplicaSet, and exactly the marked pods go") {
  Subject subject(6);
  const std::vector<std::string> victims = subject.uids(2);
  CHECK(subject.workload->mark(subject.pool, victims) == 2);
  // Our own writes are seen at once, and cost nothing a second time.
  CHECK(subject.pod(victims[0]).marked);
  CHECK(subject.pod(victims[1]).deletion_cost == kMarkedCost);
  CHECK(subject.workload->mark(subject.pool, victims) == 0);
  CHECK(eventually([&] { return subject.confirmed(2); }));
  CHECK(subject.workload->mark(subject.pool, victims) == 0);

  subject.scale_until_done(4);
  CHECK_FALSE(subject.confirmed(0));  // the old count speaks of the old number
  CHECK(eventually([&] { return subject.confirmed(0) && subject.see().existing() == 4; }));
  for (const WorkerPod& pod : subject.see().pods) {
    CHECK_FALSE(pod.marked);
    CHECK(std::find(victims.begin(), victims.end(), pod.uid) == victims.end());
  }
}

TEST_CASE("a mark that is taken away leaves the pod as it was") {
  Subject subject(3);
  const std::vector<std::string> victims = subject.uids(1);
  const std::string name = subject.pod(victims[0]).name;
  const json before = subject.cluster.pod(name).at("metadata");
  CHECK(subject.workload->unmark(subject.pool, victims) == 0);
  subject.workload->mark(subject.pool, victims);
  REQUIRE(eventually([&] { return subject.confirmed(1); }));
  CHECK(subject.cluster.pod(name).at("metadata").at("labels").at(kState) == "retiring");
  CHECK(subject.cluster.pod(name).at("metadata").at("annotations").at(kCost) == "-2147483647");

  CHECK(subject.workload->unmark(subject.pool, victims) == 1);
  CHECK_FALSE(subject.pod(victims[0]).marked);
  CHECK(subject.workload->unmark(subject.pool, victims) == 0);
  CHECK(eventually([&] { return subject.confirmed(0); }));
  const json after = subject.cluster.pod(name).at("metadata");
  CHECK(after.at("labels") == before.at("labels"));
  CHECK(after.value("annotations", json::object()).empty());
}

TEST_CASE("a namesake with another uid is not marked, and not deleted") {
  Subject subject(1);
  PodInfo other;
  other.ns = subject.cluster.ns;
  other.name = subject.see().pods.at(0).name;
  other.uid = "00000000-0000-0000-0000-000000000000";
  PodMarks marks(subject.cluster.client, system_clock());
  CHECK(marks.mark({std::make_shared<const PodInfo>(other)}) == 0);
  CHECK(subject.cluster.pod(other.name).at("metadata").at("labels").at(kState) == "serving");
  try {
    marks.remove(other);
    FAIL("it was accepted");
  } catch (const WorkloadError& error) {
    CHECK(error.kind() == Kind::conflict);
  }
  CHECK_FALSE(subject.cluster.pod(other.name).at("metadata").contains("deletionTimestamp"));
  other.name = "no-such-pod";
  CHECK(marks.mark({std::make_shared<const PodInfo>(other)}) == 0);
  marks.remove(other);
  // Nobody of this uid in the pool: nothing to do either.
  CHECK(subject.workload->mark(subject.pool, {other.uid}) == 0);
  subject.workload->remove(subject.pool, other.uid);
}

TEST_CASE("a pod that is deleted is replaced") {
  Subject subject(2);
  const std::vector<std::string> before = subject.uids(2);
  subject.workload->remove(subject.pool, before[0]);
  CHECK(eventually([&] {
    const View view = subject.see();
    return view.existing() == 2 &&
           std::none_of(view.pods.begin(), view.pods.end(),
                        [&](const WorkerPod& pod) { return pod.uid == before[0]; });
  }));
  CHECK(subject.pod(before[1]).uid == before[1]);
  subject.workload->remove(subject.pool, before[0]);  // gone already
}

TEST_CASE("many marks are a matter of one call") {
  Subject subject(40);
  const std::vector<std::string> victims = subject.uids(30);
  CHECK(subject.workload->mark(subject.pool, victims) == 30);
  CHECK(eventually([&] { return subject.confirmed(30); }));
  CHECK(subject.workload->unmark(subject.pool, victims) == 30);
  CHECK(eventually([&] { return subject.confirmed(0); }));
}

TEST_CASE("from a mark to its witness") {
  Subject subject(10);
  const std::vector<std::string> victim = subject.uids(1);
  std::vector<double> waits;
  for (int i = 0; i < 10; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    subject.workload->mark(subject.pool, victim);
    REQUIRE(eventually([&] { return subject.confirmed(1); }, Millis{60000}, Millis{1}));
    waits.push_back(
        std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin)
            .count());
    subject.workload->unmark(subject.pool, victim);
    REQUIRE(eventually([&] { return subject.confirmed(0); }));
  }
  std::sort(waits.begin(), waits.end());
  MESSAGE("ms from mark() to its witness: median " << waits[5] << ", least " << waits.front()
                                                   << ", most " << waits.back());
}

TEST_CASE("someone who sets the replicas for the third time is left alone for a minute") {
  SetClock clock;
  Subject subject(2, {.clock = &clock});
  for (const int theirs : {7, 8}) {
    subject.cluster.scale_as_someone_else(theirs);
    REQUIRE(eventually([&] { return subject.see().replicas == theirs; }));
    subject.scale_until_done(2);
    CHECK(subject.see().foreign_scaler.empty());
    clock.advance(Millis{10000});
  }
  subject.cluster.scale_as_someone_else(9);
  REQUIRE(eventually([&] { return subject.see().replicas == 9; }));
  // An old version is a conflict as well, and no contest.
  REQUIRE(eventually([&] {
    REQUIRE(subject.scale(2) == Kind::conflict);
    return subject.see().foreign_scaler == "kubectl";
  }));
  CHECK(subject.see().left_alone_for == Millis{60000});
  clock.advance(Millis{59999});
  CHECK(subject.scale(2) == Kind::conflict);
  CHECK(subject.cluster.replicas() == 9);
  clock.advance(Millis{1});
  subject.scale_until_done(2);
  CHECK(subject.cluster.replicas() == 2);
  CHECK(subject.see().foreign_scaler == "kubectl");
  CHECK(subject.see().left_alone_for == Millis{0});
  clock.advance(Millis{3600000});
  CHECK(subject.see().foreign_scaler.empty());
}

TEST_CASE("what we scale ourselves is never somebody else's") {
  Subject subject(0);
  for (const int replicas : {2, 0, 3, 0, 1, 0, 4, 1}) {
    subject.scale_until_done(replicas);
    CHECK(subject.see().foreign_scaler.empty());
  }
  CHECK(subject.cluster.replicas() == 1);
}

TEST_CASE("a rollout that makes no progress is said to be stuck") {
  Subject subject(1);
  CHECK_FALSE(subject.see().rollout_stuck);
  subject.cluster.patch_deployment({{"spec", {{"progressDeadlineSeconds", 1}}}});
  CHECK(eventually([&] { return subject.see().rollout_stuck; }, Millis{60000}));
}
