// What holds for every history: random pools, each through a random series of readings, carried out
// as the controller does.
#include <algorithm>
#include <doctest/doctest.h>
#include <limits>
#include <rapidcheck.h>

#include "operator/scaling/bounds.h"
#include "operator/scaling/want.h"
#include "tests/operator/scaling/support.h"

using namespace wp;
using namespace wp::scaling;
using namespace wp::scaling::test;

namespace {

int dice(int from, int to) {
  return *rc::gen::resize(rc::kNominalSize, rc::gen::inRange(from, to + 1));
}
bool one_in(int n) {
  return dice(1, n) == 1;
}
Millis time_up_to(int seconds) {
  return Millis{dice(0, seconds * 10) * 100};
}

Params any_params() {
  Params p;
  p.policy = static_cast<Policy>(dice(0, 3));
  p.look_ahead.target_wait = time_up_to(10);
  p.look_ahead.headroom = static_cast<Headroom>(dice(0, 2));
  p.look_ahead.expected_duration = time_up_to(100);
  p.threshold.down_at_percent = dice(0, 199);
  p.threshold.up_at_percent = p.threshold.down_at_percent + dice(1, 300);
  p.threshold.step = dice(0, 3);
  p.threshold.target_depth = dice(0, 20);
  p.threshold.cooldown = time_up_to(60);
  p.jobs_per_worker = dice(1, 30);
  p.concurrency = dice(1, 8);
  p.min_replicas = dice(0, 4);
  p.max_replicas = dice(0, 60);
  p.spare_workers = dice(0, 3);
  if (one_in(8)) p.pause = static_cast<Pause>(dice(0, 4));
  if (one_in(8)) p.fixed = dice(0, 70);
  if (one_in(4)) p.ramp = RampBounds{1, 3, dice(0, 30), dice(0, 3), one_in(2)};
  if (one_in(4)) p.schedule = ScheduleFloor{"day", dice(0, 20)};
  if (one_in(4)) p.budget = dice(0, 30);
  if (one_in(4)) p.max_active = dice(1, 100);
  p.scale_to_zero_after = time_up_to(60);
  if (one_in(2)) p.scale_down_window = time_up_to(60);
  p.up_workers = dice(1, 20);
  p.up_percent = dice(0, 200);
  p.up_period = time_up_to(20);
  p.fallback_replicas = dice(0, 10);
  p.fallback_after = time_up_to(60);
  p.foreign = one_in(4);
  p.hold_while_active = one_in(2);
  return p;
}

// A pool that lives: what is decided becomes its size.
struct Pool {
  Params params = any_params();
  State state;
  Snapshot snapshot;
  Counters counters;
  Millis unknown_since{0};

  Pool() {
    snapshot.now = Millis{1000000};
    snapshot.current = dice(0, 40);
    if (one_in(3)) seed(state, {std::nullopt, Millis{dice(1, 120) * 1000}});
  }

  // Another reading, some time later.
  void look(Millis after) {
    snapshot.now += after;
    Workers& w = snapshot.workers;
    w = {};
    w.ready = dice(0, snapshot.current);
    w.serving_slots = w.ready * params.concurrency;
    w.starting = snapshot.current - w.ready;
    if (one_in(4)) {
      w.unstartable = dice(0, w.starting);
      w.starting -= w.unstartable;
      w.absent = dice(0, w.unstartable);
    }
    w.retiring = one_in(3) ? dice(0, 5) : 0;
    w.leaving_busy = one_in(4) ? dice(0, 2) : 0;
    w.all_broken = one_in(10);
    snapshot.claims_paused = one_in(20);
    snapshot.started_in.clear();
    if (one_in(10)) snapshot.started_in.push_back(Millis{dice(0, 200) * 1000});
    const bool known = !one_in(6);
    if (!known) {
      if (snapshot.demand) unknown_since = snapshot.now;
      snapshot.demand.reset();
      snapshot.unknown_for = snapshot.now - unknown_since;
      return;
    }
    Demand d;
    const bool busy = !one_in(3);
    d.waiting = busy ? dice(0, 300) : 0;
    d.active_serving = busy ? dice(0, w.serving_slots) : 0;
    d.active_all = d.active_serving + (one_in(4) ? dice(0, 5) : 0);
    d.due_soon = one_in(5) ? dice(0, 5) : 0;
    d.active_known = !params.foreign || !one_in(5);
    w.busy = std::min<int>(w.ready, static_cast<int>(d.active_serving));
    counters.started += dice(0, 50);
    counters.completed += dice(0, 50);
    if (one_in(30)) counters = {};
    if (!params.foreign || one_in(2)) d.counters = counters;
    snapshot.demand = d;
    snapshot.unknown_for = Millis{0};
  }

  void carry_out(const Decision& d) {
    const int back =
        std::min(snapshot.workers.retiring, std::max(0, d.replicas - snapshot.current));
    record_up(state, snapshot.now, d.replicas - snapshot.current - back);
    snapshot.current = d.replicas;
  }

  bool follows_demand() const {
    return snapshot.demand && !snapshot.claims_paused && !params.fixed &&
           params.pause != Pause::claims;
  }
  bool may_shrink() const {
    return params.pause == Pause::none || params.pause == Pause::scale_out;
  }
  bool held_by_active() const {
    return params.foreign && params.hold_while_active &&
           (!snapshot.demand || !snapshot.demand->active_known || snapshot.demand->active_all > 0);
  }
  int cap() const { return cap_of(params).workers; }
};

// `check(pool before the decision, decision)` for each reading of each history.
template <typename Check>
bool through_histories(const char* what, Check check) {
  return rc::check(what, [&] {
    Pool pool;
    const int readings = dice(1, 25);
    for (int i = 0; i < readings; ++i) {
      pool.look(one_in(3) ? Millis{dice(0, 200)} : time_up_to(30));
      Pool before = pool;
      const Decision d = decide(pool.state, pool.params, pool.snapshot);
      check(before, d, pool);
      pool.carry_out(d);
    }
  });
}

}  // namespace

TEST_CASE("never above what the pool may have") {
  CHECK(through_histories("cap", [](const Pool& pool, const Decision& d, const Pool&) {
    RC_ASSERT(d.replicas >= 0);
    if (pool.follows_demand() && pool.may_shrink() && !pool.held_by_active()) {
      RC_ASSERT(d.replicas <= pool.cap());
    } else {
      const int most = pool.params.fixed ? pool.params.max_replicas : pool.cap();
      RC_ASSERT(d.replicas <=
                std::max(pool.snapshot.current + pool.snapshot.workers.retiring, most));
    }
  }));
}

TEST_CASE("never below what runs on serving workers") {
  CHECK(through_histories("running", [](const Pool& pool, const Decision& d, const Pool&) {
    if (!pool.follows_demand()) return;
    const int running = ceil_div(pool.snapshot.demand->active_serving, pool.params.concurrency);
    RC_ASSERT(d.replicas >= std::min({running, pool.cap(), pool.snapshot.current}));
  }));
}

TEST_CASE("never down while the queue is unknown or its claims are paused") {
  CHECK(through_histories("unknown", [](const Pool& pool, const Decision& d, const Pool&) {
    if (pool.params.fixed && pool.params.pause != Pause::claims) return;
    if (pool.follows_demand()) return;
    RC_ASSERT(d.replicas >= pool.snapshot.current);
  }));
}

TEST_CASE("to zero only when nothing waits, runs or is due, or nothing is allowed") {
  CHECK(through_histories("zero", [](const Pool& pool, const Decision& d, const Pool&) {
    if (d.replicas > 0 || pool.snapshot.current == 0 || pool.params.fixed || pool.cap() == 0)
      return;
    RC_ASSERT(pool.snapshot.demand.has_value());
    const Demand& demand = *pool.snapshot.demand;
    RC_ASSERT(demand.waiting == 0);
    RC_ASSERT(demand.active_all == 0);
    RC_ASSERT(demand.due_soon == 0);
    RC_ASSERT(demand.active_known);
    RC_ASSERT(pool.snapshot.workers.leaving_busy == 0);
    RC_ASSERT(pool.params.min_replicas == 0);
  }));
}

TEST_CASE("more waiting jobs never ask for fewer workers") {
  CHECK(through_histories("monotone", [](const Pool& pool, const Decision& d, const Pool&) {
    if (!pool.snapshot.demand) return;
    for (const int more : {1, 7, 1000}) {
      Pool other = pool;
      other.snapshot.demand->waiting += more;
      RC_ASSERT(decide(other.state, other.params, other.snapshot).replicas >= d.replicas);
    }
  }));
}

TEST_CASE("the same reading again gives the same number and words") {
  CHECK(through_histories("idempotent", [](const Pool&, const Decision& d, const Pool& pool) {
    Pool again = pool;
    again.snapshot.started_in.clear();  // they have been counted
    for (int i = 0; i < 3; ++i) {
      const Decision same = decide(again.state, again.params, again.snapshot);
      RC_ASSERT(same.replicas == d.replicas);
      RC_ASSERT(same.cause == d.cause);
      RC_ASSERT(same.limited == d.limited);
    }
  }));
}

TEST_CASE("after a restart that lost all nothing shrinks within a window, but to what a cap says") {
  CHECK(through_histories("restart", [](const Pool& pool, const Decision&, const Pool&) {
    if (pool.params.fixed) return;
    Pool fresh = pool;
    fresh.state = {};
    const Millis begin = fresh.snapshot.now;
    for (int i = 0; i < 10; ++i) {
      const int before = fresh.snapshot.current;
      const Decision d = decide(fresh.state, fresh.params, fresh.snapshot);
      // The first known reading begins the window: it is never over earlier.
      if (fresh.snapshot.now - begin < down_window(fresh.state, fresh.params)) {
        RC_ASSERT(d.replicas >= std::min(before, fresh.cap()));
      }
      fresh.carry_out(d);
      fresh.look(time_up_to(5));
    }
  }));
}

TEST_CASE("the number changes by itself no sooner than the decision says") {
  CHECK(through_histories("recheck", [](const Pool&, const Decision& d, const Pool& pool) {
    // LookAhead's estimators move all the time; it says so by a second.
    if (pool.params.policy == Policy::look_ahead && pool.snapshot.demand &&
        pool.snapshot.demand->counters) {
      return;
    }
    Pool later = pool;
    later.snapshot.started_in.clear();
    const Millis quiet = d.recheck ? *d.recheck - Millis{1} : Millis{100000000};
    later.snapshot.now += quiet;
    if (!later.snapshot.demand) later.snapshot.unknown_for += quiet;
    RC_ASSERT(decide(later.state, later.params, later.snapshot).replicas == d.replicas);
  }));
}

TEST_CASE("while LookAhead moves by itself it looks again each second") {
  CHECK(through_histories("tick", [](const Pool& pool, const Decision& d, const Pool&) {
    if (pool.params.policy != Policy::look_ahead || !pool.follows_demand()) return;
    const Demand& demand = *pool.snapshot.demand;
    if (!demand.counters || demand.waiting + demand.due_soon + demand.active_all == 0) return;
    RC_ASSERT(d.recheck.has_value());
    RC_ASSERT(*d.recheck <= Millis{1000});
  }));
}

TEST_CASE("the text begins with its inputs, names no huge number and stays short") {
  CHECK(through_histories("text", [](const Pool&, const Decision& d, const Pool&) {
    RC_ASSERT(!d.reason.empty());
    // Random pools reach what no real one does: every part at once, each with its longest wording.
    RC_ASSERT(d.reason.size() <= 320);
    for (const char* word : {"nan", "inf", "e+", "-1"}) {
      RC_ASSERT(d.reason.find(word) == std::string::npos);
    }
  }));
}

TEST_CASE("what is remembered stays bounded, at a reading each millisecond and sinking demand") {
  Params params = unlimited(Policy::slot_per_job);
  params.scale_down_window = Millis{3600000};
  params.up_period = Millis{3600000};
  State state = old_state();
  Snapshot s = at(1000, 50000, 50000, 0);
  for (int i = 0; i < 20000; ++i) {
    s.now += Millis{1};
    s.demand->waiting = 50000 - i;
    (void)decide(state, params, s);
    record_up(state, s.now, 1);
  }
  CHECK(state.wants.size() <= 66);
  CHECK(state.ups.size() <= 32);
  // None was forgotten: the highest still stands, and so does the sum.
  CHECK(state.wants.front().second >= 49999);
  int sum = 0;
  for (const auto& [time, count] : state.ups) sum += count;
  CHECK(sum == 20000);
}

TEST_CASE(
    "a window full of sinking wants lets go of each in its time, within a part of the window") {
  Params params = unlimited(Policy::slot_per_job);
  params.scale_down_window = Millis{64000};
  State state = old_state();
  Snapshot s = at(1000, 1000, 1000, 0);
  for (int second = 0; second < 600; ++second) {
    s.now += Millis{100};
    s.demand->waiting = std::max(1, 1000 - second);
    const Decision d = decide(state, params, s);
    CHECK(d.replicas <= s.current);
    s.current = d.replicas;
  }
  // From 1000 by 10 a second: 64 s later at least what was wanted 66 s before is gone.
  for (int tick = 0; tick < 340; ++tick) {
    s.now += Millis{100};
    s.current = decide(state, params, s).replicas;
  }
  CHECK(s.current <= 1000 - 10 * (94 - 66));
  CHECK(s.current >= 1000 - 10 * (94 - 64));
}

TEST_CASE("numbers beyond all measure") {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  constexpr int kInt = std::numeric_limits<int>::max();
  for (int policy = 0; policy < 4; ++policy) {
    for (const std::int64_t n : {kMost, std::int64_t{-1}, std::int64_t{0}}) {
      Params params = with(static_cast<Policy>(policy), kInt, kInt);
      params.jobs_per_worker = 0;
      params.spare_workers = kInt;
      params.min_replicas = kInt;
      params.up_workers = kInt;
      params.up_percent = kInt;
      params.up_period = Millis{0};
      params.threshold = {kInt, 0, kInt, kMost, Millis{0}};
      params.max_active = kMost;
      State state = old_state();
      Snapshot s = at(1000, 100000, n, n);
      s.demand->due_soon = n;
      s.demand->counters = Counters{n, n, n, n};
      s.workers = {kInt, kInt, kInt, kInt, kInt, kInt, kInt, kInt, false};
      for (int i = 0; i < 3; ++i) {
        s.now += Millis{1};
        const Decision d = decide(state, params, s);
        CHECK(d.replicas >= 0);
        CHECK(d.replicas <= kMostWorkers);
      }
    }
  }
}
