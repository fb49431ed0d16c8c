// A worker falls silent and the API server says nothing of it: the runner stands still, its node is
// gone. Its job comes back by the lease; its pod is deleted after two, and not before.
#include <csignal>
#include <doctest/doctest.h>
#include <iostream>

#include "tests/product/crew.h"
#include "tests/product/recovery/figures.h"

using namespace wp;
using wp::test::Crew;
using wp::test::eventually;

namespace {

constexpr Millis kLease{3000};

nlohmann::json spec(int workers) {
  return {{"scaling", {{"minReplicas", workers}}}, {"jobs", {{"lease", "3s"}}}};
}

Millis since(Millis begun) {
  return system_clock().steady() - begun;
}

Millis until_it_runs_again(Crew& crew, const std::string& job, Millis begun) {
  REQUIRE_MESSAGE(eventually([&] { return crew.jobs().runs_of(job) == 2; }, Millis{60000}),
                  crew.story());
  return since(begun);
}

Millis until_deleted(Crew& crew, const std::string& uid, Millis begun) {
  REQUIRE_MESSAGE(
      eventually([&] { return !crew.staying().contains(uid); }, Millis{60000}, Millis{10}),
      crew.story());
  return since(begun);
}

}  // namespace

TEST_CASE("a runner stands still: its job comes back by the lease, its pod goes after two") {
  if (!test::have_cluster()) exit(77);
  Crew crew({.spec = spec(4)});
  const std::string job = *crew.demand(1).begin();
  REQUIRE(eventually([&] { return crew.all_run() && crew.settled(4); }, Millis{60000}, Millis{20}));
  const test::CrewPod pod = crew.pod_of(job);
  const auto before = crew.staying();
  const Millis begun = system_clock().steady();
  REQUIRE(kill(pod.pid(), SIGSTOP) == 0);
  const Millis again = until_it_runs_again(crew, job, begun);
  const Millis deleted = until_deleted(crew, pod.uid, begun);
  std::cout << "runner stopped, lease " << kLease.count() << " ms → its job runs again after "
            << again.count() << " ms, its pod is deleted after " << deleted.count() << " ms\n";
  // The last beat was about a third of a lease before, at most.
  CHECK(again >= kLease / 2);
  CHECK(deleted >= kLease * 3 / 2);
  CHECK(crew.wait_settled(4));
  // Nobody else was deleted.
  std::set<std::string> others = before;
  others.erase(pod.uid);
  const auto after = crew.staying();
  CHECK(std::includes(after.begin(), after.end(), others.begin(), others.end()));
  // It wakes up too late: what it says of the job counts for nothing.
  (void)kill(pod.pid(), SIGCONT);
  CHECK(eventually([&] { return crew.pods().size() == 4; }, Millis{60000}, Millis{20}));
  crew.finish();
}

TEST_CASE("half of the workers fall silent: that is no fault of theirs, and nobody is deleted") {
  if (!test::have_cluster()) exit(77);
  Crew crew({.spec = spec(4)});
  REQUIRE(crew.wait_settled(4));
  const std::vector<test::CrewPod> pods = crew.pods();
  const auto before = crew.staying();
  for (std::size_t i = 0; i < pods.size() / 2; ++i) REQUIRE(kill(pods[i].pid(), SIGSTOP) == 0);
  const Millis begun = system_clock().steady();
  // Shown as silent after two leases; one lease more is time enough to delete one.
  REQUIRE_MESSAGE(
      eventually([&] { return crew.product().status(Crew::kPool, "/workers/silent") == 2; },
                 Millis{60000}, Millis{20}),
      crew.story());
  std::cout << "half of the workers stopped → shown as silent after " << since(begun).count()
            << " ms\n";
  CHECK_FALSE(eventually([&] { return crew.staying() != before; }, kLease, Millis{20}));
  for (std::size_t i = 0; i < pods.size() / 2; ++i) REQUIRE(kill(pods[i].pid(), SIGCONT) == 0);
  REQUIRE(eventually([&] { return crew.product().status(Crew::kPool, "/workers/silent") == 0; },
                     Millis{60000}, Millis{20}));
  CHECK(crew.staying() == before);
  crew.finish();
}

TEST_CASE("a node is gone: its jobs come back by the lease, its workers on another node") {
  if (!test::have_cluster()) exit(77);
  Crew crew({.spec = spec(1)});
  const std::string job = *crew.demand(1).begin();
  REQUIRE(eventually([&] { return crew.all_run() && crew.settled(1); }, Millis{60000}, Millis{20}));
  // The others go to another node: this one takes no more.
  test::Product& product = crew.product();
  const std::string node = "/api/v1/nodes/" + product.node_name();
  (void)product.api().patch(node, kube::PatchType::merge, {{"spec", {{"unschedulable", true}}}});
  const auto second = product.another_node("second-" + crew.ns());
  (void)product.api().patch(product.pool_path(Crew::kPool), kube::PatchType::merge,
                            {{"spec", {{"scaling", {{"minReplicas", 4}}}}}});
  REQUIRE_MESSAGE(crew.wait_settled(4), crew.story());
  const test::CrewPod pod = crew.pod_of(job);
  REQUIRE(pod.node == product.node_name());

  const Millis begun = system_clock().steady();
  product.node_process().signal(SIGKILL);
  const Millis again = until_it_runs_again(crew, job, begun);
  const Millis deleted = until_deleted(crew, pod.uid, begun);
  CHECK(crew.wait_settled(4));
  std::cout << "node killed, lease " << kLease.count() << " ms → its job runs again after "
            << again.count() << " ms, its pod is deleted after " << deleted.count()
            << " ms, replaced after " << since(begun).count() << " ms\n";
  CHECK(deleted >= kLease * 3 / 2);
  for (const test::CrewPod& each : crew.pods()) {
    if (!each.leaving) CHECK(each.node == "second-" + crew.ns());
  }
  crew.finish();
  (void)product.api().remove(node);
  second->signal(SIGTERM);
  (void)second->wait();
  (void)product.api().remove("/api/v1/nodes/second-" + crew.ns());
}
