#include "operator/scaling/growth.h"

#include <algorithm>
#include <fmt/format.h>

#include "operator/scaling/recheck.h"
#include "operator/scaling/want.h"
#include "operator/scaling/wording.h"

namespace wp::scaling {
namespace {

constexpr Millis kSlowStart{60000};
constexpr std::size_t kMostUps = 32;

// New workers per period, and how many of them are left now.
struct Rate {
  int per_period = 0;
  int left = 0;
};

Rate rate_of(State& state, const Params& params, const Snapshot& snapshot) {
  const Millis from = snapshot.now - params.up_period;
  while (!state.ups.empty() && state.ups.front().first <= from) state.ups.pop_front();
  std::int64_t added = 0;
  for (const auto& [time, count] : state.ups) added += count;
  const std::int64_t before = std::max<std::int64_t>(0, snapshot.current - added);
  const std::int64_t share = before * params.up_percent / 100;
  Rate rate;
  rate.per_period = static_cast<int>(
      std::clamp<std::int64_t>(share, std::max(params.up_workers, 1), kMostWorkers));
  rate.left = static_cast<int>(std::max<std::int64_t>(0, rate.per_period - added));
  return rate;
}

void hold(Decision& decision, const Snapshot& snapshot, Cause cause, std::string_view why) {
  decision.replicas = snapshot.current;
  decision.limited = cause;
  decision.reason += fmt::format("; {}: {} held", why, snapshot.current);
}

// Twice as many per start time, beginning with the climb's first number.
int climb_allows(const Climb& climb, Millis now, Millis start) {
  const std::int64_t starts = std::min<std::int64_t>((now - climb.since) / start, 30);
  return static_cast<int>(std::min<std::int64_t>(std::int64_t{climb.from} << starts, kMostWorkers));
}

}  // namespace

void limit_growth(Decision& decision, State& state, const Params& params,
                  const Snapshot& snapshot) {
  const int current = snapshot.current;
  const int target = decision.replicas;
  if (params.pause == Pause::scale_out || params.pause == Pause::scaling) {
    return hold(decision, snapshot, Cause::paused,
                params.pause == Pause::scaling ? "pause is Scaling" : "pause is ScaleOut");
  }
  if (snapshot.workers.all_broken && current > 0) {
    // More of the same would run nothing either.
    return hold(decision, snapshot, Cause::handlers_broken, "no handler can run");
  }
  const int back = current + std::min(snapshot.workers.retiring, target - current);
  if (target == back) return;

  const Rate rate = rate_of(state, params, snapshot);
  int allowed = back + std::min(rate.left, kMostWorkers - back);
  const Millis start = start_time(state);
  if (current == 0 && start >= kSlowStart) {
    state.climb = Climb{snapshot.now, std::min(target, allowed)};
  }
  if (state.climb && climb_allows(*state.climb, snapshot.now, start) < std::min(target, allowed)) {
    decision.replicas = std::max(back, climb_allows(*state.climb, snapshot.now, start));
    decision.limited = Cause::rate_limited;
    decision.reason += fmt::format("; pods take {} to start, doubled per start: {}",
                                   spell_time(start), decision.replicas);
    come_back(decision, start - (snapshot.now - state.climb->since) % start);
    return;
  }
  if (target > allowed) {
    decision.replicas = allowed;
    decision.limited = Cause::rate_limited;
    decision.reason += fmt::format("; maxScaleUp lets {} start per {}: {}", rate.per_period,
                                   spell_time(params.up_period), allowed);
    come_back(decision, state.ups.empty()
                            ? params.up_period
                            : state.ups.front().first + params.up_period - snapshot.now);
  }
}

void end_climb(State& state, const Snapshot& snapshot, int target) {
  const bool reached = snapshot.current >= target && snapshot.workers.ready > 0;
  if (reached || target == 0) state.climb.reset();
}

void record_up(State& state, Millis now, int added) {
  if (added <= 0) return;
  if (state.ups.size() >= kMostUps) {
    // The later time: never more than the rate allows.
    state.ups[1].second += state.ups[0].second;
    state.ups.pop_front();
  }
  state.ups.emplace_back(now, added);
}

}  // namespace wp::scaling
