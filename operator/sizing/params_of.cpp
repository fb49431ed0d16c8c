#include "operator/sizing/params_of.h"

namespace wp::sizing {
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

}  // namespace wp::sizing
