// The conditions whose True is trouble, and what they say.
#include <algorithm>
#include <fmt/format.h>
#include <functional>

#include "base/units.h"
#include "operator/controller/conditions.h"
#include "operator/pool/advice.h"
#include "operator/pool/event_reasons.h"
#include "operator/pool/grace_period.h"

namespace wp::controller {
namespace {

namespace condition = pool::condition;
namespace reason = pool::reason;
using pool::Condition;
using pool::ConditionStatus;

// What a pod gets beyond drainTimeout: to hand back its jobs and say goodbye.
constexpr Millis kGraceBeyondDrain{15000};

std::string_view step_for(std::string_view type) {
  const pool::Advice* advice = pool::advice_on_trouble(type);
  return advice != nullptr ? advice->step : std::string_view();
}

const pool::Workers& workers_of(const Findings& f) {
  return f.pool->pool.spec.workers;
}

std::vector<std::string> names_of(const Findings& f, bool (*is_one)(const fleet::Member&)) {
  std::vector<std::string> names;
  for (const fleet::Member& member : f.fleet.members) {
    if (!member.pod.terminating && is_one(member)) names.push_back(member.pod.name);
  }
  return names;
}

bool is_deep(const Findings& f) {
  const queue::Counts& counts = *f.backlog->counts;
  const std::int64_t bound = f.pool->pool.spec.queue.max_depth;
  return bound > 0 && counts.waiting + counts.due >= bound;
}

// What is so instead of the trouble: a list of conditions is read by people who look for one.
std::string_view fine(std::string_view type) {
  struct Row {
    std::string_view type;
    std::string_view message;
  };
  static constexpr Row kRows[] = {
      {condition::kInvalidSpec, "the spec can be carried out"},
      {condition::kNameConflict, "the name of the Deployment is this pool's"},
      {condition::kQueueConflict, "no other pool owns the queue"},
      {condition::kTargetConflict, "no other pool scales these workers"},
      {condition::kHandlersBroken, "no worker says that its handler cannot run"},
      {condition::kWorkersStalled, "no worker says that a job stands still"},
      {condition::kSaturated, "enqueues are taken"},
      {condition::kConcurrencyMismatch, "the workers run as many jobs at once as is declared"},
      {condition::kFallbackActive, "scaling.fallback is not needed"},
      {condition::kRolloutStuck, "no rollout is stuck"},
      {condition::kDrainTooShort, "pods get long enough to end for workers.drainTimeout"},
      {condition::kForeignScaler, "nobody else sets the number of workers"},
  };
  for (const Row& row : kRows) {
    if (row.type == type) return row.message;
  }
  return {};
}

// `message` is made only for what is so.
Condition of(const Findings& f, std::string_view type, bool so,
             const std::function<std::string()>& message) {
  return make_condition(f, type, so ? ConditionStatus::is_true : ConditionStatus::is_false,
                        so ? type : reason::kAsDeclared, so ? message() : std::string(fine(type)));
}

Condition saturated(const Findings& f) {
  const bool so = is_saturated(f);
  const std::string_view why = !so          ? reason::kAsDeclared
                               : is_deep(f) ? reason::kMaxDepth
                                            : reason::kMaxBytes;
  return make_condition(f, condition::kSaturated,
                        so ? ConditionStatus::is_true : ConditionStatus::is_false, why,
                        so ? saturated_message(f) : std::string(fine(condition::kSaturated)));
}

// Workers of the earlier generation register what that one declared.
Condition concurrency_mismatch(const Findings& f) {
  if (f.fleet.mismatched == 0) return of(f, condition::kConcurrencyMismatch, false, {});
  const int declared = workers_of(f).concurrency;
  int registered = 0;
  for (const fleet::Member& member : f.fleet.members) {
    if (member.registered && member.slots != declared) registered = member.slots;
  }
  std::string fact =
      fmt::format("{} of {} workers registered {} jobs at once, workers.concurrency is {}",
                  f.fleet.mismatched, f.fleet.serving, registered, declared);
  if (f.view.rolling) {
    return make_condition(f, condition::kConcurrencyMismatch, ConditionStatus::is_false,
                          reason::kProgressing, fact + "; the rollout under way replaces them");
  }
  return of(f, condition::kConcurrencyMismatch, true, [&fact] {
    return fmt::format("{}; {}", fact, step_for(condition::kConcurrencyMismatch));
  });
}

Condition drain_too_short(const Findings& f) {
  if (!f.view.grace_period && workers_of(f).deployment_ref) {
    return make_condition(f, condition::kDrainTooShort, ConditionStatus::unknown,
                          reason::kNotYetRead, "the Deployment was not read yet");
  }
  const bool so =
      f.view.grace_period && *f.view.grace_period < workers_of(f).drain_timeout + kGraceBeyondDrain;
  if (const auto declared = pool::raised_grace_period(workers_of(f)); declared && !so) {
    const std::int64_t needed = pool::needed_grace_period(workers_of(f));
    return make_condition(
        f, condition::kDrainTooShort, ConditionStatus::is_false, reason::kRaised,
        fmt::format("workers.template gives the pods {} s to end, workers.drainTimeout is {}: they "
                    "get {} s; write terminationGracePeriodSeconds: {}, or leave it out",
                    *declared, format_duration(workers_of(f).drain_timeout), needed, needed));
  }
  return of(f, condition::kDrainTooShort, so, [&f] { return drain_too_short_message(f); });
}

}  // namespace

bool is_saturated(const Findings& f) {
  if (!f.backlog || !f.backlog->counts) return false;
  const std::int64_t bytes = f.pool->pool.spec.queue.max_bytes;
  return is_deep(f) || (bytes > 0 && f.backlog->counts->bytes >= bytes);
}

bool all_handlers_broken(const fleet::Fleet& fleet) {
  return fleet.serving > 0 && fleet.broken == fleet.serving;
}

std::string broken_message(const fleet::Fleet& fleet) {
  return fmt::format(
      "the handler of {} of {} workers cannot run: their jobs go back uncounted and claims pause; "
      "{}",
      fleet.broken, fleet.serving, step_for(condition::kHandlersBroken));
}

std::string stalled_message(const Findings& f) {
  const int count = f.fleet.stalled;
  return fmt::format(
      "{} {} a job that made no progress for {} ({}); {}", count,
      count == 1 ? "worker runs" : "workers run",
      format_duration(f.pool->pool.spec.health.stall_timeout),
      name_some(names_of(f, [](const fleet::Member& member) { return member.stalled; })),
      step_for(condition::kWorkersStalled));
}

std::string saturated_message(const Findings& f) {
  const queue::Counts& counts = *f.backlog->counts;
  const pool::Queue& queue = f.pool->pool.spec.queue;
  const std::string fact = is_deep(f)
                               ? fmt::format("{} jobs wait, queue.maxDepth is {}",
                                             counts.waiting + counts.due, queue.max_depth)
                               : fmt::format("the queue holds {} MiB, queue.maxBytes is {}",
                                             counts.bytes >> 20, format_bytes(queue.max_bytes));
  return fmt::format("{}: enqueues are refused until jobs complete; {}", fact,
                     step_for(condition::kSaturated));
}

std::string rollout_stuck_message(const Findings& f) {
  std::string what;
  for (const workload::WorkerPod& pod : f.view.pods) {
    if (pod.waiting.empty() || pod.terminating || pod.finished) continue;
    what = fmt::format(" ({}: {})", pod.name, shown_word(pod.waiting, "does not start"));
    break;
  }
  const auto& target = workers_of(f).deployment_ref;
  return fmt::format("a rollout makes no progress: its new pods do not become ready{}; {}", what,
                     target ? fmt::format("mend the Deployment {}; the old pods serve meanwhile, "
                                          "and none leaves",
                                          *target)
                            : std::string(step_for(condition::kRolloutStuck)));
}

std::string drain_too_short_message(const Findings& f) {
  const Millis drain = workers_of(f).drain_timeout;
  const Millis needed = drain + kGraceBeyondDrain;
  return fmt::format(
      "pods get {} to end, workers.drainTimeout is {}: a longer job is killed; raise "
      "terminationGracePeriodSeconds of the Deployment {} to {}, or lower workers.drainTimeout",
      format_duration(*f.view.grace_period), format_duration(drain),
      workers_of(f).deployment_ref.value_or(f.pool->pool.meta.name + "-worker"),
      (needed.count() + 999) / 1000);
}

std::string foreign_scaler_message(const Findings& f) {
  return fmt::format(
      "{} sets the replicas of the workers again and again, and is corrected ever more rarely; {}",
      shown_word(f.view.foreign_scaler, "somebody else"), step_for(condition::kForeignScaler));
}

std::string fallback_message(const Findings& f) {
  const pool::Fallback& fallback = f.pool->pool.spec.scaling.fallback;
  return fmt::format(
      "the queue could not be read for {}: {} workers by scaling.fallback, which lets none go; it "
      "ends with the next reading, see QueueReachable",
      format_duration(fallback.after), f.decision ? f.decision->replicas : f.view.replicas);
}

std::vector<Condition> build_troubles(const Findings& f) {
  std::vector<Condition> all;
  for (const std::string_view type : {condition::kInvalidSpec, condition::kNameConflict,
                                      condition::kQueueConflict, condition::kTargetConflict}) {
    const bool so = f.obstacle && f.obstacle->condition == type;
    all.push_back(of(f, type, so, [&f] { return f.obstacle->message; }));
    if (so) all.back().reason = f.obstacle->reason;
  }
  // The rest is about a pool that can work.
  if (!f.pool->problems.empty()) return all;
  const auto add = [&](std::string_view type, bool so, std::string (*message)(const Findings&)) {
    all.push_back(of(f, type, so, [&] { return message(f); }));
  };
  if (f.backlog && f.backlog->counts) {
    all.push_back(of(f, condition::kHandlersBroken, f.fleet.broken > 0,
                     [&f] { return broken_message(f.fleet); }));
    add(condition::kWorkersStalled, f.fleet.stalled > 0, stalled_message);
    all.push_back(saturated(f));
    all.push_back(concurrency_mismatch(f));
  }
  add(condition::kFallbackActive, f.decision && f.decision->fallback, fallback_message);
  add(condition::kRolloutStuck, f.view.rollout_stuck, rollout_stuck_message);
  all.push_back(drain_too_short(f));
  add(condition::kForeignScaler, !f.view.foreign_scaler.empty(), foreign_scaler_message);
  return all;
}

}  // namespace wp::controller
