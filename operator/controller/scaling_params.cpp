#include "operator/controller/scaling_params.h"

#include <stdexcept>
#include <utility>

#include <nlohmann/json.hpp>

#include "operator/scaling/budget.h"
#include "operator/sizing/params_of.h"

namespace wp::controller {

scaling::Params ScalingParams::at(const pool::Pool& pool,
                                  const std::optional<scaling::RampBounds>& ramp, Millis wall,
                                  const nlohmann::json* live_template) {
  read_schedules(pool);
  problem_ = schedule_problem_;
  scaling::Params params = sizing::params_of(pool.spec);
  params.ramp = ramp;
  params.schedule = schedules_.floor(wall);
  next_edge_ = schedules_.next_edge(wall);
  add_budget(params, pool, live_template);
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
                               const nlohmann::json* live_template) {
  const pool::Budget& budget = pool.spec.scaling.budget;
  if (!budget.cpu_millis && !budget.memory) return;
  const nlohmann::json& own = pool.spec.workers.pod_template;
  const nlohmann::json* pod = live_template != nullptr ? live_template : &own;
  // Processes on this machine request nothing, so a budget in a local pool's file bounds nothing.
  if (pod->is_null() && !pool.spec.workers.deployment_ref) return;
  scaling::BudgetCap cap =
      scaling::cap_of({budget.cpu_millis, budget.memory}, scaling::request_of(*pod));
  params.budget = cap.workers;
  if (!cap.problem.empty()) {
    problem_ += (problem_.empty() ? "" : "; ") + std::string("spec.scaling.") + cap.problem;
  }
}

}  // namespace wp::controller
