#include "operator/scaling/decide.h"

#include <algorithm>
#include <cstdint>
#include <fmt/format.h>

namespace wp::scaling {
namespace {

int ceil_div(std::int64_t value, int by) {
  return static_cast<int>(std::min<std::int64_t>((value + by - 1) / by, 1000000));
}

std::string seconds(Millis time) {
  const std::int64_t ms = time.count();
  return ms % 1000 == 0 ? fmt::format("{} s", ms / 1000)
                        : fmt::format("{:.1f} s", static_cast<double>(ms) / 1000.0);
}

std::string_view workers(int n) {
  return n == 1 ? "worker" : "workers";
}

void trim(std::deque<std::pair<Millis, int>>& entries, Millis from) {
  while (!entries.empty() && entries.front().first < from) entries.pop_front();
}

// How many more may be asked for now, and when the next may.
int room_to_grow(State& state, const Params& params, const Snapshot& snapshot) {
  trim(state.ups, snapshot.now - params.up_period + Millis{1});
  int added = 0;
  for (const auto& [time, count] : state.ups) added += count;
  const int before = std::max(0, snapshot.current - added);
  const int allowed =
      std::max(params.up_workers, static_cast<int>(std::int64_t{before} * params.up_percent / 100));
  return std::max(0, allowed - added);
}

// The size stands still. What was wanted meanwhile is not known: as after a start, hold for one
// window afterwards.
Decision held(State& state, const Snapshot& snapshot, Cause cause, std::string_view why) {
  Decision decision;
  decision.replicas = snapshot.current;
  decision.cause = cause;
  decision.limited = cause;
  decision.reason = fmt::format("{}: {} {} held", why, snapshot.current, workers(snapshot.current));
  state.empty_since.reset();
  state.started = snapshot.now;
  return decision;
}

}  // namespace

std::string_view to_string(Cause cause) {
  switch (cause) {
    case Cause::backlog:
      return "Backlog";
    case Cause::idle:
      return "Idle";
    case Cause::schedule:
      return "Schedule";
    case Cause::below_threshold:
      return "BelowThreshold";
    case Cause::at_max:
      return "AtMax";
    case Cause::at_min:
      return "AtMin";
    case Cause::ramp_step:
      return "RampStep";
    case Cause::rate_limited:
      return "RateLimited";
    case Cause::cooldown:
      return "Cooldown";
    case Cause::handlers_broken:
      return "HandlersBroken";
    case Cause::window:
      return "Window";
    case Cause::budget:
      return "Budget";
    case Cause::unschedulable:
      return "Unschedulable";
    case Cause::unknown:
      return "Unknown";
    case Cause::paused:
      return "Paused";
    case Cause::fixed:
      return "Fixed";
    case Cause::clamped:
      return "Clamped";
  }
  return "Unknown";
}

void record_up(State& state, Millis now, int added) {
  if (added > 0) state.ups.emplace_back(now, added);
}

Decision decide(State& state, const Params& params, const Snapshot& snapshot) {
  const Millis window = params.scale_down_window.value_or(Millis{15000});
  if (!state.started) state.started = snapshot.now;
  Decision decision;
  if (params.pause == Pause::claims)
    return held(state, snapshot, Cause::paused, "claims are paused");

  // A fixed size replaces the policy; it is kept without looking at the queue.
  if (params.fixed) {
    const int size = std::clamp(*params.fixed, 0, params.max_replicas);
    decision.replicas = size;
    decision.cause = Cause::fixed;
    decision.reason = fmt::format("fixed at {} by spec.replicas", *params.fixed);
    if (size != *params.fixed) {
      decision.limited = Cause::clamped;
      decision.reason += fmt::format(", clamped to maxReplicas: {}", size);
    }
    state.wants.clear();
    state.empty_since.reset();
    return decision;
  }

  // An error is never a zero: hold.
  if (!snapshot.demand) {
    return held(state, snapshot, Cause::unknown, "the queue could not be read");
  }
  // More workers would find nothing to claim, and those there are wait to go on.
  if (snapshot.claims_paused) return held(state, snapshot, Cause::paused, "claims are paused");

  const Demand& demand = *snapshot.demand;
  const std::int64_t jobs = demand.waiting + demand.due_soon + demand.active_serving;
  const int slots = std::max(1, params.concurrency);
  const int want = ceil_div(jobs, slots);
  decision.cause = jobs > 0 ? Cause::backlog : Cause::idle;
  decision.reason = fmt::format("{} waiting + {} running", demand.waiting, demand.active_serving);
  if (demand.due_soon > 0) decision.reason += fmt::format(" + {} due soon", demand.due_soon);
  decision.reason += slots == 1
                         ? fmt::format(" = {} {}", want, workers(want))
                         : fmt::format(", {} per worker = {} {}", slots, want, workers(want));

  int target = want;
  if (params.spare_workers > 0) {
    target += params.spare_workers;
    decision.reason += fmt::format("; + {} spare = {}", params.spare_workers, target);
  }
  // Max wins over min (the CRD refuses min > max; an older one may not).
  if (target < params.min_replicas) {
    target = params.min_replicas;
    decision.limited = Cause::at_min;
    decision.reason += fmt::format("; minReplicas {}", params.min_replicas);
  }
  if (target > params.max_replicas) {
    target = params.max_replicas;
    decision.limited = Cause::at_max;
    decision.reason += fmt::format("; maxReplicas {}", params.max_replicas);
  }

  // Falling values only: a want that a later one reaches can never be the highest again.
  trim(state.wants, snapshot.now - window);
  while (!state.wants.empty() && state.wants.back().second <= target) state.wants.pop_back();
  state.wants.emplace_back(snapshot.now, target);

  const bool empty = demand.waiting == 0 && demand.active_all == 0 && demand.due_soon == 0;
  if (!empty) {
    state.empty_since.reset();
  } else if (!state.empty_since) {
    state.empty_since = snapshot.now;
  }

  decision.replicas = target;
  if (target > snapshot.current && snapshot.workers.all_broken && snapshot.current > 0) {
    // More of the same would run nothing either.
    decision.replicas = snapshot.current;
    decision.limited = Cause::handlers_broken;
    decision.reason += fmt::format("; no handler can run: {} held", snapshot.current);
    return decision;
  }
  if (target > snapshot.current) {
    const int room = room_to_grow(state, params, snapshot);
    if (target - snapshot.current > room) {
      decision.replicas = snapshot.current + room;
      decision.limited = Cause::rate_limited;
      decision.reason +=
          fmt::format("; maxScaleUp lets {} start per {}: {}",
                      std::max(params.up_workers, snapshot.current * params.up_percent / 100),
                      seconds(params.up_period), decision.replicas);
      decision.recheck = state.ups.empty()
                             ? params.up_period
                             : state.ups.front().first + params.up_period - snapshot.now;
    }
    return decision;
  }
  if (target == snapshot.current) return decision;

  // Down: only to the highest want of the window, so that a short lull costs no restart.
  int highest = state.wants.front().second;
  const Millis since_start = snapshot.now - *state.started;
  if (since_start < window) {
    // What was wanted before this process started is not known: hold for one window.
    highest = std::max(highest, snapshot.current);
  }
  highest = std::min(highest, std::max(snapshot.current, target));
  if (highest > target) {
    decision.replicas = highest;
    decision.limited = Cause::window;
    decision.reason +=
        fmt::format("; {} wanted within the last {}: {}", highest, seconds(window), highest);
    const Millis since = std::max(*state.started, state.wants.front().first);
    decision.recheck = since + window - snapshot.now + Millis{1};
  }
  if (decision.replicas == 0) {
    // The last worker leaves later than the others, and never while anything runs anywhere.
    const Millis idle = empty ? snapshot.now - *state.empty_since : Millis{0};
    if (!empty || idle < params.scale_to_zero_after || snapshot.workers.leaving_busy > 0) {
      decision.replicas = std::min(1, snapshot.current);
      decision.limited = Cause::window;
      decision.reason +=
          empty ? fmt::format("; to zero after {} empty", seconds(params.scale_to_zero_after))
                : "; not to zero while a job runs";
      decision.recheck =
          empty ? std::max(Millis{1}, params.scale_to_zero_after - idle) : Millis{1000};
    }
  }
  return decision;
}

}  // namespace wp::scaling
