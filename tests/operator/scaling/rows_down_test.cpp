// Rows 5 and 6 of "From formula to decision": going down, and to zero.
#include <doctest/doctest.h>

#include "tests/operator/scaling/support.h"

using namespace wp;
using namespace wp::scaling;
using namespace wp::scaling::test;

TEST_CASE("5: the window is three measured starts, within 10 and 60 s, or as declared") {
  Params params;
  State state;
  CHECK(down_window(state, params) == Millis{15000});
  CHECK(down_window(slow_state(Millis{2000}), params) == Millis{10000});
  CHECK(down_window(slow_state(Millis{90000}), params) == Millis{60000});
  params.scale_down_window = Millis{300000};
  CHECK(down_window(state, params) == Millis{300000});
  // A measurement in a snapshot counts at once.
  params.scale_down_window.reset();
  Snapshot s = at(1000, 1, 1, 0);
  s.started_in = {Millis{12000}};
  (void)decide(state, params, s);
  CHECK(down_window(state, params) == Millis{36000});
}

TEST_CASE("5: down to the highest want of the window, step by step, and it says when") {
  State state = old_state();
  Params params = unlimited(Policy::slot_per_job);
  CHECK(decide(state, params, at(1000, 9, 9, 0)).replicas == 9);
  CHECK(decide(state, params, at(1004, 9, 6, 0)).replicas == 9);
  Decision d = decide(state, params, at(1008, 9, 2, 0));
  CHECK(d.replicas == 9);
  CHECK(d.recheck == Millis{7001});
  CHECK(d.reason.ends_with("; 9 wanted within the last 15 s: 9 held"));
  d = decide(state, params, at(1016, 9, 2, 0));
  CHECK(d.replicas == 6);
  CHECK(d.recheck == Millis{3001});
  CHECK(decide(state, params, at(1020, 6, 2, 0)).replicas == 2);
}

TEST_CASE("5: a want that a later one reaches is no step on the way down") {
  State state = old_state();
  Params params = unlimited(Policy::slot_per_job);
  CHECK(decide(state, params, at(1000, 9, 5, 0)).replicas == 5);
  CHECK(decide(state, params, at(1004, 9, 9, 0)).replicas == 9);
  CHECK(decide(state, params, at(1008, 9, 2, 0)).replicas == 9);
  CHECK(decide(state, params, at(1019, 9, 2, 0)).replicas == 9);
  CHECK(decide(state, params, at(1020, 9, 2, 0)).replicas == 2);
}

TEST_CASE("5: nobody leaves while a queue that lost its data settles, but by a cap") {
  State state = old_state();
  Params params = unlimited(Policy::slot_per_job);
  Snapshot s = at(1000, 9, 1, 0);
  s.settling = Millis{30000};
  Decision d = decide(state, params, s);
  CHECK(d.replicas == 9);
  CHECK(d.limited == Cause::window);
  CHECK(d.recheck == Millis{30000});
  CHECK(d.reason.ends_with("; the queue lost its data: 9 held"));
  s.demand->waiting = 12;
  CHECK(decide(state, params, s).replicas == 12);
  params.max_replicas = 4;
  CHECK(decide(state, params, s).replicas == 4);
}

TEST_CASE("5: a lower cap counts at once, whatever was wanted") {
  State state = old_state();
  Params params = unlimited(Policy::slot_per_job);
  CHECK(decide(state, params, at(1000, 9, 9, 0)).replicas == 9);
  params.max_replicas = 4;
  CHECK(decide(state, params, at(1001, 9, 1, 0)).replicas == 4);
}

TEST_CASE("5: a foreign queue keeps a slot for each that runs, or all of them") {
  Params params = unlimited(Policy::target_depth, 4);
  params.scale_down_window = Millis{0};
  params.jobs_per_worker = 100;
  params.foreign = true;
  State state = old_state();
  // 14 run somewhere, three of them on workers that leave.
  Snapshot s = at(1000, 9, 0, 14);
  s.demand->active_serving = 11;
  Decision d = decide(state, params, s);
  CHECK(d.replicas == 4);
  CHECK(d.reason.ends_with("; 14 run: 4 held"));
  CHECK(d.limited == Cause::window);
  params.hold_while_active = true;
  d = decide(state, params, s);
  CHECK(d.replicas == 9);
  CHECK(d.reason.ends_with("; whileActive is Hold and 14 run: 9 held"));
  // Also what a person fixes, but not what grows.
  params.fixed = 2;
  CHECK(decide(state, params, s).replicas == 9);
  params.fixed = 12;
  CHECK(decide(state, params, s).replicas == 12);
  params.fixed.reset();
  s = at(1001, 9, 0, 0);
  CHECK(decide(state, params, s).replicas == 1);
  // A queue that can't tell what runs: nobody knows that nothing does.
  s.demand->active_known = false;
  d = decide(state, params, s);
  CHECK(d.replicas == 9);
  CHECK(d.reason.ends_with("; whileActive is Hold and what runs is unknown: 9 held"));
  params.hold_while_active = false;
  params.scale_to_zero_after = Millis{0};
  d = decide(state, params, s);
  CHECK(d.replicas == 1);
  CHECK(d.reason.ends_with("; not to zero while what runs is unknown: 1 held"));
}

TEST_CASE("6: to zero when nothing waits, runs or is due, for long enough, by fresh readings") {
  Params params = unlimited(Policy::slot_per_job);
  params.scale_down_window = Millis{0};
  params.scale_to_zero_after = Millis{30000};
  State state = old_state();
  Decision d = decide(state, params, at(1000, 4, 0, 0));
  CHECK(d.replicas == 1);
  CHECK(d.limited == Cause::window);
  CHECK(d.recheck == Millis{30000});
  CHECK(d.reason == "0 waiting + 0 running: 0 workers; to zero after 30 s empty: 1 held");
  // Each of these begins the time anew.
  const auto disturbed = [&](auto change) {
    State copy = old_state();
    (void)decide(copy, params, at(1000, 1, 0, 0));
    Snapshot s = at(1020, 1, 0, 0);
    change(s);
    (void)decide(copy, params, s);
    return decide(copy, params, at(1040, 1, 0, 0)).replicas == 1 &&
           decide(copy, params, at(1070, 1, 0, 0)).replicas == 0;
  };
  CHECK(disturbed([](Snapshot& s) { s.demand->waiting = 1; }));
  CHECK(disturbed([](Snapshot& s) { s.demand->due_soon = 1; }));
  CHECK(disturbed([](Snapshot& s) { s.demand->active_all = 1; }));
  CHECK(disturbed([](Snapshot& s) { s.demand.reset(); }));
  CHECK(disturbed([](Snapshot& s) { s.claims_paused = true; }));
  CHECK_FALSE(disturbed([](Snapshot&) {}));
  // And this one waits.
  Snapshot s = at(1030, 1, 0, 0);
  s.workers.leaving_busy = 1;
  d = decide(state, params, s);
  CHECK(d.replicas == 1);
  CHECK(d.reason.ends_with("; not to zero while a retiring worker holds a job: 1 held"));
  CHECK(decide(state, params, at(1031, 1, 0, 0)).replicas == 0);
}

TEST_CASE("6: a job that runs elsewhere keeps the last worker") {
  Params params = unlimited(Policy::slot_per_job);
  params.scale_down_window = Millis{0};
  params.scale_to_zero_after = Millis{0};
  State state = old_state();
  Snapshot s = at(1000, 3, 0, 0);
  s.demand->active_all = 1;
  const Decision d = decide(state, params, s);
  CHECK(d.replicas == 1);
  CHECK(d.reason.ends_with("; not to zero while a job waits or runs: 1 held"));
}
