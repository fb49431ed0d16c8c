#include "operator/controller/carry_out.h"

#include <utility>

#include "base/ids.h"
#include "base/log.h"
#include "operator/controller/pool_metrics.h"
#include "operator/pool/event_reasons.h"

namespace wp::controller {
namespace {

using workload::WorkloadError;

constexpr Millis kScaleGap{1000};  // at most one write of the replicas per pool and this time
constexpr int kSteps = 3;          // of a plan in one reconcile

Obstacle refused(std::string message) {
  return {pool::condition::kInvalidSpec, pool::reason::kRejected, std::move(message)};
}

void count_scaling(const Run& run, int before, int after, const Clock& clock) {
  const Findings& f = run.findings;
  PoolCounters counters(run.options.metrics, run.pool.meta);
  counters.scaled(before, after);
  if (after < before || !f.backlog || !f.backlog->counts || !f.backlog->counts->oldest_wait) return;
  counters.reacted(*f.backlog->counts->oldest_wait + (clock.steady() - f.backlog->read_at));
}

bool set_replicas(Run& run, int after, const std::vector<std::string>& victims,
                  const Clock& clock) {
  Findings& f = run.findings;
  Memory& memory = run.memory;
  const int before = f.view.replicas;
  if (before == after) return false;
  const Millis now = clock.steady();
  if (memory.scaled_at && now - *memory.scaled_at < kScaleGap) {
    run.come_back(kScaleGap - (now - *memory.scaled_at));
    return false;
  }
  run.options.workload->scale(run.pool, after, victims);
  memory.scaled_at = now;
  scaling::record_up(memory.scaling, now, after - before);
  f.scale_operations += 1;
  f.last_scale_time = format_time_seconds(clock.wall());
  Announcer::scaled(before, after, f.decision->reason, run.teller());
  log::info("replicas changed",
            {{"pool", run.key}, {"from", before}, {"to", after}, {"reason", f.decision->reason}});
  count_scaling(run, before, after, clock);
  return true;
}

// One step of the plan; answers whether it changed something that a next step may build on.
bool take_step(Run& run, const Clock& clock) {
  Findings& f = run.findings;
  Memory& memory = run.memory;
  if (!f.view.known) return false;
  fleet::Situation situation;
  situation.now = clock.steady();
  situation.view = &f.view;
  situation.fleet = &f.fleet;
  situation.fresh = f.fresh && !f.obstacle;
  if (f.backlog) {
    situation.reading_age = situation.now - f.backlog->read_at;
    situation.orders_pending = f.backlog->orders_pending;
  }
  situation.desired = f.decision->replicas;
  situation.may_shrink = f.decision->limited != scaling::Cause::paused && !f.decision->fallback;
  situation.limit = run.pool.spec.scaling.max_replicas;
  // A stdio handler's processes are replaced in place; an app beside can only go with its pod.
  const pool::Handler& handler = run.pool.spec.workers.handler;
  if (handler.exec || handler.http) {
    situation.max_jobs = run.pool.spec.workers.max_jobs_per_worker;
  }
  const fleet::Plan plan = fleet::plan(memory.retirement, situation);
  if (plan.recheck) run.come_back(*plan.recheck);
  Announcer::retired(plan.notes, run.teller());
  run.orders.unretire = plan.unretire;
  run.orders.retire = plan.retire;
  if (!plan.unmark.empty()) run.options.workload->unmark(run.pool, plan.unmark);
  if (!plan.mark.empty()) run.options.workload->mark(run.pool, plan.mark);
  const bool scaled = plan.replicas && set_replicas(run, *plan.replicas, plan.victims, clock);
  return scaled || !plan.mark.empty() || !plan.unmark.empty();
}

}  // namespace

void carry_out(Run& run, const Clock& clock) {
  Findings& f = run.findings;
  Memory& memory = run.memory;
  if (!f.decision) return;
  if (memory.rejected_generation == run.pool.meta.generation) {
    f.obstacle = refused(memory.rejected_message);
    return;
  }
  try {
    const bool decided_blind = !f.view.known;
    run.options.workload->ensure(run.pool, f.decision->replicas);
    f.view = run.options.workload->observe(run.pool);
    if (decided_blind && f.view.known && f.view.replicas != f.decision->replicas) {
      // The target was there all the time and unseen: a decision from an unknown size is none.
      f.decision.reset();
      run.come_back(Millis{1});
      return;
    }
    if (run.remove) {
      log::warn("a pod is deleted: its worker is silent or stuck",
                {{"pool", run.key}, {"pod_uid", *run.remove}});
      run.options.workload->remove(run.pool, *run.remove);
    }
    // What a step has changed may make the next one possible at once.
    for (int step = 0; step < kSteps && take_step(run, clock); ++step) {
      f.view = run.options.workload->observe(run.pool);
      f.fleet = fleet::join(f.view, f.backlog && f.backlog->counts ? &*f.backlog->counts : nullptr,
                            run.pool.spec.jobs.lease, run.pool.spec.workers.concurrency);
    }
  } catch (const WorkloadError& error) {
    switch (error.kind()) {
      case WorkloadError::Kind::conflict:
        // Somebody wrote in between: the watch brings the news; this is the backstop.
        run.come_back(Millis{200});
        return;
      case WorkloadError::Kind::name_conflict:
        f.obstacle = {pool::condition::kNameConflict, pool::condition::kNameConflict, error.what()};
        return;
      case WorkloadError::Kind::rejected:
        memory.rejected_generation = run.pool.meta.generation;
        memory.rejected_message = error.what();
        f.obstacle = refused(error.what());
        return;
      case WorkloadError::Kind::target_conflict:
        f.obstacle = {pool::condition::kTargetConflict, pool::condition::kTargetConflict,
                      error.what()};
        run.come_back(Millis{30000});
        return;
      case WorkloadError::Kind::target_missing:
        f.obstacle = refused(error.what());
        run.come_back(Millis{30000});
        return;
      case WorkloadError::Kind::gone:
        return;
      case WorkloadError::Kind::retry:
        throw;
    }
  }
}

}  // namespace wp::controller
