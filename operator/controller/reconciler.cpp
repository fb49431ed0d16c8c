#include "operator/controller/reconciler.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

#include "base/log.h"
#include "operator/controller/carry_out.h"
#include "operator/controller/conditions.h"
#include "operator/controller/pool_metrics.h"
#include "operator/controller/ramp_run.h"
#include "operator/controller/reach_queue.h"
#include "operator/controller/run.h"
#include "operator/controller/snapshot.h"
#include "operator/pool/event_reasons.h"
#include "operator/pool/queue_config.h"

namespace wp::controller {
namespace {

constexpr Millis kFreshBusy{5000};  // older counts decide nothing while workers exist
constexpr std::ptrdiff_t kRampFailures = 200;
constexpr Millis kFreshIdle{40000};    // an idle queue is read every 15 s
constexpr Millis kDefaultStart{5000};  // of a pod, until it is measured
constexpr Millis kLeaveAgain{1000};    // of a pool that is gone, and could not leave its target yet

// Counters only grow, but for those of a Redis that came back without its data.
bool went_backwards(const std::map<std::string, std::int64_t>& before,
                    const std::map<std::string, std::int64_t>& after) {
  return std::any_of(before.begin(), before.end(), [&after](const auto& counter) {
    const auto found = after.find(counter.first);
    return counter.second > (found == after.end() ? 0 : found->second);
  });
}

Obstacle invalid_spec(std::string_view reason, std::string message) {
  return {pool::condition::kInvalidSpec, reason, std::move(message)};
}

}  // namespace

Reconciler::Reconciler(const Controller::Options& options, backlog::BacklogReader& backlog,
                       std::function<bool()> crowded)
    : options_(options),
      clock_(options.clock != nullptr ? *options.clock : system_clock()),
      backlog_(backlog),
      crowded_(std::move(crowded)),
      status_pace_(options.status_interval) {}

Reconciler::~Reconciler() = default;

std::shared_ptr<Memory> Reconciler::memory_of(const std::string& key, const std::string& uid) {
  const std::lock_guard lock(mutex_);
  std::shared_ptr<Memory>& memory = memories_[key];
  // Deleted and made again under the same name is another pool.
  if (!memory || memory->uid != uid) {
    memory = std::make_shared<Memory>();
    memory->uid = uid;
  }
  return memory;
}

Reconciler::Result Reconciler::forget(const std::string& key) {
  backlog_.abandon(key);
  forget_memory(key);
  try {
    options_.workload->forget(key);
  } catch (const workload::WorkloadError& error) {
    if (error.kind() != workload::WorkloadError::Kind::conflict) throw;
    return {kLeaveAgain};
  }
  return {};
}

void Reconciler::forget_memory(const std::string& key) {
  const std::lock_guard lock(mutex_);
  if (memories_.erase(key) == 0 || options_.metrics == nullptr) return;
  const std::size_t slash = key.find('/');
  options_.metrics->remove({{"namespace", key.substr(0, slash)}, {"pool", key.substr(slash + 1)}});
}

Reconciler::Result Reconciler::reconcile(const std::string& key) {
  const auto stored = options_.pools(key);
  if (!stored) return forget(key);
  const pool::Pool& pool = stored->parsed.pool;
  if (pool.meta.deleting) {
    // Its workers drain by the garbage collector's SIGTERM; nothing is applied or scaled any more.
    return forget(key);
  }
  const auto memory = memory_of(key, pool.meta.uid);
  Run run{.key = key, .stored = stored, .pool = pool, .memory = *memory, .options = options_};
  run.before = memory->written ? *memory->written : stored->status;
  run.findings.pool = &stored->parsed;
  run.findings.scale_operations = run.before.scale_operations;
  run.findings.last_scale_time = run.before.last_scale_time;
  run.findings.view = options_.workload->observe(pool);

  if (!stored->parsed.problems.empty()) {
    run.findings.obstacle =
        invalid_spec(pool::condition::kInvalidSpec, pool::summary(stored->parsed.problems));
  } else if (!stored->parsed.unsupported.empty()) {
    run.findings.obstacle =
        invalid_spec(pool::reason::kUnsupported, pool::summary(stored->parsed.unsupported));
  } else {
    reach_queue(run, backlog_, clock_);
    look(run);
    recover(run);
    climb_ramp(run);
    decide(run);
    try {
      carry_out(run, clock_);
    } catch (const std::exception&) {
      // What the API server refuses is no reason to let jobs of the dead wait, or retirements
      // lapse.
      give_orders(run);
      throw;
    }
    give_orders(run);
  }
  memory->announcer.transitions(run.findings, run.teller());
  if (options_.metrics != nullptr) publish_metrics(*options_.metrics, run.findings);
  count_troubles(run);
  write_status(run);
  return {run.again};
}

void Reconciler::look(Run& run) {
  Findings& f = run.findings;
  const Millis now = clock_.steady();
  const queue::Counts* counts = f.backlog && f.backlog->counts ? &*f.backlog->counts : nullptr;
  const bool watched = f.view.replicas > 0 || !f.view.pods.empty();
  f.fresh = counts != nullptr && !f.backlog->error && f.endpoint_reason.empty() &&
            now - f.backlog->read_at < (watched ? kFreshBusy : kFreshIdle);
  f.fleet =
      fleet::join(f.view, counts, run.pool.spec.jobs.lease, run.pool.spec.workers.concurrency);
  if (f.fresh) {
    run.memory.unknown_since.reset();
    run.memory.figures.add(now, counts->stat);
    if (went_backwards(run.memory.counters, counts->stat)) {
      log::warn("the queue lost its data: nobody leaves for two leases", {{"pool", run.key}});
      run.memory.settled_at = now + 2 * run.pool.spec.jobs.lease;
    }
    run.memory.counters = counts->stat;
  } else if (!run.memory.unknown_since) {
    run.memory.unknown_since = now;
  }
  if (counts != nullptr) {
    f.jobs = run.memory.figures.status(run.before.jobs);
    f.health = health_of(f.jobs->success_percent, 0);
  }
  if (!f.fresh && counts != nullptr && !f.backlog->error) run.come_back(Millis{1000});
}

void Reconciler::recover(Run& run) {
  Findings& f = run.findings;
  const queue::Counts* counts = f.backlog && f.backlog->counts ? &*f.backlog->counts : nullptr;
  fleet::Scene scene;
  scene.now = clock_.steady();
  scene.view = &f.view;
  scene.fleet = &f.fleet;
  scene.counts = counts;
  scene.fresh = f.fresh && !f.obstacle;
  if (f.backlog) scene.reading_age = scene.now - f.backlog->read_at;
  if (f.backlog && f.fresh) scene.reading_since = f.backlog->reading_since;
  scene.lease = run.pool.spec.jobs.lease;
  fleet::Recovery recovery = fleet::recover(run.memory.recovery, scene);
  run.orders.reclaim = std::move(recovery.reclaim);
  if (recovery.recheck) run.come_back(*recovery.recheck);
  Announcer::lost(recovery.incidents, run.teller());
  const auto reclaimed = backlog_.take_reclaimed(run.key);
  Announcer::reclaimed(reclaimed, run.teller());
  PoolCounters counters(options_.metrics, run.pool.meta);
  for (const fleet::Incident& one : recovery.incidents) {
    if (one.kind != fleet::Incident::Kind::worker_stalled) counters.workers_lost();
  }
  for (std::int64_t i = 0; i < recovery.stalls; ++i) counters.worker_stalled();
  for (const backlog::Reclaimed& one : reclaimed) {
    counters.jobs_reclaimed(one.order.cause, one.jobs);
  }
  run.remove = std::move(recovery.remove);
}

void Reconciler::give_orders(Run& run) {
  if (!run.orders.empty()) backlog_.order(run.key, std::move(run.orders));
}

// Each once, when it begins.
void Reconciler::count_troubles(Run& run) {
  const Findings& f = run.findings;
  PoolCounters counters(options_.metrics, run.pool.meta);
  const auto error = f.backlog ? f.backlog->error : std::nullopt;
  if (error && error != run.memory.counted_error) counters.read_failed(*error);
  run.memory.counted_error = error;
  if (!f.backlog || !f.backlog->counts) return;
  const bool saturated = is_saturated(f);
  if (saturated && !run.memory.counted_saturation) counters.backpressure_began();
  run.memory.counted_saturation = saturated;
}

void Reconciler::climb_ramp(Run& run) {
  Memory& memory = run.memory;
  if (!memory.ramp_known) memory.ramp = ramp_state(run.before.ramp);
  memory.ramp_known = true;
  const auto plan = ramp_plan(run.pool);
  if (!plan) {
    memory.ramp.reset();
    memory.failures.clear();
    return;
  }
  for (queue::Failure& one : backlog_.take_failures(run.key)) {
    memory.failures.push_back(std::move(one));
  }
  if (std::ssize(memory.failures) > kRampFailures) {
    memory.failures.erase(memory.failures.begin(), memory.failures.end() - kRampFailures);
  }
  const queue::Counts* counts = run.findings.fresh ? &*run.findings.backlog->counts : nullptr;
  const Millis wall = clock_.wall();
  // When the queue was read: a failure must not seem to be younger the older its reading is. It
  // would be one of a ramp that was reset meanwhile.
  const Millis read =
      counts == nullptr ? wall : wall - (clock_.steady() - run.findings.backlog->read_at);
  run.ramp = scaling::advance(
      memory.ramp, *plan, ramp_evidence(counts, memory.failures, run.findings.fleet.stalled, read),
      wall);
  if (run.ramp->recheck) run.come_back(*run.ramp->recheck);
  // That claims pause, or go on, is written with the next reconcile.
  if (run.ramp->news != scaling::RampOutcome::News::none) run.come_back(Millis{1});
  if (memory.ramp) run.findings.ramp = ramp_status(*memory.ramp);
  Announcer::ramp(*run.ramp, run.teller());
}

void Reconciler::decide(Run& run) {
  Findings& f = run.findings;
  Memory& memory = run.memory;
  // An obstacle leaves only the size that a person fixed.
  if (f.obstacle && !run.pool.spec.replicas) return;
  const Millis now = clock_.steady();
  if (run.before.measured) scaling::seed(memory.scaling, measured_from(*run.before.measured));
  const Millis unknown_for = memory.unknown_since ? now - *memory.unknown_since : Millis{0};
  const scaling::PodCounts pods = memory.pod_starts.observe(
      now, scaling::start_time(memory.scaling), seen_pods(f.fleet, clock_.wall()));
  scaling::Snapshot snapshot = snapshot_of(f, now, unknown_for, pods);
  snapshot.current = fleet::size_of(memory.retirement, f.view, f.fleet);
  snapshot.settling = std::max(Millis{0}, memory.settled_at - now);
  const scaling::Params params = memory.params.at(
      run.pool, run.ramp ? run.ramp->bounds : std::nullopt, clock_.wall(), f.view.pod_request);
  if (memory.params.next_edge()) run.come_back(*memory.params.next_edge());
  if (!memory.params.problem().empty()) {
    f.obstacle = invalid_spec(pool::condition::kInvalidSpec, memory.params.problem());
    if (!run.pool.spec.replicas) return;
  }
  if (run.ramp) {
    // What the ramp has paused goes on at its own cap; what others paused stands still.
    const bool by_others = params.pause == scaling::Pause::claims ||
                           (f.fresh && !f.backlog->counts->paused_by.empty());
    if (run.ramp->pause_claims && !by_others) snapshot.claims_paused = false;
  }
  f.decision = scaling::decide(memory.scaling, params, snapshot);
  f.measured = status_of(scaling::measured(memory.scaling));
  if (f.decision->recheck) run.come_back(*f.decision->recheck);
  if (pods.recheck) run.come_back(*pods.recheck);
}

void Reconciler::write_status(Run& run) {
  Memory& memory = run.memory;
  const Findings& f = run.findings;
  // The first answer of its Redis is on its way, and what was said before a restart is as true as
  // "not yet read". The reader tells when that attempt is over, also when it failed.
  if (memory.endpoint && !f.backlog && !f.obstacle) return;
  pool::Status after = build_status(f);
  pool::carry_over(run.before, clock_.wall(), after);
  const pool::Difference difference = pool::compare(run.before, after);
  if (difference == pool::Difference::none) return;
  const Millis now = clock_.steady();
  if (const auto wait = status_pace_.wait(memory.status_turn, difference, crowded_(), now)) {
    run.come_back(*wait);
    return;
  }
  options_.write_status(run.pool, after);
  memory.written = std::move(after);
  memory.status_turn = {.written_at = now, .numbers_at = {}, .owed_since = {}};
}

}  // namespace wp::controller
