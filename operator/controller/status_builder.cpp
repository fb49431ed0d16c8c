#include "operator/controller/status_builder.h"

#include <algorithm>
#include <cctype>
#include <cstring>
#include <fmt/format.h>

#include "operator/pool/event_reasons.h"

namespace wp::controller {
namespace {

namespace condition = pool::condition;
namespace reason = pool::reason;
using pool::Condition;
using pool::ConditionStatus;

Condition make(std::string_view type, ConditionStatus status, std::string_view why,
               std::string message, std::int64_t generation) {
  Condition c;
  c.type = type;
  c.status = status;
  c.reason = why;
  c.message = std::move(message);
  c.observed_generation = generation;
  return c;
}

std::string_view next_step(redis::ErrorClass error) {
  switch (error) {
    case redis::ErrorClass::refused:
      return "check the URL and that Redis runs";
    case redis::ErrorClass::timeout:
    case redis::ErrorClass::closed:
      return "check that Redis answers and the network to it";
    case redis::ErrorClass::tls:
      return "check queue.redis.tls (CA, server name, certificate): the operator's log says which";
    case redis::ErrorClass::auth:
      return "check the user name and password in secretRef";
    case redis::ErrorClass::permission:
      return "grant the user the rights that the docs list";
    case redis::ErrorClass::loading:
      return "wait until Redis has read its data";
    case redis::ErrorClass::read_only:
      return "point the URL at the primary";
    case redis::ErrorClass::out_of_memory:
      return "raise maxmemory";
    case redis::ErrorClass::wrong_type:
      return "the queue's keys hold something else: use another name";
    default:
      return "see the operator's log";
  }
}

// Redis' own classes are finer than the reasons of the condition.
std::string_view reason_of(redis::ErrorClass error) {
  switch (error) {
    case redis::ErrorClass::refused:
      return reason::kRefused;
    case redis::ErrorClass::timeout:
    case redis::ErrorClass::closed:
      return reason::kTimeout;
    case redis::ErrorClass::tls:
      return reason::kTls;
    case redis::ErrorClass::auth:
      return reason::kAuth;
    case redis::ErrorClass::permission:
      return reason::kPermission;
    case redis::ErrorClass::loading:
      return reason::kLoading;
    case redis::ErrorClass::read_only:
      return reason::kReadOnly;
    default:
      return reason::kProtocol;
  }
}

Condition queue_reachable(const Findings& f, std::int64_t generation) {
  const auto say = [&](ConditionStatus status, std::string_view why, std::string message) {
    return make(condition::kQueueReachable, status, why, std::move(message), generation);
  };
  if (!f.endpoint_reason.empty()) {
    return say(ConditionStatus::is_false, f.endpoint_reason, f.endpoint_message);
  }
  if (!f.backlog) return say(ConditionStatus::unknown, reason::kNotYetRead, "");
  if (f.backlog->error) {
    return say(
        ConditionStatus::is_false, reason_of(*f.backlog->error),
        fmt::format("{} workers are held while the queue cannot be read ({}): {}", f.view.replicas,
                    redis::to_string(*f.backlog->error), next_step(*f.backlog->error)));
  }
  return say(ConditionStatus::is_true, reason::kReached, "");
}

// Who paused a queue is a word that anybody with access to Redis may have written there.
std::string shown_name(std::string_view name) {
  const bool plain = !name.empty() && name.size() <= 64 &&
                     std::all_of(name.begin(), name.end(), [](unsigned char c) {
                       return std::isalnum(c) != 0 || std::strchr("._@:/+-", c) != nullptr;
                     });
  return plain ? std::string(name) : "somebody";
}

Condition scaling_active(const Findings& f, std::int64_t generation) {
  const auto say = [&](ConditionStatus status, std::string_view why, std::string message) {
    return make(condition::kScalingActive, status, why, std::move(message), generation);
  };
  if (f.obstacle) return say(ConditionStatus::is_false, f.obstacle->condition, f.obstacle->message);
  if (f.pool->pool.spec.pause == pool::Pause::claims) {
    return say(ConditionStatus::is_false, pool::cause::kPaused,
               "the workers claim nothing and their number stands still: spec.pause is Claims");
  }
  if (f.pool->pool.spec.replicas) {
    return say(
        ConditionStatus::is_false, pool::cause::kFixed,
        "fixed by spec.replicas; a merge patch {\"spec\":{\"replicas\":null}} gives it back");
  }
  if (!f.fresh) {
    return say(ConditionStatus::is_false, pool::cause::kUnknown,
               "the size is held until the queue can be read");
  }
  if (!f.backlog->counts->paused_by.empty()) {
    return say(ConditionStatus::is_false, pool::cause::kPaused,
               fmt::format("the workers claim nothing and their number stands still: {} paused the "
                           "queue; workerpoolctl queue resume {}",
                           shown_name(f.backlog->counts->paused_by), f.pool->pool.spec.queue.name));
  }
  return say(ConditionStatus::is_true, reason::kAutomatic, "");
}

Condition scaling_limited(const Findings& f, std::int64_t generation) {
  if (f.decision && f.decision->limited) {
    return make(condition::kScalingLimited, ConditionStatus::is_true,
                scaling::to_string(*f.decision->limited), f.decision->reason, generation);
  }
  return make(condition::kScalingLimited, ConditionStatus::is_false, reason::kWithinBounds, "",
              generation);
}

Condition ready(const Findings& f, const Condition& reachable, std::int64_t generation) {
  const auto say = [&](ConditionStatus status, std::string_view why, std::string message) {
    return make(condition::kReady, status, why, std::move(message), generation);
  };
  if (f.obstacle) return say(ConditionStatus::is_false, f.obstacle->reason, f.obstacle->message);
  if (reachable.status != ConditionStatus::is_true) {
    return say(reachable.status, reachable.reason, reachable.message);
  }
  const int desired = f.decision ? f.decision->replicas : 0;
  if (f.view.ready() < desired) {
    std::string message = fmt::format("{} of {} workers are ready", f.view.ready(), desired);
    for (const workload::WorkerPod& pod : f.view.pods) {
      if (pod.waiting.empty()) continue;
      message += fmt::format("; {}: {}", pod.name, pod.waiting);
      break;
    }
    return say(ConditionStatus::is_false, reason::kProgressing, std::move(message));
  }
  if (desired == 0) {
    const bool paused = f.decision && f.decision->cause == scaling::Cause::paused;
    return say(ConditionStatus::is_true, reason::kAtRest,
               paused ? "claims are paused, no worker" : "no job, no worker");
  }
  return say(ConditionStatus::is_true, reason::kAsDeclared, "");
}

// Conditions whose True is trouble; absent trouble is said, too.
void add_troubles(const Findings& f, std::int64_t generation, pool::Status& status) {
  for (const std::string_view type :
       {condition::kInvalidSpec, condition::kNameConflict, condition::kQueueConflict}) {
    const bool so = f.obstacle && f.obstacle->condition == type;
    status.set(make(type, so ? ConditionStatus::is_true : ConditionStatus::is_false,
                    so ? f.obstacle->reason : reason::kAsDeclared,
                    so ? f.obstacle->message : std::string(), generation));
  }
  if (!f.backlog || !f.backlog->counts) return;
  const queue::Counts& counts = *f.backlog->counts;
  const pool::Queue& queue = f.pool->pool.spec.queue;
  const bool deep = queue.max_depth > 0 && counts.waiting + counts.due >= queue.max_depth;
  const bool fat = queue.max_bytes > 0 && counts.bytes >= queue.max_bytes;
  status.set(make(condition::kSaturated,
                  deep || fat ? ConditionStatus::is_true : ConditionStatus::is_false,
                  deep  ? reason::kMaxDepth
                  : fat ? reason::kMaxBytes
                        : reason::kAsDeclared,
                  deep || fat ? "enqueues are refused until jobs complete; raise queue.maxDepth or "
                                "maxBytes, or scaling.maxReplicas"
                              : "",
                  generation));
  const bool broken = f.fleet.broken > 0;
  status.set(make(condition::kHandlersBroken,
                  broken ? ConditionStatus::is_true : ConditionStatus::is_false,
                  broken ? reason::kHandlersBroken : reason::kAsDeclared,
                  broken ? broken_message(f.fleet) : std::string(), generation));
}

}  // namespace

std::string broken_message(const fleet::Fleet& fleet) {
  return fmt::format(
      "the handler of {} of {} workers cannot run: their jobs go back uncounted and claims pause; "
      "a "
      "worker's log says why; mend the command, the image or the app",
      fleet.broken, fleet.serving);
}

pool::Status build_status(const Findings& f) {
  const pool::Pool& pool = f.pool->pool;
  const std::int64_t generation = pool.meta.generation;
  pool::Status status;
  status.observed_generation = generation;
  if (f.view.known) {
    status.replicas = f.view.existing();
    status.ready_replicas = f.view.ready();
    status.selector = f.view.selector;
  }
  if (f.decision) {
    status.desired_replicas = f.decision->replicas;
    status.decision = pool::DecisionStatus{
        f.decision->replicas, std::string(to_string(f.decision->cause)), f.decision->reason, ""};
  }
  if (f.pool->problems.empty()) {
    pool::QueueStatus queue;
    queue.name = pool.spec.queue.name;
    if (f.backlog && f.backlog->counts) {
      const queue::Counts& counts = *f.backlog->counts;
      queue.waiting = counts.waiting + counts.due;
      queue.delayed = counts.delayed - counts.due;
      queue.active = counts.active;
      queue.dead = counts.dead;
      if (counts.oldest_wait) queue.oldest_wait_seconds = counts.oldest_wait->count() / 1000;
    }
    status.queue = queue;
    pool::WorkersStatus workers;
    workers.busy = f.fleet.busy;
    workers.idle = f.fleet.idle;
    workers.retiring = f.fleet.leaving_busy;
    workers.silent = f.fleet.silent;
    status.workers = workers;
    status.jobs = f.jobs;
  }
  // A pool that cannot work is not healthy, whatever its last jobs did.
  const bool unreadable = !f.endpoint_reason.empty() || (f.backlog && f.backlog->error);
  const bool all_broken = f.fleet.serving > 0 && f.fleet.broken == f.fleet.serving;
  status.health = f.obstacle || all_broken ? pool::HealthStatus::unhealthy
                  : unreadable && f.health == pool::HealthStatus::healthy
                      ? pool::HealthStatus::degraded
                      : f.health;
  status.scale_operations = f.scale_operations;
  status.last_scale_time = f.last_scale_time;

  const Condition reachable = queue_reachable(f, generation);
  status.set(ready(f, reachable, generation));
  status.set(reachable);
  status.set(scaling_active(f, generation));
  status.set(scaling_limited(f, generation));
  add_troubles(f, generation, status);
  if (status.queue) {
    const Condition* saturated = status.condition(condition::kSaturated);
    if (saturated != nullptr) {
      status.queue->backpressure = saturated->status == ConditionStatus::is_true;
    }
  }
  return status;
}

}  // namespace wp::controller
