#include "operator/controller/scaling_params.h"

#include <stdexcept>
#include <utility>

#include <nlohmann/json.hpp>

#include "operator/scaling/budget.h"

namespace wp::controller {
namespace {

scaling::Policy policy_of(pool::Policy policy) {
  switch (policy) {
    case pool::Policy::look_ahead:
      return scaling::Policy::look_ahead;
    case pool::Policy::slot_per_job:
      return scaling::Policy::slot_per_job;
    case pool::Policy::threshold:
      return scaling::Policy::threshold;
    case pool::Policy::target_depth:
      return scaling::Policy::target_depth;
  }
  return scaling::Policy::look_ahead;
}

scaling::Headroom headroom_of(pool::Headroom headroom) {
  switch (headroom) {
    case pool::Headroom::low:
      return scaling::Headroom::low;
    case pool::Headroom::normal:
      return scaling::Headroom::normal;
    case pool::Headroom::high:
      return scaling::Headroom::high;
  }
  return scaling::Headroom::normal;
}

scaling::Pause pause_of(pool::Pause pause) {
  switch (pause) {
    case pool::Pause::none:
      return scaling::Pause::none;
    case pool::Pause::scale_in:
      return scaling::Pause::scale_in;
    case pool::Pause::scale_out:
      return scaling::Pause::scale_out;
    case pool::Pause::scaling:
      return scaling::Pause::scaling;
    case pool::Pause::claims:
      return scaling::Pause::claims;
  }
  return scaling::Pause::none;
}

}  // namespace

scaling::Params params_of(const pool::PoolSpec& spec) {
  const pool::Scaling& s = spec.scaling;
  scaling::Params params;
  params.policy = policy_of(s.policy);
  params.look_ahead = {s.look_ahead.target_wait, headroom_of(s.look_ahead.headroom),
                       s.look_ahead.expected_duration};
  params.threshold = {s.threshold.up_at_percent, s.threshold.down_at_percent, s.threshold.step,
                      s.threshold.target_depth, s.threshold.cooldown};
  params.jobs_per_worker = s.jobs_per_worker;
  params.concurrency = spec.workers.concurrency;
  params.min_replicas = s.min_replicas;
  params.max_replicas = s.max_replicas;
  params.spare_workers = s.spare_workers;
  params.pause = pause_of(spec.pause);
  params.fixed = spec.replicas;
  params.max_active = spec.jobs.max_active;
  params.scale_to_zero_after = s.scale_to_zero_after;
  params.scale_down_window = s.scale_down_window;
  params.up_workers = s.max_scale_up.workers;
  params.up_percent = s.max_scale_up.percent;
  params.up_period = s.max_scale_up.period;
  params.fallback_replicas = s.fallback.replicas;
  params.fallback_after = s.fallback.after;
  params.foreign = spec.queue.type != pool::QueueType::jobs;
  params.hold_while_active = s.while_active == pool::WhileActive::hold;
  return params;
}

scaling::Params ScalingParams::at(const pool::Pool& pool,
                                  const std::optional<scaling::RampBounds>& ramp, Millis wall,
                                  const nlohmann::json* live_template) {
  read_schedules(pool);
  problem_ = schedule_problem_;
  scaling::Params params = params_of(pool.spec);
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
  scaling::BudgetCap cap =
      scaling::cap_of({budget.cpu_millis, budget.memory}, scaling::request_of(*pod));
  params.budget = cap.workers;
  if (!cap.problem.empty()) {
    problem_ += (problem_.empty() ? "" : "; ") + std::string("spec.scaling.") + cap.problem;
  }
}

}  // namespace wp::controller
