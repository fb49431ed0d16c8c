// The decision as tables and as properties over random snapshots.
#include "operator/scaling/decide.h"

#include <algorithm>
#include <doctest/doctest.h>
#include <random>

using namespace wp;
using namespace wp::scaling;

namespace {

Snapshot at(std::int64_t seconds, int current, std::int64_t waiting, std::int64_t active) {
  Snapshot s;
  s.now = Millis{seconds * 1000};
  s.current = current;
  s.demand = Demand{waiting, 0, active, active, {}, true};
  return s;
}

// A state that is old enough to be allowed everything.
State old_state() {
  State state;
  state.started = Millis{0};
  return state;
}

}  // namespace

TEST_CASE("one slot per job, running ones included") {
  struct Row {
    int concurrency;
    std::int64_t waiting, active;
    int expected;
  };
  for (const Row& row : {Row{1, 0, 0, 0}, Row{1, 1, 0, 1}, Row{1, 3, 2, 5}, Row{4, 1, 0, 1},
                         Row{4, 3, 2, 2}, Row{4, 8, 0, 2}, Row{4, 9, 0, 3}}) {
    State state = old_state();
    Params params;
    params.concurrency = row.concurrency;
    CHECK(decide(state, params, at(1000, 0, row.waiting, row.active)).replicas == row.expected);
  }
}

TEST_CASE("zero to n in one step, the reason shows the arithmetic") {
  State state = old_state();
  Params params;
  params.policy = Policy::slot_per_job;
  params.concurrency = 4;
  const Decision d = decide(state, params, at(1000, 0, 30, 0));
  CHECK(d.replicas == 8);
  CHECK(d.cause == Cause::backlog);
  CHECK(d.reason == "30 waiting + 0 running: 30 slots / 4 = 8 workers");
  CHECK_FALSE(d.limited);
}

TEST_CASE("clamped to max and min, and said") {
  State state = old_state();
  Params params;
  params.max_replicas = 5;
  params.min_replicas = 2;
  Decision d = decide(state, params, at(1000, 0, 30, 0));
  CHECK(d.replicas == 5);
  CHECK(d.limited == Cause::at_max);
  d = decide(state, params, at(2000, 5, 0, 0));
  CHECK(d.replicas == 2);
  CHECK(d.limited == Cause::at_min);
}

TEST_CASE("scaling up is bounded per period and goes on in the next") {
  State state = old_state();
  Params params;
  params.max_replicas = 100;
  params.up_workers = 20;
  Decision d = decide(state, params, at(1000, 0, 90, 0));
  CHECK(d.replicas == 20);
  CHECK(d.limited == Cause::rate_limited);
  record_up(state, Millis{1000000}, 20);
  d = decide(state, params, at(1001, 20, 90, 0));
  CHECK(d.replicas == 20);
  REQUIRE(d.recheck);
  CHECK(*d.recheck == Millis{4000});
  d = decide(state, params, at(1005, 20, 90, 0));
  CHECK(d.replicas == 40);
  record_up(state, Millis{1005000}, 20);
  // 100 % of 40 in the next period.
  CHECK(decide(state, params, at(1011, 40, 90, 0)).replicas == 80);
}

TEST_CASE("while no handler can run there is no scale-out, but the first worker starts") {
  State state = old_state();
  Snapshot broken = at(1000, 2, 30, 0);
  broken.workers.all_broken = true;
  const Decision d = decide(state, {}, broken);
  CHECK(d.replicas == 2);
  CHECK(d.limited == Cause::handlers_broken);
  CHECK(d.reason.ends_with("; no handler can run: 2 held"));
  broken.current = 0;  // those words are of workers that left
  CHECK(decide(state, {}, broken).replicas == 10);
}

TEST_CASE("down only to the highest want of the window") {
  State state = old_state();
  Params params;
  params.scale_down_window = Millis{15000};
  CHECK(decide(state, params, at(1000, 8, 8, 0)).replicas == 8);
  Decision d = decide(state, params, at(1005, 8, 1, 0));
  CHECK(d.replicas == 8);
  CHECK(d.limited == Cause::window);
  REQUIRE(d.recheck);
  CHECK(*d.recheck == Millis{10001});
  CHECK(decide(state, params, at(1016, 8, 1, 0)).replicas == 1);
}

TEST_CASE("right after a start nothing shrinks for one window") {
  State state;
  Params params;
  params.scale_to_zero_after = Millis{0};
  CHECK(decide(state, params, at(1000, 7, 0, 0)).replicas == 7);
  CHECK(decide(state, params, at(1014, 7, 0, 0)).replicas == 7);
  CHECK(decide(state, params, at(1016, 7, 0, 0)).replicas == 0);
}

TEST_CASE("to zero only when empty for long enough") {
  State state = old_state();
  Params params;
  params.scale_down_window = Millis{0};
  params.scale_to_zero_after = Millis{60000};
  CHECK(decide(state, params, at(1000, 3, 0, 0)).replicas == 1);
  CHECK(decide(state, params, at(1059, 1, 0, 0)).replicas == 1);
  CHECK(decide(state, params, at(1060, 1, 0, 0)).replicas == 0);
  // A job that runs on a worker on its way out keeps the last one.
  Snapshot leaving = at(1100, 1, 0, 0);
  leaving.demand->active_all = 1;
  CHECK(decide(state, params, leaving).replicas == 1);
  CHECK(decide(state, params, at(1101, 1, 0, 0)).replicas == 1);
}

TEST_CASE("an unreadable queue holds the size") {
  State state = old_state();
  Snapshot s = at(1000, 6, 0, 0);
  s.demand.reset();
  const Decision d = decide(state, Params{}, s);
  CHECK(d.replicas == 6);
  CHECK(d.cause == Cause::unknown);
  // The time in which nothing was known does not count as empty.
  CHECK(decide(state, Params{}, at(1001, 6, 0, 0)).replicas >= 1);
}

TEST_CASE("a fixed size replaces the policy and is clamped to 0..max") {
  State state = old_state();
  Params params;
  params.fixed = 3;
  CHECK(decide(state, params, at(1000, 9, 50, 0)).replicas == 3);
  params.fixed = 30;
  const Decision d = decide(state, params, at(1000, 9, 0, 0));
  CHECK(d.replicas == 10);
  CHECK(d.limited == Cause::clamped);
  Snapshot unknown = at(1000, 1, 0, 0);
  unknown.demand.reset();
  CHECK(decide(state, params, unknown).replicas == 10);
}

TEST_CASE("while claims are paused the size stands still, and for one window after") {
  State state = old_state();
  Params params;
  params.scale_to_zero_after = Millis{0};
  Snapshot paused = at(1000, 2, 50, 0);
  paused.claims_paused = true;
  Decision d = decide(state, params, paused);
  CHECK(d.replicas == 2);
  CHECK(d.cause == Cause::paused);
  CHECK(d.reason == "claims are paused: 2 workers held");
  CHECK(to_string(d.cause) == "Paused");
  paused = at(1100, 2, 0, 0);
  paused.claims_paused = true;
  CHECK(decide(state, params, paused).replicas == 2);
  CHECK(decide(state, params, at(1101, 2, 0, 0)).replicas == 2);
  CHECK(decide(state, params, at(1101, 2, 9, 0)).replicas == 9);
}

TEST_CASE("a fixed size counts while a person paused the queue, not while the spec says Claims") {
  State state = old_state();
  Params params;
  params.fixed = 0;
  Snapshot paused = at(1000, 2, 50, 0);
  paused.claims_paused = true;
  CHECK(decide(state, params, paused).replicas == 0);
  params.pause = Pause::claims;
  CHECK(decide(state, params, paused).replicas == 2);
  paused.demand.reset();
  CHECK(decide(state, params, paused).cause == Cause::paused);
}

TEST_CASE("properties over random histories") {
  const unsigned seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  const auto dice = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  for (int history = 0; history < 300; ++history) {
    Params params;
    params.concurrency = 1 + dice(8);
    params.min_replicas = dice(3);
    params.max_replicas = params.min_replicas + dice(40);
    params.spare_workers = dice(3);
    params.scale_down_window = Millis{dice(30) * 1000};
    params.scale_to_zero_after = Millis{dice(60) * 1000};
    State state;
    int current = dice(10);
    Millis now{1000000};
    for (int i = 0; i < 60; ++i) {
      now += Millis{1 + dice(8000)};
      Snapshot s;
      s.now = now;
      s.current = current;
      const int active = std::min(dice(50), current * params.concurrency);
      if (dice(5) != 0) s.demand = Demand{dice(200), dice(5), active, active, {}, true};
      State copy = state;
      const Decision d = decide(state, params, s);
      // Idempotent: the same again says the same.
      CHECK(decide(copy, params, s).replicas == d.replicas);
      if (!s.demand) {
        CHECK(d.replicas == current);
      } else {
        CHECK(d.replicas <= std::max(params.max_replicas, current));
        const int busy = (active + params.concurrency - 1) / params.concurrency;
        CHECK(d.replicas >= std::min({busy, params.max_replicas, current}));
        if (d.replicas == 0 && current > 0 && params.max_replicas > 0) {
          CHECK(s.demand->waiting + s.demand->active_all + s.demand->due_soon == 0);
        }
        // Monotone: one more job waiting never asks for fewer.
        State more_state = copy;
        Snapshot more = s;
        more.demand->waiting += 1;
        CHECK(decide(more_state, params, more).replicas >= d.replicas);
      }
      if (d.replicas > current) record_up(state, now, d.replicas - current);
      current = d.replicas;
    }
  }
}
