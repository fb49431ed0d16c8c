// A retirement of seven of ten workers that is disturbed at each of its steps: demand comes back, a
// rollout begins, somebody else scales. The operator stands still at the step while it happens, and
// goes on with what it knew. The controller sees its pods late all the time, so that a mark that is
// not confirmed is a wrong victim. In CI each disturbance meets some of the steps, by
// WORKERPOOL_SOAK=1 all.
#include <doctest/doctest.h>
#include <functional>
#include <iostream>

#include "tests/product/scale_in/size_history.h"
#include "tests/product/scale_in/steps.h"

using namespace wp;
using wp::test::Crew;
using wp::test::eventually;
using wp::test::StruckOperator;

namespace {

constexpr int kWorkers = 10;
constexpr int kBusy = 3;
constexpr Millis kLate{300};

/// Runs `row` for each step; in CI for every `stride`th, from `first` on.
void for_steps(Crew& crew, std::size_t first, std::size_t stride,
               const std::function<void(const test::Step&)>& row) {
  const std::vector<test::Step> steps = test::retirement_steps(crew, kWorkers - kBusy);
  for (std::size_t i = test::soak() ? 0 : first; i < steps.size(); i += test::soak() ? 1 : stride) {
    CAPTURE(steps[i].name);
    const Millis begun = system_clock().steady();
    row(steps[i]);
    std::cout << "  " << steps[i].name << ": " << (system_clock().steady() - begun).count()
              << " ms\n";
  }
}

struct Disturbed {
  std::set<std::string> busy;  // pods
  std::unique_ptr<StruckOperator> struck;
};

/// The crew grows, a struck operator begins to retire what is idle, and `act` happens at the step.
Disturbed disturb(Crew& crew, const test::PlainApi& api, const test::Step& step,
                  const std::function<void()>& act) {
  crew.grow(kWorkers);
  Disturbed made;
  made.struck = std::make_unique<StruckOperator>(crew, api, step);
  made.busy = crew.keep(kBusy);
  made.struck->wait_there();
  act();
  made.struck->let_go();
  return made;
}

void scale_by_hand(Crew& crew, int replicas) {
  (void)crew.product().api().patch(crew.workers_path("scale"), kube::PatchType::merge,
                                   {{"spec", {{"replicas", replicas}}}},
                                   {.field_manager = "kubectl"});
}

/// As `kubectl rollout restart` does.
void restart_workers(Crew& crew) {
  const nlohmann::json annotations = {
      {"kubectl.kubernetes.io/restartedAt", format_time(system_clock().wall())}};
  (void)crew.product().api().patch(
      crew.workers_path(), kube::PatchType::strategic,
      {{"spec", {{"template", {{"metadata", {{"annotations", annotations}}}}}}}},
      {.field_manager = "kubectl-rollout"});
}

void change_template(Crew& crew) {
  const nlohmann::json annotations = {{"example.com/at", format_time(system_clock().wall())}};
  (void)crew.product().api().patch(
      crew.product().pool_path(Crew::kPool), kube::PatchType::merge,
      {{"spec", {{"workers", {{"template", {{"metadata", {{"annotations", annotations}}}}}}}}}});
}

}  // namespace

TEST_CASE("demand comes back at each step of a retirement: nothing is interrupted") {
  if (!test::have_late_cluster()) exit(77);
  Crew crew;
  const test::PlainApi api(test::cluster_folder());
  test::delay_controllers(kLate);
  bool all_of_it = false;
  for_steps(crew, 0, 3, [&](const test::Step& step) {
    // All seven are needed again, or two of them.
    all_of_it = !all_of_it;
    const int more = all_of_it ? kWorkers - kBusy : 2;
    const auto disturbed = disturb(crew, api, step, [&] { (void)crew.demand(more); });
    const bool right = crew.wait_settled(kBusy + more) &&
                       eventually([&] { return crew.all_run(); }, Millis{60000}, Millis{20});
    REQUIRE_MESSAGE(right, crew.story());
    crew.check_uninterrupted();
    crew.check_nothing_retired();
  });
  crew.finish();
}

TEST_CASE("somebody raises the number at each step of a retirement") {
  if (!test::have_late_cluster()) exit(77);
  Crew crew;
  const test::PlainApi api(test::cluster_folder());
  test::delay_controllers(kLate);
  for_steps(crew, 1, 4, [&](const test::Step& step) {
    const auto disturbed = disturb(crew, api, step, [&] { scale_by_hand(crew, kWorkers + 2); });
    REQUIRE_MESSAGE(crew.wait_settled(kBusy), crew.story());
    CHECK(test::joined(crew.staying()) == test::joined(disturbed.busy));
    crew.check_uninterrupted();
    crew.check_nothing_retired();
  });
  crew.finish();
}

TEST_CASE("somebody lowers the number once the marks are known: the marked ones go") {
  if (!test::have_late_cluster()) exit(77);
  Crew crew;
  const test::PlainApi api(test::cluster_folder());
  test::delay_controllers(kLate);
  const std::vector<test::Step> steps = test::retirement_steps(crew, kWorkers - kBusy);
  const test::Step& known = steps.at(steps.size() - 2);
  const auto disturbed = disturb(crew, api, known, [&] { scale_by_hand(crew, kBusy + 2); });
  REQUIRE_MESSAGE(crew.wait_settled(kBusy), crew.story());
  CHECK(test::joined(crew.staying()) == test::joined(disturbed.busy));
  crew.check_uninterrupted();
  crew.check_nothing_retired();
  crew.finish();
}

TEST_CASE("a rollout begins at each step of a retirement: nobody is lowered while it runs") {
  if (!test::have_late_cluster()) exit(77);
  // A rollout tells the busy ones to go, too; they may finish.
  Crew crew({.spec = {{"workers", {{"drainTimeout", "5m"}}}}});
  const test::PlainApi api(test::cluster_folder());
  test::delay_controllers(kLate);
  bool by_hand = false;
  for_steps(crew, 2, 3, [&](const test::Step& step) {
    by_hand = !by_hand;
    std::optional<test::SizeHistory> history;
    const auto disturbed = disturb(crew, api, step, [&] {
      history.emplace(crew.product().api().config(), crew.workers_path());
      by_hand ? restart_workers(crew) : change_template(crew);
    });
    // What was lowered before the rollout is lowered; whatever the size, it comes to its end.
    REQUIRE_MESSAGE(
        eventually([&] { return crew.settled(crew.replicas()); }, Millis{60000}, Millis{20}),
        crew.story());
    CHECK(history->lowered_while_rolling() == 0);
    crew.check_uninterrupted();
    crew.jobs().let_all_go();
    REQUIRE_MESSAGE(crew.wait_settled(0), crew.story());
    crew.check_nothing_retired();
  });
  crew.finish();
}
