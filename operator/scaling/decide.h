// How many workers a pool should have, as a pure function: no clock, no I/O, no global. Every
// number it uses comes in with the snapshot; what it must remember is in State, whose loss is
// harmless. The reason is built by the code that decides, so that it is the arithmetic and not a
// story.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "operator/scaling/params.h"
#include "operator/scaling/snapshot.h"

namespace wp::scaling {

/// What a decision remembers. In memory only, per pool.
struct State {
  std::deque<std::pair<Millis, int>> wants;  // of the last window, falling: the first is highest
  std::deque<std::pair<Millis, int>> ups;    // when how many were added, for the rate
  std::optional<Millis> empty_since;         // nothing waits, nothing runs
  std::optional<Millis> started;  // the first known snapshot: after it, no down for a window
};

/// Why the number is what it is; the first word is the cause, the caps follow.
enum class Cause {
  backlog,
  idle,
  schedule,
  below_threshold,
  at_max,
  at_min,
  ramp_step,
  rate_limited,
  cooldown,
  window,
  budget,
  unschedulable,
  handlers_broken,
  unknown,
  paused,
  fixed,
  clamped
};
std::string_view to_string(Cause cause);

struct Decision {
  int replicas = 0;  // workers that should serve
  Cause cause = Cause::idle;
  std::string reason;             // "120 waiting + 14 running / 4 per worker = 34 workers; …"
  std::optional<Cause> limited;   // what capped the demand; absent: nothing did
  bool fallback = false;          // the queue is unknown for so long that the fallback holds
  std::optional<Millis> recheck;  // decide again after this time though nothing changes
};

/// From the policy's want to a number, in the order of the design's "From formula to decision".
/// When the caller carries the decision out it tells so by `record_up`.
Decision decide(State& state, const Params& params, const Snapshot& snapshot);

/// New workers were asked for: counts against the rate of scaling up.
void record_up(State& state, Millis now, int added);

}  // namespace wp::scaling
