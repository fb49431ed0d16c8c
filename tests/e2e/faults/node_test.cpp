// The node is drained, or its kubelet is gone for a while. Neither costs a job anything.
#include <doctest/doctest.h>
#include <iostream>

#include "tests/e2e/faults/shift.h"

using namespace wp;
using wp::test::eventually;
using wp::test::Shift;

namespace {

constexpr const char* kBudget = R"yaml(
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: drained}
spec:
  minAvailable: 1
  selector: {matchLabels: {workerpool.dev/pool: drained}}
)yaml";

// The node takes pods again when this ends, also by a failure.
struct Uncordon {
  ~Uncordon() { (void)test::run({"kubectl", "uncordon", "n1"}); }
};

}  // namespace

TEST_CASE("kubectl drain with a PodDisruptionBudget: every job ends where it runs") {
  Shift shift("drained", 2);
  test::site().apply(std::string(kBudget));
  const std::set<std::string> jobs = shift.start(2);
  const auto leaving = [&] {
    const auto pods = test::site().pods(shift.name());
    return std::count_if(pods.begin(), pods.end(),
                         [](const test::SitePod& pod) { return pod.leaving; });
  };
  const Millis begun = system_clock().steady();
  const Uncordon uncordon;
  test::Beside drain({"kubectl", "drain", "n1", "--namespace", test::site().ns(),
                      "--pod-selector=workerpool.dev/pool=drained", "--ignore-daemonsets",
                      "--delete-emptydir-data", "--timeout=120s"});
  // One may go, and drains. The other is protected: its replacement finds no node.
  REQUIRE_MESSAGE(eventually([&] { return leaving() == 1; }, Millis{60000}, Millis{100}),
                  drain.output(), shift.story());
  const auto refused = [&] {
    return drain.output().find("disruption budget") != std::string::npos;
  };
  REQUIRE_MESSAGE(eventually(refused, Millis{60000}, Millis{100}), drain.output());
  CHECK(leaving() == 1);
  CHECK(shift.jobs().places().size() == 2);
  // Another node would take the replacement; here it is this one.
  test::must_run({"kubectl", "uncordon", "n1"});
  REQUIRE_MESSAGE(eventually([&] { return leaving() == 2; }, Millis{60000}, Millis{100}),
                  drain.output(), shift.story());
  CHECK(shift.jobs().places().size() == 2);
  shift.jobs().let_all_go();
  CHECK_MESSAGE(drain.wait(Millis{60000}) == 0, drain.output());
  std::cout << "node drained after " << (system_clock().steady() - begun).count()
            << " ms, two jobs ran on to their ends" << std::endl;
  REQUIRE_MESSAGE(eventually([&] { return shift.ready(2); }, Millis{60000}, Millis{100}),
                  shift.story());
  shift.finish();
  shift.check_none_interrupted();
}

TEST_CASE("the kubelet is gone until its node is NotReady: running jobs and new ones go on") {
  Shift shift("silent", 2);
  const std::string running = *shift.start(1).begin();
  const std::string pod = shift.pod_of(running).uid;
  {
    const test::KubeletStopped stopped;
    const Millis begun = system_clock().steady();
    const auto not_ready = [] { return test::node_ready() != "True"; };
    REQUIRE(eventually(not_ready, Millis{90000}, Millis{500}));
    // Its pods are marked NotReady with it. Nobody may conclude that a worker is dead.
    shift.start(1);
    const Millis long_enough = test::soak_run() ? Millis{60000} : Millis{0};
    (void)eventually([&] { return system_clock().steady() - begun >= long_enough; },
                     long_enough + Millis{1000}, Millis{100});
    std::cout << "kubelet gone for " << (system_clock().steady() - begun).count() << " ms"
              << std::endl;
    CHECK(shift.pod_of(running).uid == pod);
  }
  REQUIRE(eventually([] { return test::node_ready() == "True"; }, Millis{60000}, Millis{200}));
  REQUIRE_MESSAGE(eventually([&] { return shift.ready(2); }, Millis{60000}, Millis{200}),
                  shift.story());
  shift.finish();
  shift.check_none_interrupted();
}
