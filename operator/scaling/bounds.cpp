#include "operator/scaling/bounds.h"

#include <algorithm>
#include <fmt/format.h>

#include "operator/scaling/want.h"

namespace wp::scaling {
namespace {

void raise_to_floor(Decision& decision, const Params& params) {
  int floor = params.min_replicas;
  if (params.ramp) floor = std::max(floor, params.ramp->min_replicas);
  if (params.schedule && params.schedule->min_replicas > std::max(floor, decision.replicas)) {
    decision.replicas = params.schedule->min_replicas;
    decision.cause = Cause::schedule;
    decision.reason +=
        fmt::format("; schedule {}: at least {}", params.schedule->name, decision.replicas);
  } else if (floor > decision.replicas) {
    decision.replicas = floor;
    decision.limited = Cause::at_min;
    decision.reason += floor > params.min_replicas
                           ? fmt::format("; ramp step {}: at least {}", params.ramp->step, floor)
                           : fmt::format("; minReplicas {}", floor);
  }
}

}  // namespace

Cap cap_of(const Params& params) {
  Cap cap{params.max_replicas, Cause::at_max};
  if (params.ramp && params.ramp->max_replicas < cap.workers) {
    cap = {params.ramp->max_replicas, Cause::ramp_step};
  }
  if (params.budget && *params.budget < cap.workers) cap = {*params.budget, Cause::budget};
  cap.workers = std::clamp(cap.workers, 0, kMostWorkers);
  return cap;
}

std::string spell_cap(const Params& params, const Cap& cap) {
  if (cap.cause == Cause::budget) return fmt::format("the budget fits {}", cap.workers);
  if (cap.cause != Cause::ramp_step) return fmt::format("maxReplicas {}", cap.workers);
  if (params.ramp->rolled_back) return fmt::format("the ramp is rolled back to {}", cap.workers);
  return fmt::format("ramp step {} of {} allows {}", params.ramp->step, params.ramp->steps,
                     cap.workers);
}

void apply_bounds(Decision& decision, const Params& params, const Demand& demand) {
  if (params.max_active > 0) {
    // Slots beyond it could run nothing; what runs already, runs.
    const int useful =
        ceil_div(std::max(params.max_active, demand.active_serving), params.concurrency);
    if (decision.replicas > useful) {
      decision.replicas = useful;
      decision.limited = Cause::at_max;
      decision.reason += fmt::format("; jobs.maxActive {} fills {}", params.max_active, useful);
    }
  }
  if (params.spare_workers > 0) {
    decision.replicas = std::min(decision.replicas + params.spare_workers, kMostWorkers);
    decision.reason += fmt::format("; + {} spare = {}", params.spare_workers, decision.replicas);
  }
  raise_to_floor(decision, params);
  const Cap cap = cap_of(params);
  if (decision.replicas > cap.workers) {
    decision.replicas = cap.workers;
    decision.limited = cap.cause;
    decision.reason += "; " + spell_cap(params, cap);
  } else if (params.ramp && params.ramp->rolled_back) {
    // Nothing that a person should have to look for elsewhere, though it caps nothing now.
    decision.reason += fmt::format("; the ramp is rolled back to {}", params.ramp->max_replicas);
  }
}

}  // namespace wp::scaling
