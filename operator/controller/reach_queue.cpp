#include "operator/controller/reach_queue.h"

#include <fmt/format.h>

#include "operator/pool/event_reasons.h"
#include "operator/pool/queue_config.h"

namespace wp::controller {
namespace {

constexpr Millis kEndpointAge{300000};  // Secrets are read again after this
constexpr Millis kAuthRetry{5000};      // after a refused login the Secrets are read again

// What another password, CA or certificate may mend.
bool is_login_refused(const std::optional<backlog::Snapshot>& latest) {
  return latest &&
         (latest->error == redis::ErrorClass::auth || latest->error == redis::ErrorClass::tls);
}

// Of the last reconcile, or of the status: it takes effect with the one that follows.
bool ramp_pauses(const Run& run) {
  const auto& ramp = run.pool.spec.scaling.ramp;
  const bool rolled_back =
      run.memory.ramp_known
          ? run.memory.ramp && run.memory.ramp->phase == scaling::RampPhase::rolled_back
          : run.before.ramp && run.before.ramp->state == to_string(scaling::RampPhase::rolled_back);
  return ramp && ramp->on_rollback == pool::OnRollback::pause_claims && rolled_back;
}

void resolve_endpoint(Run& run, const backlog::BacklogReader& backlog, const Clock& clock) {
  Memory& memory = run.memory;
  const Millis now = clock.steady();
  const auto latest = backlog.latest(run.key);
  const Millis age = now - memory.endpoint_at;
  const bool refused = is_login_refused(latest) && age > kAuthRetry;
  const bool known = memory.endpoint && memory.endpoint_generation == run.pool.meta.generation;
  if (known && age < kEndpointAge && !refused) {
    run.come_back(kEndpointAge - age);
    return;
  }
  try {
    memory.endpoint = run.options.endpoint(run.pool, refused);
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

void watch_queue(Run& run, backlog::BacklogReader& backlog) {
  if (!run.memory.endpoint) {
    backlog.unwatch(run.key);
    return;
  }
  backlog::Watch watch;
  watch.endpoint = *run.memory.endpoint;
  watch.ns = run.pool.meta.ns;
  watch.queue = run.pool.spec.queue.name;
  watch.horizon = scaling::start_time(run.memory.scaling);
  watch.has_workers = run.findings.view.replicas > 0 || !run.findings.view.pods.empty();
  watch.failures = run.pool.spec.scaling.ramp.has_value();
  watch.config = pool::queue_config(run.pool, ramp_pauses(run));
  watch.config_hash = pool::queue_config_hash(watch.config);
  watch.owner = queue::owner_of(run.pool.meta.uid, run.key);
  watch.term = run.options.term;
  backlog.watch(run.key, watch);

  run.findings.backlog = backlog.latest(run.key);
  const auto& latest = run.findings.backlog;
  if (latest && latest->conflict) {
    run.findings.obstacle = {
        pool::condition::kQueueConflict, pool::condition::kQueueConflict,
        fmt::format("queue {} belongs to another pool ({}): give this pool another queue.name",
                    run.pool.spec.queue.name, queue::shown_owner(latest->other_owner))};
  }
  if (is_login_refused(latest)) run.come_back(kAuthRetry);
}

}  // namespace

void reach_queue(Run& run, backlog::BacklogReader& backlog, const Clock& clock) {
  resolve_endpoint(run, backlog, clock);
  watch_queue(run, backlog);
}

}  // namespace wp::controller
