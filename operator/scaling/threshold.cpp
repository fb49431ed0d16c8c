#include "operator/scaling/threshold.h"

#include <algorithm>
#include <fmt/format.h>

#include "operator/scaling/wording.h"

namespace wp::scaling {
namespace {

struct Inputs {
  std::int64_t waiting = 0;
  int current = 0;
  int workers = 0;  // that count
  int busy = 0;     // never below these
  bool idle_slot = false;
};

Inputs inputs_of(const Params& params, const Snapshot& snapshot, const Demand& demand) {
  Inputs in;
  in.waiting = demand.waiting;
  in.current = snapshot.current;
  in.workers = std::max(0, snapshot.current - snapshot.workers.absent);
  in.busy = std::max(snapshot.workers.busy, ceil_div(demand.active_serving, params.concurrency));
  in.idle_slot = snapshot.workers.serving_slots > demand.active_serving;
  return in;
}

// waiting / workers against the two bounds, without a division.
bool is_above(const Inputs& in, int percent) {
  return in.workers == 0 ? in.waiting > 0 : in.waiting * 100 > std::int64_t{percent} * in.workers;
}
bool is_below(const Inputs& in, int percent) {
  return in.workers == 0 ? in.waiting == 0 : in.waiting * 100 < std::int64_t{percent} * in.workers;
}

std::string spell_ratio(const Inputs& in) {
  if (in.workers == 0) return fmt::format("{} waiting, no worker", in.waiting);
  return fmt::format("{} waiting / {} = {} %", in.waiting, spell_workers(in.workers),
                     in.waiting * 100 / in.workers);
}

Want choose(const ThresholdParams& params, const Inputs& in) {
  Want want;
  want.cause = Cause::backlog;
  want.reason = spell_ratio(in);
  if (is_above(in, params.up_at_percent)) {
    if (params.step > 0) {
      want.workers = in.current + params.step;
      want.reason += fmt::format(", above {} %: {} + {} = {}", params.up_at_percent, in.current,
                                 params.step, spell_workers(want.workers));
    } else {
      want.workers = std::max(ceil_div(in.waiting * 100, params.up_at_percent), in.busy);
      want.reason +=
          fmt::format(", above {} %: {}", params.up_at_percent, spell_workers(want.workers));
    }
    return want;
  }
  if (is_below(in, params.down_at_percent)) {
    const int down = params.step > 0 ? in.current - params.step
                                     : ceil_div(in.waiting * 100, params.down_at_percent);
    want.workers = std::max(in.busy, down);
    want.cause = in.waiting == 0 && in.busy == 0 ? Cause::idle : Cause::below_threshold;
    want.reason += fmt::format(", below {} %: {}{}", params.down_at_percent,
                               want.workers > down ? fmt::format("{} busy, ", in.busy) : "",
                               spell_workers(want.workers));
    return want;
  }
  if (params.target_depth > 0 && in.waiting > params.target_depth && !in.idle_slot) {
    want.workers = in.current + 1;
    want.reason = fmt::format("{} waiting, above the target depth {}, no idle slot: one more, {}",
                              in.waiting, params.target_depth, spell_workers(want.workers));
    return want;
  }
  want.workers = std::max(in.current, in.busy);
  if (in.waiting == 0 && in.busy == 0) want.cause = Cause::idle;
  want.reason += fmt::format(", within {} to {} %: {}", params.down_at_percent,
                             params.up_at_percent, spell_workers(want.workers));
  return want;
}

}  // namespace

Want threshold(std::optional<ThresholdChange>& last, const Params& params, const Snapshot& snapshot,
               const Demand& demand) {
  const Inputs in = inputs_of(params, snapshot, demand);
  Want want = choose(params.threshold, in);
  const Millis since = last ? snapshot.now - last->at : Millis{0};
  if (last && since < params.threshold.cooldown) {
    want.recheck = params.threshold.cooldown - since;
    const int kept = std::max(last->workers, in.busy);
    if (want.workers != kept) {
      // Its words begin with what would have been done.
      want.reason += fmt::format("; one change per {}: {}", spell_time(params.threshold.cooldown),
                                 spell_workers(kept));
      want.limited = Cause::cooldown;
      want.workers = kept;
    }
    return want;
  }
  // Asked for again it is the same change, and begins no new cooldown.
  if (want.workers != in.current && (!last || last->workers != want.workers)) {
    last = ThresholdChange{snapshot.now, want.workers};
  }
  return want;
}

}  // namespace wp::scaling
