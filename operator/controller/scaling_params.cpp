#include "operator/controller/scaling_params.h"

#include <stdexcept>
#include <utility>

#include <nlohmann/json.hpp>

#include "operator/sizing/params_of.h"

namespace wp::controller {

scaling::Params ScalingParams::at(const pool::Pool& pool,
                                  const std::optional<scaling::RampBounds>& ramp, Millis wall,
                                  const std::optional<scaling::PodRequest>& live) {
  read_schedules(pool);
  problem_ = schedule_problem_;
  scaling::Params params = sizing::params_of(pool.spec);
  params.ramp = ramp;
  params.schedule = schedules_.floor(wall);
  next_edge_ = schedules_.next_edge(wall);
  add_budget(params, pool, live);
  return params;
}

void ScalingParams::read_schedules(const pool::Pool& pool) {
  std::vector<scaling::Schedule> declared;
  for (const pool::Schedule& one : pool.spec.scaling.schedules) {
    declared.push_back({one.name, one.time_zone, one.start, one.end, one.min_replicas});
  }
  if (declared == declared_) return;
  schedule_problem_.clear();
  try {
    schedules_ = scaling::Schedules(declared);
  } catch (const std::invalid_argument& error) {
    // The rules have refused it already, unless this machine lost its time zones since.
    schedules_ = {};
    schedule_problem_ = error.what();
  }
  declared_ = std::move(declared);
}

void ScalingParams::add_budget(scaling::Params& params, const pool::Pool& pool,
                               const std::optional<scaling::PodRequest>& live) {
  const pool::Budget& budget = pool.spec.scaling.budget;
  if (!budget.cpu_millis && !budget.memory) return;
  const nlohmann::json& own = pool.spec.workers.pod_template;
  std::optional<scaling::PodRequest> request;
  if (pool.spec.workers.deployment_ref) {
    request = live;
  } else if (!own.is_null()) {
    request = scaling::request_of(own);
  }
  // Nothing of a target that was not seen yet: it is not scaled either. Nor of a local pool:
  // processes on this machine request nothing.
  if (!request) return;
  scaling::BudgetCap cap = scaling::cap_of({budget.cpu_millis, budget.memory}, *request);
  params.budget = cap.workers;
  if (!cap.problem.empty()) {
    problem_ += (problem_.empty() ? "" : "; ") + std::string("spec.scaling.") + cap.problem;
  }
}

}  // namespace wp::controller
