// Rows 7 and 8 of "From formula to decision": pods that do not start, a queue that is not known,
// restarts, and what stands still.
#include <doctest/doctest.h>

#include "tests/operator/scaling/support.h"

using namespace wp;
using namespace wp::scaling;
using namespace wp::scaling::test;

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
