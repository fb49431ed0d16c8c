#include "operator/controller/reconciler.h"

#include <algorithm>
#include <fmt/format.h>

#include "base/log.h"
#include "operator/controller/pool_metrics.h"
#include "operator/pool/event_reasons.h"
#include "operator/pool/queue_config.h"

namespace wp::controller {
namespace {

using workload::WorkloadError;

constexpr Millis kFreshBusy{5000};      // older counts decide nothing while workers exist
constexpr Millis kFreshIdle{40000};     // an idle queue is read every 15 s
constexpr Millis kEndpointAge{300000};  // Secrets are read again after this
constexpr Millis kScaleGap{1000};       // at most one replicas write per pool and this time
constexpr Millis kAuthRetry{5000};      // after a refused login the Secrets are read again
constexpr Millis kDefaultStart{5000};   // of a pod, until it is measured

// What another password, CA or certificate may mend.
bool is_login_refused(const std::optional<backlog::Snapshot>& latest) {
  return latest &&
         (latest->error == redis::ErrorClass::auth || latest->error == redis::ErrorClass::tls);
}

scaling::Params params_of(const pool::Pool& pool) {
  const pool::Scaling& s = pool.spec.scaling;
  scaling::Params params;
  params.concurrency = pool.spec.workers.concurrency;
  params.min_replicas = s.min_replicas;
  params.max_replicas = s.max_replicas;
  params.spare_workers = s.spare_workers;
  params.policy = scaling::Policy::slot_per_job;
  if (pool.spec.pause == pool::Pause::claims) params.pause = scaling::Pause::claims;
  params.fixed = pool.spec.replicas;
  params.scale_to_zero_after = s.scale_to_zero_after;
  params.scale_down_window =
      s.scale_down_window.value_or(std::clamp(3 * kDefaultStart, Millis{10000}, Millis{60000}));
  params.up_workers = s.max_scale_up.workers;
  params.up_percent = s.max_scale_up.percent;
  params.up_period = s.max_scale_up.period;
  return params;
}

Obstacle invalid_spec(std::string_view reason, std::string message) {
  return {pool::condition::kInvalidSpec, reason, std::move(message)};
}

}  // namespace

struct Reconciler::Memory {
  std::string uid;
  scaling::State scaling;
  JobFigures figures;

  std::optional<redis::Endpoint> endpoint;
  std::int64_t endpoint_generation = -1;
  Millis endpoint_at{0};

  std::int64_t rejected_generation = -1;  // the API server said no to this one
  std::string rejected_message;

  bool scaled_once = false;
  Millis scaled_at{0};
  std::optional<pool::Status> written;  // the status as we last wrote it
  Millis written_at{0};

  bool told_unreachable = false;
  bool told_broken = false;
  std::string told_obstacle;
};

// Everything that one reconcile carries from step to step.
struct Reconciler::Run {
  const std::string& key;
  std::shared_ptr<const StoredPool> stored;
  const pool::Pool& pool;
  Memory& memory;
  pool::Status before;
  Findings findings;
  std::optional<Millis> again;

  void come_back(Millis wait) { again = again ? std::min(*again, wait) : wait; }
};

Reconciler::Reconciler(const Controller::Options& options, backlog::BacklogReader& backlog)
    : options_(options),
      clock_(options.clock != nullptr ? *options.clock : system_clock()),
      backlog_(backlog) {}

Reconciler::~Reconciler() = default;

std::shared_ptr<Reconciler::Memory> Reconciler::memory_of(const std::string& key,
                                                          const std::string& uid) {
  const std::lock_guard lock(mutex_);
  std::shared_ptr<Memory>& memory = memories_[key];
  // Deleted and made again under the same name is another pool.
  if (!memory || memory->uid != uid) {
    memory = std::make_shared<Memory>();
    memory->uid = uid;
  }
  return memory;
}

void Reconciler::forget(const std::string& key) {
  backlog_.abandon(key);
  options_.workload->forget(key);
  const std::lock_guard lock(mutex_);
  if (memories_.erase(key) == 0 || options_.metrics == nullptr) return;
  const std::size_t slash = key.find('/');
  options_.metrics->remove({{"namespace", key.substr(0, slash)}, {"pool", key.substr(slash + 1)}});
}

Reconciler::Result Reconciler::reconcile(const std::string& key) {
  const auto stored = options_.pools(key);
  if (!stored) {
    forget(key);
    return {};
  }
  const pool::Pool& pool = stored->parsed.pool;
  if (pool.meta.deleting) {
    // Its workers drain by the garbage collector's SIGTERM; nothing is applied or scaled any more.
    forget(key);
    return {};
  }
  const auto memory = memory_of(key, pool.meta.uid);
  Run run{key, stored, pool, *memory, pool::status_from_json(stored->status), {}, {}};
  if (memory->written) run.before = *memory->written;
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
    resolve_endpoint(run);
    watch_queue(run);
    decide(run);
    carry_out(run);
  }
  tell_transitions(run);
  if (options_.metrics != nullptr) publish_metrics(*options_.metrics, run.findings);
  write_status(run);
  return {run.again};
}

void Reconciler::resolve_endpoint(Run& run) {
  Memory& memory = run.memory;
  const Millis now = clock_.steady();
  const auto latest = backlog_.latest(run.key);
  const Millis age = now - memory.endpoint_at;
  const bool refused = is_login_refused(latest) && age > kAuthRetry;
  const bool known = memory.endpoint && memory.endpoint_generation == run.pool.meta.generation;
  if (known && age < kEndpointAge && !refused) {
    run.come_back(kEndpointAge - age);
    return;
  }
  try {
    memory.endpoint = options_.endpoint(run.pool, refused);
    memory.endpoint_generation = run.pool.meta.generation;
    memory.endpoint_at = now;
    run.come_back(refused ? kAuthRetry : kEndpointAge);
  } catch (const EndpointError& error) {
    // A rotation under way must not take away what still works.
    if (!known) memory.endpoint.reset();
    run.findings.endpoint_reason = error.reason();
    run.findings.endpoint_message = error.what();
    run.come_back(kAuthRetry);
  }
}

void Reconciler::watch_queue(Run& run) {
  if (!run.memory.endpoint) {
    backlog_.unwatch(run.key);
    return;
  }
  backlog::Watch watch;
  watch.endpoint = *run.memory.endpoint;
  watch.ns = run.pool.meta.ns;
  watch.queue = run.pool.spec.queue.name;
  watch.horizon = kDefaultStart;
  watch.has_workers = run.findings.view.replicas > 0 || !run.findings.view.pods.empty();
  watch.config = pool::queue_config(run.pool);
  watch.config_hash = pool::queue_config_hash(watch.config);
  watch.owner = queue::owner_of(run.pool.meta.uid, run.key);
  watch.term = options_.term;
  backlog_.watch(run.key, watch);

  run.findings.backlog = backlog_.latest(run.key);
  const auto& latest = run.findings.backlog;
  if (latest && latest->conflict) {
    run.findings.obstacle = {
        pool::condition::kQueueConflict, pool::condition::kQueueConflict,
        fmt::format("queue {} belongs to another pool ({}): give this pool another queue.name",
                    run.pool.spec.queue.name, latest->other_owner)};
  }
  if (is_login_refused(latest)) run.come_back(kAuthRetry);
}

void Reconciler::decide(Run& run) {
  Findings& f = run.findings;
  const Millis now = clock_.steady();
  const queue::Counts* counts = f.backlog && f.backlog->counts ? &*f.backlog->counts : nullptr;
  const bool watched = f.view.replicas > 0 || !f.view.pods.empty();
  f.fresh = counts != nullptr && !f.backlog->error && f.endpoint_reason.empty() &&
            now - f.backlog->read_at < (watched ? kFreshBusy : kFreshIdle);
  f.fleet =
      fleet::join(f.view, counts, run.pool.spec.jobs.lease, run.pool.spec.workers.concurrency);
  if (counts != nullptr && f.fresh) run.memory.figures.add(now, counts->stat);
  if (counts != nullptr) {
    f.jobs = run.memory.figures.status();
    f.health = run.memory.figures.health();
  }
  // An obstacle leaves only the size that a person fixed.
  if (f.obstacle && !run.pool.spec.replicas) return;

  scaling::Snapshot snapshot;
  snapshot.now = now;
  snapshot.current = f.view.replicas;
  snapshot.workers.leaving_busy = f.fleet.leaving_busy;
  snapshot.workers.all_broken = f.fleet.serving > 0 && f.fleet.broken == f.fleet.serving;
  if (f.fresh) {
    scaling::Demand demand;
    demand.waiting = counts->waiting + counts->due;
    demand.due_soon = counts->due_soon - counts->due;
    demand.active_all = counts->active;
    demand.active_serving =
        std::max<std::int64_t>(0, counts->active_serving - f.fleet.held_by_leaving);
    snapshot.demand = demand;
    snapshot.claims_paused = counts->paused;
  }
  f.decision = scaling::decide(run.memory.scaling, params_of(run.pool), snapshot);
  if (f.decision->recheck) run.come_back(*f.decision->recheck);
  if (!f.fresh && counts != nullptr && !f.backlog->error) run.come_back(Millis{1000});
}

void Reconciler::carry_out(Run& run) {
  Findings& f = run.findings;
  Memory& memory = run.memory;
  if (!f.decision) return;
  if (memory.rejected_generation == run.pool.meta.generation) {
    f.obstacle = invalid_spec(pool::reason::kRejected, memory.rejected_message);
    return;
  }
  try {
    const bool decided_blind = !f.view.known;
    options_.workload->ensure(run.pool, f.decision->replicas);
    f.view = options_.workload->observe(run.pool);
    if (decided_blind && f.view.known && f.view.replicas != f.decision->replicas) {
      // The target was there all the time and unseen: a decision from an unknown size is none.
      f.decision.reset();
      run.come_back(Millis{1});
      return;
    }
    set_replicas(run);
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
        f.obstacle = invalid_spec(pool::reason::kRejected, error.what());
        return;
      case WorkloadError::Kind::target_missing:
        f.obstacle = invalid_spec(pool::reason::kRejected, error.what());
        run.come_back(Millis{30000});
        return;
      case WorkloadError::Kind::gone:
        return;
      case WorkloadError::Kind::retry:
        throw;
    }
  }
}

void Reconciler::set_replicas(Run& run) {
  Findings& f = run.findings;
  Memory& memory = run.memory;
  const int before = f.view.replicas;
  const int after = f.decision->replicas;
  if (!f.view.known || before == after) return;
  // While a rollout runs both generations would shrink in proportion: it ends first.
  if (after < before && f.view.rolling) return;
  const Millis now = clock_.steady();
  if (memory.scaled_once && now - memory.scaled_at < kScaleGap) {
    run.come_back(kScaleGap - (now - memory.scaled_at));
    return;
  }
  options_.workload->scale(run.pool, after, fleet::victims(f.fleet, before - after));
  memory.scaled_once = true;
  memory.scaled_at = now;
  scaling::record_up(memory.scaling, now, after - before);
  f.view = options_.workload->observe(run.pool);
  f.scale_operations += 1;
  f.last_scale_time = format_time_seconds(clock_.wall());

  const std::string_view event = after == 0       ? pool::event::kScaledToZero
                                 : before == 0    ? pool::event::kWokeFromZero
                                 : after > before ? pool::event::kScaledUp
                                                  : pool::event::kScaledDown;
  tell(run, false, event, "Scale", fmt::format("{} → {}: {}", before, after, f.decision->reason));
  log::info("replicas changed",
            {{"pool", run.key}, {"from", before}, {"to", after}, {"reason", f.decision->reason}});
  if (options_.metrics == nullptr) return;
  options_.metrics
      ->counter("workerpool_scale_operations_total", "Writes of the number of workers.",
                {{"namespace", run.pool.meta.ns},
                 {"pool", run.pool.meta.name},
                 {"direction", after > before ? "up" : "down"}})
      .Increment();
  if (after > before && f.backlog && f.backlog->counts && f.backlog->counts->oldest_wait) {
    const Millis reaction =
        *f.backlog->counts->oldest_wait + (clock_.steady() - f.backlog->read_at);
    options_.metrics
        ->histogram("workerpool_reaction_seconds",
                    "From the oldest waiting job's enqueue to the acknowledged write.",
                    metrics::duration_buckets(),
                    {{"namespace", run.pool.meta.ns}, {"pool", run.pool.meta.name}})
        .Observe(static_cast<double>(reaction.count()) / 1000.0);
  }
}

void Reconciler::tell(Run& run, bool warning, std::string_view reason, std::string_view action,
                      std::string note) {
  if (options_.write_event)
    options_.write_event(run.pool, {warning, reason, action, std::move(note)});
}

void Reconciler::tell_transitions(Run& run) {
  const Findings& f = run.findings;
  Memory& memory = run.memory;
  const bool unreachable = f.backlog && f.backlog->error;
  if (unreachable && !memory.told_unreachable) {
    tell(run, true, pool::event::kQueueUnreachable, "ReadQueue",
         fmt::format("the queue cannot be read ({}): {} workers are held",
                     redis::to_string(*f.backlog->error), f.view.replicas));
  } else if (!unreachable && memory.told_unreachable) {
    tell(run, false, pool::event::kQueueRecovered, "ReadQueue", "the queue can be read again");
  }
  memory.told_unreachable = unreachable;

  if (f.fleet.broken > 0 && !memory.told_broken) {
    tell(run, true, pool::event::kHandlersBroken, "RunJobs", broken_message(f.fleet));
  }
  memory.told_broken = f.fleet.broken > 0;

  const std::string obstacle =
      f.obstacle ? std::string(f.obstacle->condition) + f.obstacle->message : std::string();
  if (!obstacle.empty() && obstacle != memory.told_obstacle) {
    // Condition types and event reasons share these words.
    tell(run, true, f.obstacle->condition, "Reconcile", f.obstacle->message);
  }
  memory.told_obstacle = obstacle;
}

void Reconciler::write_status(Run& run) {
  Memory& memory = run.memory;
  pool::Status after = build_status(run.findings);
  pool::carry_over(run.before, clock_.wall(), after);
  const pool::Difference difference = pool::compare(run.before, after);
  if (difference == pool::Difference::none) return;
  const Millis now = clock_.steady();
  const Millis age = now - memory.written_at;
  if (difference == pool::Difference::numbers && memory.written && age < options_.status_interval) {
    run.come_back(options_.status_interval - age);
    return;
  }
  options_.write_status(run.pool, run.before, after);
  memory.written = std::move(after);
  memory.written_at = now;
}

}  // namespace wp::controller
