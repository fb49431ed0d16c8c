#include "operator/scaling/decide.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

#include "operator/scaling/bounds.h"
#include "operator/scaling/growth.h"
#include "operator/scaling/look_ahead.h"
#include "operator/scaling/recheck.h"
#include "operator/scaling/shrink.h"
#include "operator/scaling/slot_per_job.h"
#include "operator/scaling/target_depth.h"
#include "operator/scaling/unschedulable.h"
#include "operator/scaling/want.h"
#include "operator/scaling/wording.h"

namespace wp::scaling {
namespace {

constexpr std::int64_t kMostCounted = std::int64_t{1} << 61;  // the sum of two still fits

// What others counted is not trusted to be possible.
Demand plausible(Demand demand) {
  for (std::int64_t* number :
       {&demand.waiting, &demand.due_soon, &demand.active_all, &demand.active_serving}) {
    *number = std::clamp<std::int64_t>(*number, 0, kMostJobs);
  }
  if (demand.counters) {
    Counters& counters = *demand.counters;
    for (std::int64_t* number :
         {&counters.started, &counters.completed, &counters.failed, &counters.busy_ms}) {
      *number = std::clamp<std::int64_t>(*number, 0, kMostCounted);
    }
  }
  return demand;
}

Snapshot plausible(Snapshot snapshot) {
  if (snapshot.demand) snapshot.demand = plausible(*snapshot.demand);
  Workers& workers = snapshot.workers;
  for (int* number : {&snapshot.current, &workers.starting, &workers.unstartable, &workers.absent,
                      &workers.ready, &workers.busy, &workers.retiring, &workers.leaving_busy}) {
    *number = std::clamp(*number, 0, kMostWorkers);
  }
  workers.serving_slots = std::max(0, workers.serving_slots);
  return snapshot;
}

Params plausible(Params params) {
  params.concurrency = std::max(1, params.concurrency);
  params.jobs_per_worker = std::max<std::int64_t>(1, params.jobs_per_worker);
  params.threshold.step = std::clamp(params.threshold.step, 0, kMostWorkers);
  params.threshold.up_at_percent = std::max(1, params.threshold.up_at_percent);
  params.threshold.down_at_percent = std::max(0, params.threshold.down_at_percent);
  params.spare_workers = std::clamp(params.spare_workers, 0, kMostWorkers);
  params.max_replicas = std::clamp(params.max_replicas, 0, kMostWorkers);
  params.min_replicas = std::clamp(params.min_replicas, 0, kMostWorkers);
  params.up_period = std::max(Millis{1}, params.up_period);
  return params;
}

Want want_of(State& state, const Params& params, const Snapshot& snapshot, const Demand& demand) {
  switch (params.policy) {
    case Policy::look_ahead:
      break;
    case Policy::slot_per_job:
      return slot_per_job(params, demand);
    case Policy::threshold:
      return threshold(state.threshold, params, snapshot, demand);
    case Policy::target_depth:
      return target_depth(params, demand);
  }
  if (demand.counters) return look_ahead(params, demand, snapshot.workers, state.estimators);
  Want want = slot_per_job(params, demand);
  want.reason = "SlotPerJob, as this queue has no counters: " + want.reason;
  return want;
}

// One decision: the rows of "From formula to decision" in their order.
class Deciding {
 public:
  Deciding(State& state, Params params, Snapshot snapshot)
      : state_(state), params_(std::move(params)), snapshot_(std::move(snapshot)) {}

  Decision run() {
    state_.estimators.add_starts(snapshot_.now, snapshot_.started_in);
    if (snapshot_.demand) {
      state_.estimators.tick(snapshot_.now, *snapshot_.demand,
                             params_.look_ahead.expected_duration);
    } else {
      state_.estimators.stand_still();
    }
    if (params_.pause == Pause::claims) {
      freeze();
    } else if (params_.fixed) {
      fix();
    } else if (!snapshot_.demand) {
      // An error is never a zero.
      go_blind();
    } else if (snapshot_.claims_paused) {
      freeze();
    } else {
      follow_demand();
    }
    return std::move(decision_);
  }

 private:
  // The workers' claims are paused: more of them would find nothing, those there wait to go on. One
  // that was about to leave and still runs something stays, if it can be called back.
  void freeze() {
    const Workers& workers = snapshot_.workers;
    const int running =
        std::min(workers.busy + workers.leaving_busy, snapshot_.current + workers.retiring);
    hold(std::max(snapshot_.current, running), Cause::paused, "claims are paused");
  }

  void hold(int workers, Cause cause, std::string_view why) {
    decision_.replicas = workers;
    decision_.cause = cause;
    decision_.limited = cause;
    decision_.reason = fmt::format("{}: {} held", why, spell_workers(workers));
    state_.empty_since.reset();
    if (!state_.blind_since) state_.blind_since = snapshot_.now;
  }

  // A fixed size replaces the policy and its bounds; it is kept without looking at the queue.
  void fix() {
    const int size = std::clamp(*params_.fixed, 0, params_.max_replicas);
    decision_.replicas = size;
    decision_.cause = Cause::fixed;
    decision_.reason = fmt::format("fixed at {} by spec.replicas", *params_.fixed);
    if (size != *params_.fixed) {
      decision_.limited = Cause::clamped;
      decision_.reason += fmt::format(", clamped to {}: {}", size == 0 ? "0" : "maxReplicas", size);
    }
    state_.wants.clear();
    record_want(state_, snapshot_.now, down_window(state_, params_), size);
    state_.empty_since.reset();
    state_.blind_since.reset();
    if (size > snapshot_.current) {
      limit_growth(decision_, state_, params_, snapshot_);
    } else if (size < snapshot_.current) {
      limit_fixed_shrink(decision_, params_, snapshot_);
    }
    end_climb(state_, snapshot_, size);
  }

  void go_blind() {
    const int fallback = std::min(params_.fallback_replicas, cap_of(params_).workers);
    hold(snapshot_.current, Cause::unknown, "the queue could not be read");
    if (params_.fallback_replicas <= 0) return;
    if (snapshot_.unknown_for < params_.fallback_after) {
      come_back(decision_, params_.fallback_after - snapshot_.unknown_for);
      return;
    }
    decision_.fallback = true;
    decision_.replicas = std::max(snapshot_.current, fallback);
    decision_.reason = fmt::format("the queue could not be read for {}: fallback {}, {}",
                                   spell_time(params_.fallback_after), params_.fallback_replicas,
                                   spell_workers(decision_.replicas));
    if (decision_.replicas > snapshot_.current) {
      limit_growth(decision_, state_, params_, snapshot_);
    }
  }

  // After a start, and after a time in which nobody looked, what was wanted before is not known.
  void begin_watch() {
    const bool long_blind =
        state_.blind_since && snapshot_.now - *state_.blind_since >= down_window(state_, params_);
    if (!state_.started || long_blind) state_.started = snapshot_.now;
    state_.blind_since.reset();
  }

  void follow_demand() {
    begin_watch();
    const Demand& demand = *snapshot_.demand;
    note_empty(state_, snapshot_, demand);
    Want want = want_of(state_, params_, snapshot_, demand);
    decision_.replicas = want.workers;
    decision_.cause = want.cause;
    decision_.limited = want.limited;
    decision_.reason = std::move(want.reason);
    if (want.recheck) come_back(decision_, *want.recheck);

    apply_bounds(decision_, params_, demand);
    const int cap = cap_of(params_).workers;
    allow_for_stuck(decision_, state_, snapshot_, cap);

    const int target = decision_.replicas;
    record_want(state_, snapshot_.now, down_window(state_, params_), target);
    if (target > snapshot_.current) {
      limit_growth(decision_, state_, params_, snapshot_);
    } else if (target < snapshot_.current) {
      limit_shrink(decision_, state_, params_, snapshot_, demand, cap);
    }
    end_climb(state_, snapshot_, target);
  }

  State& state_;
  const Params params_;
  const Snapshot snapshot_;
  Decision decision_;
};

}  // namespace

Decision decide(State& state, const Params& params, const Snapshot& snapshot) {
  return Deciding(state, plausible(params), plausible(snapshot)).run();
}

}  // namespace wp::scaling
