// How many workers a pool should have, as a pure function: no clock, no I/O, no global. Every
// number it uses comes in with the snapshot; what it must remember is in State, whose loss is
// harmless. The reason is built by the code that decides, so that it is the arithmetic and not a
// story.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"

namespace wp::scaling {

/// What the pool declares, in plain numbers.
struct Params {
  int concurrency = 1;  // jobs at once per worker, >= 1
  int min_replicas = 0;
  int max_replicas = 10;
  int spare_workers = 0;
  bool paused = false;       // spec.pause: the size stands still, also a fixed one
  std::optional<int> fixed;  // spec.replicas: replaces the policy
  Millis scale_to_zero_after{60000};
  Millis scale_down_window{15000};
  int up_workers = 20;  // at most max(workers, percent of current) new ones …
  int up_percent = 100;
  Millis up_period{5000};   // … per period
  std::string policy_note;  // said in the reason, when another policy was asked for
};

/// The queue at one moment; unknown is absent, never zero.
struct Demand {
  std::int64_t waiting = 0;         // due now
  std::int64_t due_soon = 0;        // delayed, due within a pod start
  std::int64_t active_all = 0;      // running anywhere
  std::int64_t active_serving = 0;  // running on workers that stay
};

struct Snapshot {
  Millis now{0};                 // steady time
  std::optional<Demand> demand;  // absent: the queue could not be read
  bool paused = false;           // the queue's claims stand still, whoever paused them
  int current = 0;               // replicas asked for now
  int retiring_busy = 0;         // workers on their way out that still hold a job
  bool all_broken = false;       // no worker's handler can run a job
};

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
  at_max,
  at_min,
  rate_limited,
  handlers_broken,
  window,
  unknown,
  paused,
  fixed,
  clamped
};
std::string_view to_string(Cause cause);

struct Decision {
  int replicas = 0;
  Cause cause = Cause::idle;
  std::string reason;             // "120 waiting + 14 running / 4 per worker = 34 workers; …"
  std::optional<Cause> limited;   // what capped the demand; absent: nothing did
  std::optional<Millis> recheck;  // decide again after this time though nothing changes
};

/// The policy SlotPerJob and the way from its want to a number (floor, clamp, rate, window, zero).
/// When the caller carries the decision out it tells so by `record_up`.
Decision decide(State& state, const Params& params, const Snapshot& snapshot);

/// Replicas were raised: counts against the rate of scaling up.
void record_up(State& state, Millis now, int added);

}  // namespace wp::scaling
