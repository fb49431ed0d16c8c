// Snapshots and states for the tests of the decisions.
#pragma once

#include <algorithm>
#include <cstdint>

#include "operator/scaling/decide.h"

namespace wp::scaling::test {

inline constexpr int kMostForTests = 100000;

/// `active` jobs run, all on serving workers; no counters.
inline Snapshot at(std::int64_t seconds, int current, std::int64_t waiting, std::int64_t active) {
  Snapshot s;
  s.now = Millis{seconds * 1000};
  s.current = current;
  s.demand = Demand{waiting, 0, active, active, {}, true};
  return s;
}

/// A state that has watched for long enough to be allowed everything.
inline State old_state() {
  State state;
  state.started = Millis{0};
  return state;
}

inline Params with(Policy policy, int concurrency = 1, int max = 100) {
  Params params;
  params.policy = policy;
  params.concurrency = concurrency;
  params.max_replicas = max;
  return params;
}

/// The same, without a limit on growth.
inline Params unlimited(Policy policy, int concurrency = 1) {
  Params params = with(policy, concurrency, kMostForTests);
  params.up_workers = kMostForTests;
  return params;
}

/// A pool whose pods take this long to start.
inline State slow_state(Millis start) {
  State state = old_state();
  seed(state, {std::nullopt, start});
  return state;
}

/// Carries a decision out as the controller does.
inline void carry_out(State& state, const Decision& decision, Snapshot& snapshot) {
  const int back =
      std::min(snapshot.workers.retiring, std::max(0, decision.replicas - snapshot.current));
  record_up(state, snapshot.now, decision.replicas - snapshot.current - back);
  snapshot.workers.retiring -= back;
  snapshot.current = decision.replicas;
}

inline Snapshot unknown_at(std::int64_t seconds, int current, std::int64_t unknown_for) {
  Snapshot s = at(seconds, current, 0, 0);
  s.demand.reset();
  s.unknown_for = Millis{unknown_for * 1000};
  return s;
}

}  // namespace wp::scaling::test
