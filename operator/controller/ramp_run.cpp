#include "operator/controller/ramp_run.h"

#include <string>

#include "operator/kube/timestamp.h"

namespace wp::controller {

std::optional<scaling::RampPlan> ramp_plan(const pool::Pool& pool) {
  if (!pool.spec.scaling.ramp) return std::nullopt;
  const pool::Ramp& ramp = *pool.spec.scaling.ramp;
  scaling::RampPlan plan;
  for (const pool::RampStep& step : ramp.steps) {
    plan.steps.push_back({step.max_replicas, step.min_replicas, step.stable_for});
  }
  plan.rollback_to = ramp.rollback_to;
  plan.pause_claims = ramp.on_rollback == pool::OnRollback::pause_claims;
  const pool::RollbackWhen& when = ramp.rollback_when;
  plan.triggers = {when.failure_percent, when.lost_jobs, when.interrupted_jobs,
                   when.stalled_workers, when.error_contains};
  const auto reset = pool.meta.annotations.find(kRampReset);
  if (reset != pool.meta.annotations.end()) {
    plan.reset = reset->second.substr(0, pool::kMaxRampReset);
  }
  return plan;
}

std::optional<scaling::RampState> ramp_state(const std::optional<pool::RampStatus>& status) {
  if (!status) return std::nullopt;
  const auto phase = scaling::ramp_phase(status->state);
  const auto since = kube::parse_timestamp(status->since);
  if (!phase || !since) return std::nullopt;
  scaling::RampState state;
  state.step = status->step;
  state.since = *since;
  state.phase = *phase;
  state.trigger = status->trigger;
  state.jobs = status->jobs;
  state.plan = status->hash;
  state.reset = status->reset;
  if (const auto& kept = status->baseline) {
    state.baseline =
        scaling::RampCounters{kept->completed, kept->failed, kept->lost, kept->interrupted};
  }
  return state;
}

pool::RampStatus ramp_status(const scaling::RampState& state) {
  std::optional<pool::RampBaseline> baseline;
  if (const auto& begun = state.baseline) {
    baseline = pool::RampBaseline{begun->completed, begun->failed, begun->lost, begun->interrupted};
  }
  return {.step = state.step,
          .since = format_time_seconds(state.since),
          .state = std::string(to_string(state.phase)),
          .trigger = state.trigger,
          .jobs = state.jobs,
          .hash = state.plan,
          .reset = state.reset,
          .baseline = baseline};
}

scaling::RampEvidence ramp_evidence(const queue::Counts* counts,
                                    const std::vector<queue::Failure>& failures, int stalled,
                                    Millis wall) {
  scaling::RampEvidence evidence;
  evidence.stalled_workers = stalled;
  if (counts == nullptr) return evidence;
  const auto stat = [counts](const std::string& name) {
    const auto found = counts->stat.find(name);
    return found == counts->stat.end() ? std::int64_t{0} : found->second;
  };
  evidence.counters = scaling::RampCounters{stat("completed"), stat("failed"),
                                            stat("lost") + stat("crashed"), stat("interrupted")};
  for (auto one = failures.rbegin(); one != failures.rend(); ++one) {
    evidence.failures.push_back({one->id, wall - (counts->now - one->at), one->kind, one->error});
  }
  return evidence;
}

}  // namespace wp::controller
