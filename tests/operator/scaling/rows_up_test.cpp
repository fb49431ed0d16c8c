// Rows 2 to 4 of "From formula to decision", and the pause: the bounds, and going up.
#include <doctest/doctest.h>
#include <vector>

#include "tests/operator/scaling/support.h"

using namespace wp;
using namespace wp::scaling;
using namespace wp::scaling::test;

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
