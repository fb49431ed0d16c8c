// Each row of "From formula to decision", one after the other.
#include <algorithm>
#include <doctest/doctest.h>

#include "tests/operator/scaling/support.h"

using namespace wp;
using namespace wp::scaling;
using namespace wp::scaling::test;

namespace {

// A pool whose pods take this long to start.
State slow_state(Millis start) {
  State state = old_state();
  seed(state, {std::nullopt, start});
  return state;
}

// Carries a decision out as the controller does.
void carry_out(State& state, const Decision& decision, Snapshot& snapshot) {
  const int back =
      std::min(snapshot.workers.retiring, std::max(0, decision.replicas - snapshot.current));
  record_up(state, snapshot.now, decision.replicas - snapshot.current - back);
  snapshot.workers.retiring -= back;
  snapshot.current = decision.replicas;
}

Snapshot unknown_at(std::int64_t seconds, int current, std::int64_t unknown_for) {
  Snapshot s = at(seconds, current, 0, 0);
  s.demand.reset();
  s.unknown_for = Millis{unknown_for * 1000};
  return s;
}

}  // namespace

TEST_CASE("2: spare workers come on top of the demand, and a schedule raises the floor") {
  State state = old_state();
  Params params = unlimited(Policy::slot_per_job);
  params.spare_workers = 2;
  Decision d = decide(state, params, at(1000, 0, 5, 0));
  CHECK(d.replicas == 7);
  CHECK(d.reason == "5 waiting + 0 running: 5 workers; + 2 spare = 7");
  params.schedule = ScheduleFloor{"office hours", 12};
  params.min_replicas = 3;
  d = decide(state, params, at(1001, 0, 5, 0));
  CHECK(d.replicas == 12);
  CHECK(d.cause == Cause::schedule);
  CHECK_FALSE(d.limited);
  CHECK(d.reason.ends_with("; + 2 spare = 7; schedule office hours: at least 12"));
  // Below the demand it says nothing.
  d = decide(state, params, at(1002, 0, 50, 0));
  CHECK(d.replicas == 52);
  CHECK(d.cause == Cause::backlog);
  // minReplicas is higher.
  params.min_replicas = 20;
  d = decide(state, params, at(1003, 0, 5, 0));
  CHECK(d.replicas == 20);
  CHECK(d.limited == Cause::at_min);
}

TEST_CASE("3: the lowest cap counts, and wins over every floor") {
  struct Row {
    const char* what;
    int max, min, ramp, budget, schedule;
    int expected;
    Cause limited;
    const char* words;
  };
  for (const Row& row : {
           Row{"max", 10, 0, 100, 100, 0, 10, Cause::at_max, "; maxReplicas 10"},
           Row{"ramp", 10, 0, 4, 100, 0, 4, Cause::ramp_step, "; ramp step 2 of 3 allows 4"},
           Row{"budget", 10, 0, 8, 6, 0, 6, Cause::budget, "; the budget fits 6"},
           Row{"max wins over min", 10, 12, 100, 100, 0, 10, Cause::at_max, "; maxReplicas 10"},
           Row{"the ramp outranks min", 10, 8, 4, 100, 0, 4, Cause::ramp_step, "allows 4"},
           Row{"the ramp outranks a schedule", 10, 0, 4, 100, 8, 4, Cause::ramp_step, "allows 4"},
           Row{"the budget wins over a schedule", 10, 0, 100, 6, 8, 6, Cause::budget, "fits 6"},
           Row{"no budget for any", 10, 2, 100, 0, 8, 0, Cause::budget, "fits 0"},
       }) {
    CAPTURE(row.what);
    State state = old_state();
    Params params = unlimited(Policy::slot_per_job);
    params.max_replicas = row.max;
    params.min_replicas = row.min;
    params.ramp = RampBounds{2, 3, row.ramp, 0, false};
    params.budget = row.budget;
    if (row.schedule > 0) params.schedule = ScheduleFloor{"s", row.schedule};
    const Decision d = decide(state, params, at(1000, 0, 50, 0));
    CHECK(d.replicas == row.expected);
    CHECK(d.limited == row.limited);
    CHECK(d.reason.find(row.words) != std::string::npos);
  }
}

TEST_CASE("3: a ramp's step has a floor, too; rolled back it caps at once, busy or not") {
  State state = old_state();
  Params params = unlimited(Policy::slot_per_job);
  params.ramp = RampBounds{2, 3, 8, 5, false};
  Decision d = decide(state, params, at(1000, 0, 1, 0));
  CHECK(d.replicas == 5);
  CHECK(d.reason.ends_with("; ramp step 2: at least 5"));
  CHECK(decide(state, params, at(1001, 8, 0, 8)).replicas == 8);
  params.ramp = RampBounds{2, 3, 1, 0, true};
  d = decide(state, params, at(1002, 8, 40, 8));
  CHECK(d.replicas == 1);
  CHECK(d.limited == Cause::ramp_step);
  CHECK(d.reason.ends_with("; the ramp is rolled back to 1"));
  // It is said while it caps nothing, too.
  d = decide(state, params, at(1002, 1, 1, 0));
  CHECK(d.replicas == 1);
  CHECK_FALSE(d.limited);
  CHECK(d.reason == "1 waiting + 0 running: 1 worker; the ramp is rolled back to 1");
  // Also right after a restart: what a cap says does not rest on what was wanted before.
  State fresh;
  CHECK(decide(fresh, params, at(1003, 8, 40, 8)).replicas == 1);
}

TEST_CASE("3: jobs.maxActive caps the demand, not the spare workers, nor what runs") {
  State state = old_state();
  Params params = unlimited(Policy::slot_per_job, 4);
  params.max_active = 10;
  Decision d = decide(state, params, at(1000, 0, 500, 0));
  CHECK(d.replicas == 3);
  CHECK(d.limited == Cause::at_max);
  CHECK(d.reason.ends_with("= 125 workers; jobs.maxActive 10 fills 3"));
  params.spare_workers = 1;
  CHECK(decide(state, params, at(1001, 0, 500, 0)).replicas == 4);
  params.spare_workers = 0;
  CHECK(decide(state, params, at(1002, 5, 500, 18)).replicas == 5);
}

TEST_CASE("3: a fixed size is clamped to 0..max, and not by the ramp, the budget or a schedule") {
  Params params = unlimited(Policy::slot_per_job);
  params.max_replicas = 20;
  params.min_replicas = 6;
  params.ramp = RampBounds{1, 3, 2, 0, false};
  params.budget = 3;
  params.schedule = ScheduleFloor{"s", 9};
  struct Row {
    int fixed, expected;
    bool clamped;
  };
  for (const Row& row : {Row{5, 5, false}, Row{0, 0, false}, Row{99, 20, true}, Row{-1, 0, true}}) {
    State state = old_state();
    params.fixed = row.fixed;
    const Decision d = decide(state, params, at(1000, 4, 50, 4));
    CHECK(d.replicas == row.expected);
    CHECK(d.cause == Cause::fixed);
    CHECK((d.limited == Cause::clamped) == row.clamped);
  }
}

TEST_CASE("3 and 4: a fixed size grows by the rate, too, and not while no handler can run") {
  State state = old_state();
  Params params = with(Policy::slot_per_job);
  params.fixed = 50;
  Snapshot s = at(1000, 0, 0, 0);
  Decision d = decide(state, params, s);
  CHECK(d.replicas == 20);
  CHECK(d.cause == Cause::fixed);
  CHECK(d.limited == Cause::rate_limited);
  carry_out(state, d, s);
  s.now = Millis{1005000};
  CHECK(decide(state, params, s).replicas == 40);
  s.workers.all_broken = true;
  d = decide(state, params, s);
  CHECK(d.replicas == 20);
  CHECK(d.limited == Cause::handlers_broken);
}

TEST_CASE("3: what was fixed counts as wanted when the policy takes over again") {
  State state = old_state();
  Params params = unlimited(Policy::slot_per_job);
  params.fixed = 8;
  CHECK(decide(state, params, at(1000, 8, 1, 1)).replicas == 8);
  params.fixed.reset();
  CHECK(decide(state, params, at(1001, 8, 1, 1)).limited == Cause::window);
  CHECK(decide(state, params, at(1017, 8, 1, 1)).replicas == 2);
}

TEST_CASE("4: percent and workers per period, whichever allows more, go on in the next") {
  State state = old_state();
  Params params = with(Policy::slot_per_job, 1, 1000);
  params.up_workers = 4;
  params.up_percent = 50;
  params.up_period = Millis{10000};
  Snapshot s = at(1000, 2, 998, 2);
  std::vector<int> sizes;
  for (int period = 0; period < 5; ++period) {
    s.now = Millis{(1000 + 10 * period) * 1000};
    const Decision d = decide(state, params, s);
    CHECK(d.limited == Cause::rate_limited);
    sizes.push_back(d.replicas);
    carry_out(state, d, s);
    // Within the period nothing more, and it says when.
    s.now += Millis{4000};
    const Decision again = decide(state, params, s);
    CHECK(again.replicas == s.current);
    CHECK(again.recheck == Millis{6000});
  }
  CHECK(sizes == std::vector<int>{6, 10, 15, 22, 33});
}

TEST_CASE("4: from zero straight to the number or the limit, never by way of one") {
  Params params = with(Policy::slot_per_job, 1, 1000);
  State state = old_state();
  CHECK(decide(state, params, at(1000, 0, 13, 0)).replicas == 13);
  CHECK(decide(state, params, at(1000, 0, 700, 0)).replicas == 20);
}

TEST_CASE("4: who retires is called back without counting against the rate") {
  State state = old_state();
  Params params = with(Policy::slot_per_job, 1, 1000);
  params.up_workers = 5;
  params.up_percent = 0;
  Snapshot s = at(1000, 3, 97, 3);
  s.workers.retiring = 30;
  Decision d = decide(state, params, s);
  CHECK(d.replicas == 38);
  carry_out(state, d, s);
  CHECK(decide(state, params, s).replicas == 38);
  // Only by calling back: nothing limits it.
  State other = old_state();
  s = at(1000, 3, 17, 3);
  s.workers.retiring = 30;
  d = decide(other, params, s);
  CHECK(d.replicas == 20);
  CHECK_FALSE(d.limited);
  carry_out(other, d, s);
  CHECK(other.ups.empty());
}

TEST_CASE("4: the first climb of a pool with slow pods doubles per start, later ones do not") {
  State state = slow_state(Millis{90000});
  Params params = with(Policy::slot_per_job, 1, 1000);
  Snapshot s = at(1000, 0, 500, 0);
  Decision d = decide(state, params, s);
  CHECK(d.replicas == 20);
  carry_out(state, d, s);
  s.now = Millis{1050000};
  d = decide(state, params, s);
  CHECK(d.replicas == 20);
  CHECK(d.limited == Cause::rate_limited);
  CHECK(d.recheck == Millis{40000});
  CHECK(d.reason.ends_with("; pods take 90 s to start, doubled per start: 20"));
  s.now = Millis{1090000};
  s.workers.ready = 20;
  d = decide(state, params, s);
  CHECK(d.replicas == 40);
  carry_out(state, d, s);
  s.now = Millis{1180000};
  d = decide(state, params, s);
  CHECK(d.replicas == 80);
  carry_out(state, d, s);
  // The number is reached with workers that are ready: the climb is over.
  s.demand->waiting = 80;
  s.now = Millis{1185000};
  CHECK(decide(state, params, s).replicas == 80);
  s.demand->waiting = 500;
  s.now = Millis{1190000};
  CHECK(decide(state, params, s).replicas == 160);
  // Fast pods: only the rate counts.
  State fast = slow_state(Millis{59000});
  s = at(1000, 0, 500, 0);
  carry_out(fast, decide(fast, params, s), s);
  s.now = Millis{1005000};
  CHECK(decide(fast, params, s).replicas == 40);
}

TEST_CASE("4: while every handler is broken nothing grows; the first worker may start") {
  Params params = unlimited(Policy::slot_per_job);
  State state = old_state();
  Snapshot s = at(1000, 3, 50, 0);
  s.workers.all_broken = true;
  s.workers.retiring = 2;
  const Decision d = decide(state, params, s);
  CHECK(d.replicas == 3);
  CHECK(d.limited == Cause::handlers_broken);
  s.current = 0;
  CHECK(decide(state, params, s).replicas == 50);
}

TEST_CASE("pause forbids its direction, and says so") {
  struct Row {
    Pause pause;
    bool grows, shrinks;
    const char* words;
  };
  for (const Row& row :
       {Row{Pause::none, true, true, ""}, Row{Pause::scale_in, true, false, "pause is ScaleIn"},
        Row{Pause::scale_out, false, true, "pause is ScaleOut"},
        Row{Pause::scaling, false, false, "pause is Scaling"}}) {
    for (const bool fixed : {false, true}) {
      CAPTURE(row.words);
      CAPTURE(fixed);
      Params params = unlimited(Policy::slot_per_job);
      params.pause = row.pause;
      State state = old_state();
      if (fixed) params.fixed = 9;
      Decision d = decide(state, params, at(1000, 5, 9, 0));
      CHECK(d.replicas == (row.grows ? 9 : 5));
      CHECK((d.limited == Cause::paused) == !row.grows);
      if (!row.grows) CHECK(d.reason.find(row.words) != std::string::npos);
      if (fixed) params.fixed = 2;
      d = decide(state, params, at(1100, 9, 2, 0));
      CHECK(d.replicas == (row.shrinks ? 2 : 9));
      CHECK((d.limited == Cause::paused) == !row.shrinks);
    }
  }
  // The ramp's rollback and the fallback obey it, too: pause is above both.
  Params params = unlimited(Policy::slot_per_job);
  params.pause = Pause::scaling;
  params.ramp = RampBounds{1, 2, 1, 0, true};
  params.fallback_replicas = 7;
  State state = old_state();
  CHECK(decide(state, params, at(1000, 5, 9, 0)).replicas == 5);
  params.ramp.reset();
  CHECK(decide(state, params, unknown_at(1001, 5, 100)).replicas == 5);
}

TEST_CASE("pause Claims freezes at the larger of what runs and what is asked for") {
  Params params = unlimited(Policy::slot_per_job);
  params.pause = Pause::claims;
  params.fixed = 1;
  State state = old_state();
  Snapshot s = at(1000, 5, 90, 3);
  Decision d = decide(state, params, s);
  CHECK(d.replicas == 5);
  CHECK(d.cause == Cause::paused);
  CHECK(d.reason == "claims are paused: 5 workers held");
  // Three retire and two of them still run something: with the five that makes seven.
  s.workers.busy = 5;
  s.workers.retiring = 3;
  s.workers.leaving_busy = 2;
  CHECK(decide(state, params, s).replicas == 7);
  // One that terminates can't be called back.
  s.workers.retiring = 0;
  CHECK(decide(state, params, s).replicas == 5);
  // Nor does a rollout's surge count.
  s.workers.busy = 9;
  CHECK(decide(state, params, s).replicas == 5);
  s.demand.reset();
  CHECK(decide(state, params, s).replicas == 5);
}

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

TEST_CASE("7: pods that cannot start: starting at first, then up to two are tried, and no more") {
  Params params = unlimited(Policy::slot_per_job);
  State state = old_state();
  Snapshot s = at(1000, 10, 10, 0);
  s.workers.ready = 6;
  s.workers.unstartable = 4;
  CHECK_FALSE(decide(state, params, s).limited);
  s.workers.absent = 4;
  Decision d = decide(state, params, s);
  CHECK(d.replicas == 12);
  CHECK(d.limited == Cause::unschedulable);
  CHECK(d.reason ==
        "10 waiting + 0 running: 10 workers; 4 workers can't start, at most 2 beyond "
        "them: 12");
  // The two get stuck as well: no creep, however long it lasts.
  s.current = 12;
  s.workers.unstartable = s.workers.absent = 6;
  for (int i = 0; i < 100; ++i) {
    s.now += Millis{15000};
    d = decide(state, params, s);
    CHECK(d.replicas == 12);
  }
  // More demand: two beyond those that are stuck, not forty.
  s.demand->waiting = 50;
  CHECK(decide(state, params, s).replicas == 12);
  // A room was found for three of them.
  s.workers.ready = 9;
  s.workers.unstartable = s.workers.absent = 3;
  CHECK(decide(state, params, s).replicas == 14);
  s.workers = {};
  s.workers.ready = 14;
  s.current = 14;
  CHECK(decide(state, params, s).replicas == 50);
}

TEST_CASE("7: what can't start takes nothing away, and goes when nothing is missing") {
  Params params = unlimited(Policy::slot_per_job);
  State state = old_state();
  // A climb to 30 on the way, one is stuck: nobody is taken back.
  Snapshot s = at(1000, 26, 30, 0);
  s.workers.ready = 5;
  s.workers.starting = 20;
  s.workers.unstartable = s.workers.absent = 1;
  CHECK(decide(state, params, s).replicas == 26);
  // Less demand: six run, 44 are stuck, eight are wanted.
  state = old_state();
  s = at(1100, 50, 50, 0);
  s.workers.ready = 6;
  s.workers.unstartable = s.workers.absent = 44;
  CHECK(decide(state, params, s).replicas == 52);
  s.demand->waiting = 8;
  CHECK(decide(state, params, s).replicas == 50);  // within the window
  for (int t = 1101; t < 1120; ++t) {
    s.now = Millis{t * 1000};
    (void)decide(state, params, s);
  }
  CHECK(decide(state, params, s).replicas == 10);
  s.demand->waiting = 6;
  for (int t = 1120; t < 1140; ++t) {
    s.now = Millis{t * 1000};
    (void)decide(state, params, s);
  }
  CHECK(decide(state, params, s).replicas == 6);
  // The caps hold here, too.
  params.max_replicas = 10;
  State other = old_state();
  s = at(1000, 10, 10, 0);
  s.workers.ready = 6;
  s.workers.unstartable = s.workers.absent = 4;
  CHECK(decide(other, params, s).replicas == 10);
}

TEST_CASE("8: an unknown backlog holds, then the fallback, never less") {
  Params params = unlimited(Policy::slot_per_job);
  params.fallback_replicas = 5;
  params.fallback_after = Millis{30000};
  State state = old_state();
  Decision d = decide(state, params, unknown_at(1000, 2, 0));
  CHECK(d.replicas == 2);
  CHECK(d.cause == Cause::unknown);
  CHECK(d.limited == Cause::unknown);
  CHECK_FALSE(d.fallback);
  CHECK(d.recheck == Millis{30000});
  CHECK(d.reason == "the queue could not be read: 2 workers held");
  CHECK(decide(state, params, unknown_at(1029, 2, 29)).recheck == Millis{1000});
  d = decide(state, params, unknown_at(1030, 2, 30));
  CHECK(d.replicas == 5);
  CHECK(d.fallback);
  CHECK(d.reason == "the queue could not be read for 30 s: fallback 5, 5 workers");
  d = decide(state, params, unknown_at(1031, 9, 31));
  CHECK(d.replicas == 9);
  CHECK(d.fallback);
  // The caps and the rate hold for it.
  params.max_replicas = 4;
  CHECK(decide(state, params, unknown_at(1032, 2, 32)).replicas == 4);
  params.up_workers = 1;
  params.up_percent = 0;
  d = decide(state, params, unknown_at(1033, 2, 33));
  CHECK(d.replicas == 3);
  CHECK(d.limited == Cause::rate_limited);
  // None is declared.
  params.fallback_replicas = 0;
  d = decide(state, params, unknown_at(1034, 2, 34));
  CHECK(d.replicas == 2);
  CHECK_FALSE(d.fallback);
  CHECK_FALSE(d.recheck);
}

TEST_CASE("8: estimators stand still while the queue is unknown") {
  Params params = unlimited(Policy::look_ahead);
  State state = old_state();
  Snapshot s = at(1000, 2, 0, 2);
  s.demand->counters = Counters{2, 0, 0, 0};
  (void)decide(state, params, s);
  (void)decide(state, params, unknown_at(1001, 2, 1));
  s = at(1200, 2, 90, 2);
  s.demand->counters = Counters{802, 800, 0, 0};
  (void)decide(state, params, s);
  CHECK(state.estimators.arrivals_per_second() == 0);
  CHECK(state.estimators.service_seconds() == doctest::Approx(10));
}

TEST_CASE("8: one failed reading now and then does not stop a pool from shrinking") {
  Params params = unlimited(Policy::slot_per_job);
  State state = old_state();
  int size = 9;
  for (int second = 1000; second < 1040; ++second) {
    const bool fails = second % 5 == 0;
    size = decide(state, params, fails ? unknown_at(second, size, 1) : at(second, size, 3, 0))
               .replicas;
  }
  CHECK(size == 3);
  // A long time of unknown is like a start: one window.
  for (int second = 1040; second < 1060; ++second) {
    CHECK(decide(state, params, unknown_at(second, size, second - 1039)).replicas == 3);
  }
  CHECK(decide(state, params, at(1060, 3, 1, 0)).replicas == 3);
  CHECK(decide(state, params, at(1074, 3, 1, 0)).replicas == 3);
  CHECK(decide(state, params, at(1075, 3, 1, 0)).replicas == 1);
}

TEST_CASE("8: right after a start nothing shrinks for one window, but what is needed comes") {
  Params params = unlimited(Policy::slot_per_job);
  State state;
  Decision d = decide(state, params, at(1000, 7, 2, 0));
  CHECK(d.replicas == 7);
  CHECK(d.reason.ends_with("; watched for less than 15 s: 7 held"));
  CHECK(d.recheck == Millis{15000});
  CHECK(decide(state, params, at(1005, 7, 9, 0)).replicas == 9);
  CHECK(decide(state, params, at(1014, 9, 2, 0)).replicas == 9);
  CHECK(decide(state, params, at(1021, 9, 2, 0)).replicas == 2);
}

TEST_CASE("what a restart goes on with") {
  State before = old_state();
  CHECK(measured(before) == Measured{});
  Snapshot s = at(1000, 1, 0, 1);
  s.started_in = {Millis{20000}};
  s.demand->counters = Counters{1000, 1000, 0, 2500000};
  (void)decide(before, unlimited(Policy::look_ahead), s);
  const Measured kept = measured(before);
  CHECK(kept == Measured{Millis{2500}, Millis{20000}});
  State after;
  seed(after, kept);
  CHECK(measured(after) == kept);
  CHECK(start_time(after) == Millis{20000});
}

TEST_CASE("while a person paused the claims the size stands still, and for one window after") {
  Params params = unlimited(Policy::slot_per_job);
  params.scale_to_zero_after = Millis{0};
  State state = old_state();
  Snapshot paused = at(1000, 2, 50, 0);
  paused.claims_paused = true;
  Decision d = decide(state, params, paused);
  CHECK(d.replicas == 2);
  CHECK(d.cause == Cause::paused);
  CHECK(d.reason == "claims are paused: 2 workers held");
  paused.now = Millis{1100000};
  CHECK(decide(state, params, paused).replicas == 2);
  CHECK(decide(state, params, at(1101, 2, 0, 0)).replicas == 2);
  CHECK(decide(state, params, at(1102, 2, 9, 0)).replicas == 9);
  // A fixed size counts while a person paused the queue.
  params.fixed = 0;
  CHECK(decide(state, params, paused).replicas == 0);
}
