// How many workers a pool should have, as a pure function: no clock, no I/O, no global. Every
// number it uses comes in with the snapshot; what it must remember is in State, whose loss is
// harmless. The reason is built by the code that decides, so that it is the arithmetic and not a
// story. One pool's State belongs to one thread at a time; nothing throws.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <utility>

#include "base/clock.h"
#include "operator/scaling/cause.h"
#include "operator/scaling/estimators.h"
#include "operator/scaling/params.h"
#include "operator/scaling/snapshot.h"
#include "operator/scaling/threshold.h"

namespace wp::scaling {

/// The first growth from zero of a pool whose pods start slowly.
struct Climb {
  Millis since{0};
  int from = 0;  // its first number
};

/// What a decision remembers. In memory only, per pool.
struct State {
  Estimators estimators;
  std::optional<ThresholdChange> threshold;  // its last change, for the cooldown
  std::deque<std::pair<Millis, int>> wants;  // of the last window, falling: the first is highest
  std::deque<std::pair<Millis, int>> ups;    // when how many were added, for the rate
  std::optional<Climb> climb;
  std::optional<int> stuck;           // pods that could not start when this began
  std::optional<Millis> empty_since;  // nothing waits, nothing runs
  std::optional<Millis> started;      // the first known snapshot: after it, no down for a window
  std::optional<Millis> blind_since;  // the size is held without a look at the demand
};

struct Decision {
  int replicas = 0;  // workers that should serve
  Cause cause = Cause::idle;
  std::string reason;             // "120 waiting + 14 running: 134 slots / 4 = 34 workers; …"
  std::optional<Cause> limited;   // what capped the demand; absent: nothing did
  bool fallback = false;          // the queue is unknown for so long that the fallback holds
  std::optional<Millis> recheck;  // decide again after this time though nothing changes
};

/// From the policy's want to a number, in the order of the design's "From formula to decision".
/// When the caller carries the decision out it tells so by `record_up`. Schedules and the ramp come
/// in by `params`: when they change next is theirs to say.
Decision decide(State& state, const Params& params, const Snapshot& snapshot);

/// New workers were asked for: counts against the rate of scaling up. Retiring ones that were
/// called back are not new.
void record_up(State& state, Millis now, int added);

/// scaleDownWindow, or three measured pod starts, 10..60 s.
Millis down_window(const State& state, const Params& params);

/// Of a pod, as measured: how far ahead `due_soon` looks.
inline Millis start_time(const State& state) {
  return state.estimators.start_time();
}

/// What status keeps for a restart, and the way back. Without effect on what is measured already.
inline Measured measured(const State& state) {
  return state.estimators.measured();
}
inline void seed(State& state, const Measured& known) {
  state.estimators.seed(known);
}

}  // namespace wp::scaling
