// Snapshots and states for the tests of the decisions.
#pragma once

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

}  // namespace wp::scaling::test
