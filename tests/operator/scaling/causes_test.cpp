// Every word for why a number is what it is comes out of some decision, and each text is short.
#include <doctest/doctest.h>
#include <set>

#include "tests/operator/scaling/support.h"

using namespace wp;
using namespace wp::scaling;
using namespace wp::scaling::test;

namespace {

struct Case {
  Cause cause;
  Params params;
  Snapshot snapshot;
  State state = old_state();
};

std::vector<Case> cases() {
  const Params plain = with(Policy::slot_per_job);
  std::vector<Case> all;
  const auto add = [&](Cause cause, auto change) {
    Case one{cause, plain, at(1000, 5, 5, 0)};
    change(one);
    all.push_back(std::move(one));
  };
  add(Cause::backlog, [](Case&) {});
  add(Cause::idle, [](Case& c) { c.snapshot = at(1000, 0, 0, 0); });
  add(Cause::schedule, [](Case& c) { c.params.schedule = ScheduleFloor{"day", 7}; });
  add(Cause::below_threshold, [](Case& c) {
    c.params.policy = Policy::threshold;
    c.snapshot.demand->waiting = 1;
  });
  add(Cause::at_max, [](Case& c) { c.params.max_replicas = 4; });
  add(Cause::at_min, [](Case& c) { c.params.min_replicas = 6; });
  add(Cause::ramp_step, [](Case& c) { c.params.ramp = RampBounds{1, 3, 2, 0, false}; });
  add(Cause::rate_limited, [](Case& c) { c.snapshot.demand->waiting = 90; });
  add(Cause::cooldown, [](Case& c) {
    c.params.policy = Policy::threshold;
    c.snapshot.demand->waiting = 90;
    c.state.threshold = ThresholdChange{Millis{999000}, 5};
  });
  add(Cause::window, [](Case& c) {
    c.snapshot.demand->waiting = 1;
    c.state.wants.emplace_back(Millis{999000}, 5);
  });
  add(Cause::budget, [](Case& c) { c.params.budget = 3; });
  add(Cause::unschedulable, [](Case& c) {
    c.snapshot.workers.ready = 3;
    c.snapshot.workers.unstartable = c.snapshot.workers.absent = 2;
  });
  add(Cause::handlers_broken, [](Case& c) {
    c.snapshot.demand->waiting = 9;
    c.snapshot.workers.all_broken = true;
  });
  add(Cause::unknown, [](Case& c) { c.snapshot.demand.reset(); });
  add(Cause::paused, [](Case& c) { c.params.pause = Pause::claims; });
  add(Cause::fixed, [](Case& c) { c.params.fixed = 3; });
  add(Cause::clamped, [](Case& c) {
    c.params.fixed = 300;
    c.snapshot.current = 100;
  });
  return all;
}

}  // namespace

TEST_CASE("every cause is reached") {
  std::set<Cause> reached;
  for (Case& one : cases()) {
    CAPTURE(to_string(one.cause));
    const Decision d = decide(one.state, one.params, one.snapshot);
    CHECK((d.cause == one.cause || d.limited == one.cause));
    reached.insert(d.cause);
    if (d.limited) reached.insert(*d.limited);
  }
  // Beyond the last one there is none: to_string falls back to "Unknown".
  std::set<std::string_view> words;
  for (int i = 0;; ++i) {
    const auto cause = static_cast<Cause>(i);
    if (!words.insert(to_string(cause)).second) break;
    CAPTURE(to_string(cause));
    CHECK(reached.contains(cause));
  }
  CHECK(words.size() == 17);
}

TEST_CASE("a text is short, even when all speaks") {
  Params params = with(Policy::look_ahead, 16, 5000);
  params.spare_workers = 12;
  params.max_active = 90000;
  params.schedule = ScheduleFloor{std::string(40, 's'), 4200};
  params.ramp = RampBounds{12, 20, 4100, 0, false};
  State state = old_state();
  Snapshot s = at(1000, 3900, 123456, 60000);
  s.demand->due_soon = 4321;
  s.demand->counters = Counters{};
  s.workers.ready = 3800;
  s.workers.serving_slots = 60800;
  s.workers.unstartable = s.workers.absent = 100;
  const Decision d = decide(state, params, s);
  MESSAGE(d.reason);
  CHECK(d.reason.size() <= 250);
}
