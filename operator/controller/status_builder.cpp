#include "operator/controller/status_builder.h"

#include <algorithm>

#include "operator/controller/conditions.h"
#include "operator/controller/job_figures.h"

namespace wp::controller {
namespace {

bool is_read(const Findings& f) {
  return f.backlog && f.backlog->counts && !f.backlog->error;
}

pool::QueueStatus queue_status(const Findings& f) {
  pool::QueueStatus queue;
  queue.name = f.pool->pool.spec.queue.name;
  // Numbers of a queue that cannot be read now are no numbers: unknown is absent.
  if (!is_read(f)) return queue;
  const queue::Counts& counts = *f.backlog->counts;
  queue.waiting = counts.waiting + counts.due;
  queue.delayed = counts.delayed - counts.due;
  queue.active = counts.active;
  queue.dead = counts.dead;
  if (counts.oldest_wait) queue.oldest_wait_seconds = counts.oldest_wait->count() / 1000;
  queue.backpressure = is_saturated(f);
  return queue;
}

}  // namespace

// A pool that cannot work is not healthy, whatever its last jobs did.
pool::HealthStatus health_of(const Findings& f) {
  using pool::HealthStatus;
  if (f.obstacle || all_handlers_broken(f.fleet)) return HealthStatus::unhealthy;
  const bool unreadable = !f.endpoint_reason.empty() || (f.backlog && f.backlog->error);
  return std::max({f.health, health_of(std::nullopt, f.fleet.stalled),
                   unreadable ? HealthStatus::degraded : HealthStatus::healthy});
}

pool::Status build_status(const Findings& f) {
  const pool::Pool& pool = f.pool->pool;
  pool::Status status;
  status.observed_generation = pool.meta.generation;
  if (f.view.known) {
    status.replicas = f.view.existing();
    status.ready_replicas = f.view.ready();
    status.selector = f.view.selector;
  }
  if (f.decision) {
    status.desired_replicas = f.decision->replicas;
    // What stands in the way says more than what is wanted; the reason has both.
    const scaling::Cause cause = f.decision->limited.value_or(f.decision->cause);
    status.decision = pool::DecisionStatus{f.decision->replicas, std::string(to_string(cause)),
                                           f.decision->reason, ""};
  }
  if (f.pool->problems.empty()) {
    status.queue = queue_status(f);
    // What workers do, only the queue tells.
    if (is_read(f)) {
      status.workers = pool::WorkersStatus{f.fleet.busy, f.fleet.idle, f.fleet.retiring,
                                           f.fleet.stalled, f.fleet.silent};
    }
    status.jobs = f.jobs;
  }
  status.health = health_of(f);
  status.ramp = f.ramp;
  status.measured = f.measured;
  status.scale_operations = f.scale_operations;
  status.last_scale_time = f.last_scale_time;
  status.conditions = build_conditions(f);
  return status;
}

}  // namespace wp::controller
