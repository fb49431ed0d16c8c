// The operator is killed at each step of a retirement of seven of ten workers, before a write (by
// WORKERPOOL_SOAK=1) and after its answer: the next one, started at once or waiting for the lease,
// brings it to its end. One that only stood still comes back too late and changes nothing.
#include <csignal>
#include <doctest/doctest.h>
#include <iostream>

#include "tests/product/scale_in/steps.h"

using namespace wp;
using wp::test::Crew;
using wp::test::eventually;
using wp::test::StruckOperator;

namespace {

constexpr int kWorkers = 10;
constexpr int kBusy = 3;
constexpr Millis kLate{300};
constexpr const char* kFirstStep = "before retiring";
constexpr std::size_t kOneMarked = 3;
constexpr std::size_t kBeforeLowering = 6;

void check_end(Crew& crew, const std::set<std::string>& busy) {
  REQUIRE_MESSAGE(crew.wait_settled(kBusy), crew.story());
  CHECK(test::joined(crew.staying()) == test::joined(busy));
  crew.check_uninterrupted();
  crew.check_nothing_retired();
}

void say(const test::Step& step, Millis begun) {
  std::cout << "  " << step.name << ": the next one was done after "
            << (system_clock().steady() - begun).count() << " ms\n";
}

std::vector<std::string> electing(const Crew& crew) {
  return {"--leader-elect", "--lease-namespace", crew.ns()};
}

std::string leader(Crew& crew) {
  try {
    return crew.product().api().get("/apis/coordination.k8s.io/v1/namespaces/" + crew.ns() +
                                    "/leases/workerpool-operator")["spec"]["holderIdentity"];
  } catch (const kube::KubeError&) {
    return {};
  }
}

}  // namespace

TEST_CASE("an operator killed at each step of a retirement, and started again") {
  if (!test::have_late_cluster()) exit(77);
  Crew crew;
  const test::PlainApi api(test::cluster_folder());
  test::delay_controllers(kLate);
  for (const test::Step& step : test::retirement_steps(crew, kWorkers - kBusy)) {
    // What the next operator finds is the same just before a write as after the write before it.
    const bool same_as_before = step.name.starts_with("before ") && step.name != kFirstStep;
    if (same_as_before && !test::soak()) continue;
    CAPTURE(step.name);
    crew.grow(kWorkers);
    StruckOperator struck(crew, api, step, {SIGKILL});
    const std::set<std::string> busy = crew.keep(kBusy);
    struck.wait_there();
    (void)crew.product().operator_process().wait();
    const Millis begun = system_clock().steady();
    crew.product().start_operator();
    check_end(crew, busy);
    say(step, begun);
  }
  crew.finish();
}

TEST_CASE("a second operator takes over from one that is killed at a step of a retirement") {
  if (!test::have_late_cluster()) exit(77);
  Crew crew;
  const test::PlainApi api(test::cluster_folder());
  test::delay_controllers(kLate);
  const std::vector<test::Step> steps = test::retirement_steps(crew, kWorkers - kBusy);
  for (std::size_t i = test::soak() ? 0 : kOneMarked; i < steps.size();
       i += test::soak() ? 1 : steps.size()) {
    CAPTURE(steps[i].name);
    crew.grow(kWorkers);
    StruckOperator struck(crew, api, steps[i], {SIGKILL}, electing(crew));
    REQUIRE(eventually([&] { return !leader(crew).empty(); }, Millis{60000}, Millis{20}));
    const std::string first = leader(crew);
    const auto second = crew.product().another_operator("second", {electing(crew), {}});
    const std::set<std::string> busy = crew.keep(kBusy);
    struck.wait_there();
    const Millis begun = system_clock().steady();
    check_end(crew, busy);
    CHECK(leader(crew) != first);
    say(steps[i], begun);
    // The next row's is the only one again.
    crew.product().start_operator();
  }
  crew.finish();
}

TEST_CASE("an operator that stood still at a step of a retirement changes nothing afterwards") {
  if (!test::have_late_cluster()) exit(77);
  Crew crew;
  const test::PlainApi api(test::cluster_folder());
  test::delay_controllers(kLate);
  const std::vector<test::Step> steps = test::retirement_steps(crew, kWorkers - kBusy);
  for (std::size_t i = test::soak() ? 0 : kBeforeLowering; i < steps.size();
       i += test::soak() ? 1 : steps.size()) {
    CAPTURE(steps[i].name);
    crew.grow(kWorkers);
    StruckOperator struck(crew, api, steps[i], {SIGSTOP}, electing(crew));
    REQUIRE(eventually([&] { return !leader(crew).empty(); }, Millis{60000}, Millis{20}));
    const auto second = crew.product().another_operator("second", {electing(crew), {}});
    const std::set<std::string> busy = crew.keep(kBusy);
    struck.wait_there();
    const Millis begun = system_clock().steady();
    check_end(crew, busy);
    say(steps[i], begun);
    // All of them are needed again when it wakes up with its order to lower the number.
    crew.grow(kWorkers);
    struck.let_go();
    crew.product().operator_process().signal(SIGCONT);
    CHECK(crew.product().operator_process().wait(Millis{30000}) == 1);
    CHECK(crew.settled(kWorkers));
    CHECK(crew.all_run());
    crew.check_uninterrupted();
    crew.product().start_operator();
  }
  crew.finish();
}
