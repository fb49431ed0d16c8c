#include "operator/scaling/shrink.h"

#include <algorithm>
#include <fmt/format.h>

#include "operator/scaling/recheck.h"
#include "operator/scaling/want.h"
#include "operator/scaling/wording.h"

namespace wp::scaling {
namespace {

constexpr int kParts = 64;  // of a window: what lies in the same one is one want

void keep(Decision& decision, int workers, Cause cause, std::string_view why) {
  decision.replicas = workers;
  decision.limited = cause;
  decision.reason += fmt::format("; {}: {} held", why, workers);
}

bool is_paused(Decision& decision, const Params& params, const Snapshot& snapshot) {
  if (params.pause != Pause::scale_in && params.pause != Pause::scaling) return false;
  keep(decision, snapshot.current, Cause::paused,
       params.pause == Pause::scaling ? "pause is Scaling" : "pause is ScaleIn");
  return true;
}

bool is_held(Decision& decision, const Params& params, const Snapshot& snapshot) {
  if (!params.foreign || !params.hold_while_active) return false;
  const bool known = snapshot.demand && snapshot.demand->active_known;
  if (known && snapshot.demand->active_all == 0) return false;
  keep(decision, snapshot.current, Cause::window,
       known ? fmt::format("whileActive is Hold and {} run", snapshot.demand->active_all)
             : "whileActive is Hold and what runs is unknown");
  return true;
}

// The workers that run something will register with it again, and what they run may be gone from
// it.
bool is_settling(Decision& decision, const Snapshot& snapshot, int cap) {
  if (snapshot.settling <= Millis{0}) return false;
  keep(decision, std::max(decision.replicas, std::min(snapshot.current, cap)), Cause::window,
       "the queue lost its data");
  come_back(decision, snapshot.settling);
  return true;
}

// Only to the highest want of the window, so that a short lull costs no restart.
void apply_window(Decision& decision, const State& state, const Params& params,
                  const Snapshot& snapshot, int cap) {
  const Millis window = down_window(state, params);
  const int target = decision.replicas;
  const Millis since_start = snapshot.now - state.started.value_or(snapshot.now);
  if (since_start < window) {
    // What was wanted before this process started is not known.
    keep(decision, std::max(target, std::min(snapshot.current, cap)), Cause::window,
         fmt::format("watched for less than {}", spell_time(window)));
    come_back(decision, window - since_start);
    return;
  }
  if (state.wants.empty()) return;
  const int highest = std::min({state.wants.front().second, cap, snapshot.current});
  if (highest <= target) return;
  decision.replicas = highest;
  decision.limited = Cause::window;
  decision.reason += fmt::format("; {} wanted within the last {}: {} held",
                                 state.wants.front().second, spell_time(window), highest);
  come_back(decision, state.wants.front().first + window - snapshot.now + Millis{1});
}

// Whose workers can't be seen may not lose those that run something.
void keep_running(Decision& decision, const Params& params, const Snapshot& snapshot,
                  const Demand& demand, int cap) {
  if (!params.foreign) return;
  const int running =
      std::min({ceil_div(demand.active_all, params.concurrency), snapshot.current, cap});
  if (running <= decision.replicas) return;
  keep(decision, running, Cause::window, fmt::format("{} run", demand.active_all));
}

void keep_last(Decision& decision, const State& state, const Params& params,
               const Snapshot& snapshot, const Demand& demand, int cap) {
  if (decision.replicas > 0) return;
  const int last = std::min({1, snapshot.current, cap});
  if (last == 0) return;
  if (!state.empty_since) {
    // The fact that ends it, comes with a reading.
    keep(decision, last, Cause::window,
         demand.active_known ? "not to zero while a job waits or runs"
                             : "not to zero while what runs is unknown");
    return;
  }
  if (snapshot.workers.leaving_busy > 0) {
    keep(decision, last, Cause::window, "not to zero while a retiring worker holds a job");
    come_back(decision, Millis{1000});
    return;
  }
  const Millis empty = snapshot.now - *state.empty_since;
  if (empty >= params.scale_to_zero_after) return;
  keep(decision, last, Cause::window,
       fmt::format("to zero after {} empty", spell_time(params.scale_to_zero_after)));
  come_back(decision, params.scale_to_zero_after - empty);
}

}  // namespace

Millis down_window(const State& state, const Params& params) {
  return params.scale_down_window.value_or(
      std::clamp(3 * start_time(state), Millis{10000}, Millis{60000}));
}

void record_want(State& state, Millis now, Millis window, int target) {
  while (!state.wants.empty() && state.wants.front().first < now - window) state.wants.pop_front();
  // Falling values only: a want that a later one reaches can never be the highest again.
  while (!state.wants.empty() && state.wants.back().second <= target) state.wants.pop_back();
  const Millis part = std::max(Millis{1}, window / kParts);
  if (!state.wants.empty() && state.wants.back().first / part == now / part) {
    state.wants.back().first = now;  // the higher of the two, a little longer
    return;
  }
  state.wants.emplace_back(now, target);
}

void note_empty(State& state, const Snapshot& snapshot, const Demand& demand) {
  const bool empty = demand.waiting == 0 && demand.active_all == 0 && demand.active_serving == 0 &&
                     demand.due_soon == 0 && demand.active_known;
  if (!empty) {
    state.empty_since.reset();
  } else if (!state.empty_since) {
    state.empty_since = snapshot.now;
  }
}

void limit_shrink(Decision& decision, const State& state, const Params& params,
                  const Snapshot& snapshot, const Demand& demand, int cap) {
  if (is_paused(decision, params, snapshot) || is_held(decision, params, snapshot)) return;
  if (is_settling(decision, snapshot, cap)) return;
  apply_window(decision, state, params, snapshot, cap);
  keep_running(decision, params, snapshot, demand, cap);
  keep_last(decision, state, params, snapshot, demand, cap);
}

void limit_fixed_shrink(Decision& decision, const Params& params, const Snapshot& snapshot) {
  if (!is_paused(decision, params, snapshot)) (void)is_held(decision, params, snapshot);
}

}  // namespace wp::scaling
