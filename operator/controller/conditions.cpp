#include "operator/controller/conditions.h"

#include <algorithm>
#include <cctype>
#include <cstring>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "operator/pool/advice.h"
#include "operator/pool/event_reasons.h"

namespace wp::controller {
namespace {

namespace condition = pool::condition;
namespace reason = pool::reason;
using pool::Condition;
using pool::ConditionStatus;

constexpr std::size_t kNamesShown = 3;

std::string_view next_step(redis::ErrorClass error) {
  switch (error) {
    case redis::ErrorClass::refused:
      return "check queue.redis.url and that Redis runs there";
    case redis::ErrorClass::timeout:
    case redis::ErrorClass::closed:
      return "check that Redis answers and the network to it";
    case redis::ErrorClass::tls:
      return "check queue.redis.tls (CA, server name, certificate): the operator's log says which";
    case redis::ErrorClass::auth:
      return "check the user name and password in queue.redis.secretRef";
    case redis::ErrorClass::permission:
      return "grant the user of queue.redis.secretRef the rights that docs/protocol.md lists";
    case redis::ErrorClass::loading:
      return "wait until Redis has read its data";
    case redis::ErrorClass::read_only:
      return "point queue.redis.url at the primary, or name its queue.redis.sentinel";
    case redis::ErrorClass::out_of_memory:
      return "raise Redis's maxmemory";
    case redis::ErrorClass::wrong_type:
      return "the queue's keys hold something else: use another queue.name";
    default:
      return "is queue.redis.url a Redis? the operator's log says more";
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

Condition queue_reachable(const Findings& f) {
  const auto say = [&](ConditionStatus status, std::string_view why, std::string message) {
    return make_condition(f, condition::kQueueReachable, status, why, std::move(message));
  };
  if (!f.endpoint_reason.empty()) {
    return say(ConditionStatus::is_false, f.endpoint_reason, f.endpoint_message);
  }
  if (!f.backlog) return say(ConditionStatus::unknown, reason::kNotYetRead, "it was not read yet");
  if (!f.backlog->error) return say(ConditionStatus::is_true, reason::kReached, "it is read");
  std::string message =
      fmt::format("{} workers are held while the queue cannot be read ({}): {}", f.view.replicas,
                  redis::to_string(*f.backlog->error), next_step(*f.backlog->error));
  if (f.backlog->counts) {
    const queue::Counts& last = *f.backlog->counts;
    message += fmt::format("; when it was last read {} jobs waited and {} ran",
                           last.waiting + last.due, last.active);
  }
  return say(ConditionStatus::is_false, reason_of(*f.backlog->error), std::move(message));
}

// What still happens while spec.pause holds.
std::string_view effect_of(pool::Pause pause) {
  switch (pause) {
    case pool::Pause::scale_in:
      return "the pool grows and does not shrink";
    case pool::Pause::scale_out:
      return "the pool shrinks and does not grow";
    case pool::Pause::scaling:
      return "the number of workers stands still";
    default:
      return "the workers claim nothing and their number stands still";
  }
}

Condition scaling_active(const Findings& f) {
  const pool::PoolSpec& spec = f.pool->pool.spec;
  const auto say_no = [&](std::string_view why, std::string message) {
    return make_condition(f, condition::kScalingActive, ConditionStatus::is_false, why,
                          std::move(message));
  };
  if (f.obstacle) return say_no(f.obstacle->condition, f.obstacle->message);
  if (spec.pause != pool::Pause::none) {
    return say_no(pool::cause::kPaused, fmt::format("{}: spec.pause is {}; set it to None to go on",
                                                    effect_of(spec.pause), to_string(spec.pause)));
  }
  if (spec.replicas) {
    return say_no(pool::cause::kFixed,
                  fmt::format("fixed at {} by spec.replicas; automatic again by: kubectl -n {} "
                              "patch wp {} --type=merge -p '{{\"spec\":{{\"replicas\":null}}}}'",
                              *spec.replicas, f.pool->pool.meta.ns, f.pool->pool.meta.name));
  }
  if (!f.fresh) {
    return say_no(pool::cause::kUnknown, "the size is held until the queue can be read");
  }
  const queue::Counts& counts = *f.backlog->counts;
  if (!counts.paused_by.empty()) {
    return say_no(pool::cause::kPaused,
                  fmt::format("{}: {} paused the queue; workerpoolctl queue resume {}",
                              effect_of(pool::Pause::claims),
                              shown_word(counts.paused_by, "somebody"), spec.queue.name));
  }
  if (counts.paused) {
    const bool rolled_back = f.ramp && f.ramp->state == pool::ramp_state::kRolledBack;
    return say_no(
        pool::cause::kPaused,
        fmt::format("{}: {}", effect_of(pool::Pause::claims),
                    rolled_back ? "the ramp was rolled back, and scaling.ramp.onRollback is "
                                  "PauseClaims; mend the cause, then set the annotation "
                                  "workerpool.dev/ramp-reset to a new value"
                                : "its configuration in Redis is about to be "
                                  "written anew"));
  }
  return make_condition(f, condition::kScalingActive, ConditionStatus::is_true, reason::kAutomatic,
                        "the size follows the queue");
}

const workload::WorkerPod* first_waiting(const workload::View& view) {
  for (const workload::WorkerPod& pod : view.pods) {
    if (!pod.waiting.empty() && !pod.terminating && !pod.finished) return &pod;
  }
  return nullptr;
}

Condition scaling_limited(const Findings& f) {
  const auto limited = f.decision ? f.decision->limited : std::nullopt;
  // A schedule asks for more; it takes nothing away. Nor does a lull that has to last before
  // workers leave: it comes with every pause of the jobs, and the decision says it.
  if (!limited || *limited == scaling::Cause::schedule || *limited == scaling::Cause::window) {
    return make_condition(f, condition::kScalingLimited, ConditionStatus::is_false,
                          reason::kWithinBounds, "nothing caps or holds the size");
  }
  const std::string_view word = to_string(*limited);
  std::string message = f.decision->reason;
  const workload::WorkerPod* pod = first_waiting(f.view);
  if (*limited == scaling::Cause::unschedulable && pod != nullptr) {
    message += fmt::format("; {}: {}: {}", pod->name, shown_word(pod->waiting, "does not start"),
                           pool::advice_on_start(pod->waiting, pod->name));
  } else if (const pool::Advice* advice = pool::advice_on_decision(
                 word, f.decision->replicas, f.pool->pool.spec,
                 f.ramp ? std::string_view(f.ramp->state) : std::string_view())) {
    message += fmt::format("; {}", advice->step);
  }
  return make_condition(f, condition::kScalingLimited, ConditionStatus::is_true, word,
                        std::move(message));
}

// "3 of 7 leave: 2 still finish a job"; empty when nobody does.
std::string leaving_message(const Findings& f) {
  int leaving = 0;
  int drained = 0;  // by a person: they leave when that person says so
  for (const fleet::Member& member : f.fleet.members) {
    if (member.leaving() || member.pod.terminating) {
      ++leaving;
    } else if (member.retired) {
      ++drained;
    }
  }
  std::vector<std::string> parts;
  if (leaving > 0) {
    parts.push_back(
        fmt::format("{} of {} {}", leaving, f.view.existing(), leaving == 1 ? "leaves" : "leave"));
    if (f.fleet.leaving_busy > 0) {
      parts.back() += f.fleet.leaving_busy == 1
                          ? ": 1 still finishes a job"
                          : fmt::format(": {} still finish a job", f.fleet.leaving_busy);
    }
  }
  if (!f.scale_in_blocked.empty()) parts.push_back("scale-in waits: " + f.scale_in_blocked);
  if (drained > 0) {
    parts.push_back(
        fmt::format("{} claim{} nothing by a person's order; workerpoolctl workers "
                    "undrain ends it",
                    drained, drained == 1 ? "s" : ""));
  }
  return fmt::format("{}", fmt::join(parts, "; "));
}

// A new number of workers is not seen by the cluster at once, and nothing else may be told from a
// rollout then; of that moment this says nothing.
bool rollout_under_way(const Findings& f) {
  return f.view.rolling && f.view.observed;
}

// Workers are missing: how many, and what is in the way of the first of them.
std::string missing_message(const Findings& f, int desired) {
  std::string message = fmt::format("{} of {} workers are ready", f.view.ready(), desired);
  if (rollout_under_way(f)) message += "; a rollout is under way";
  if (const workload::WorkerPod* pod = first_waiting(f.view)) {
    message += fmt::format("; {}: {}: {}", pod->name, shown_word(pod->waiting, "does not start"),
                           pool::advice_on_start(pod->waiting, pod->name));
  } else if (f.view.existing() < desired) {
    message += "; scaling up: the others are being created";
  } else {
    message += "; the others start";
  }
  return message;
}

Condition ready(const Findings& f, const Condition& reachable) {
  const auto say = [&](ConditionStatus status, std::string_view why, std::string message) {
    return make_condition(f, condition::kReady, status, why, std::move(message));
  };
  if (f.obstacle) return say(ConditionStatus::is_false, f.obstacle->reason, f.obstacle->message);
  if (reachable.status != ConditionStatus::is_true) {
    return say(reachable.status, reachable.reason, reachable.message);
  }
  if (all_handlers_broken(f.fleet)) {
    return say(ConditionStatus::is_false, reason::kHandlersBroken, broken_message(f.fleet));
  }
  if (f.view.rollout_stuck) {
    return say(ConditionStatus::is_false, condition::kRolloutStuck, rollout_stuck_message(f));
  }
  const int desired = f.decision ? f.decision->replicas : 0;
  if (f.view.ready() < desired) {
    return say(ConditionStatus::is_false, reason::kProgressing, missing_message(f, desired));
  }
  // Who leaves takes nothing away from those who stay.
  if (std::string message = leaving_message(f); !message.empty()) {
    return say(ConditionStatus::is_true, reason::kProgressing, std::move(message));
  }
  if (rollout_under_way(f)) {
    return say(ConditionStatus::is_true, reason::kProgressing,
               "a rollout is under way; no worker is taken away until it is over");
  }
  if (desired == 0) {
    const bool paused = f.decision && f.decision->cause == scaling::Cause::paused;
    return say(ConditionStatus::is_true, reason::kAtRest,
               paused ? "claims are paused, no worker" : "no job, no worker");
  }
  return say(ConditionStatus::is_true, reason::kAsDeclared,
             "as many workers are ready as are wanted");
}

}  // namespace

Condition make_condition(const Findings& findings, std::string_view type, ConditionStatus status,
                         std::string_view why, std::string message) {
  Condition c;
  c.type = type;
  c.status = status;
  c.reason = why;
  c.message = std::move(message);
  c.observed_generation = findings.pool->pool.meta.generation;
  return c;
}

std::string name_some(const std::vector<std::string>& names) {
  const std::size_t shown = std::min(names.size(), kNamesShown);
  const auto end = names.begin() + static_cast<std::ptrdiff_t>(shown);
  std::string text = fmt::format("{}", fmt::join(names.begin(), end, ", "));
  if (names.size() > shown) text += fmt::format(" and {} more", names.size() - shown);
  return text;
}

std::string shown_word(std::string_view word, std::string_view otherwise) {
  const bool plain = !word.empty() && word.size() <= 64 &&
                     std::all_of(word.begin(), word.end(), [](unsigned char c) {
                       return std::isalnum(c) != 0 || std::strchr("._@:/+-", c) != nullptr;
                     });
  return std::string(plain ? word : otherwise);
}

std::vector<Condition> build_conditions(const Findings& f) {
  const Condition reachable = queue_reachable(f);
  std::vector<Condition> all = {ready(f, reachable), reachable, scaling_active(f),
                                scaling_limited(f)};
  std::vector<Condition> troubles = build_troubles(f);
  std::stable_partition(troubles.begin(), troubles.end(),
                        [](const Condition& one) { return pool::is_trouble(one); });
  all.insert(all.end(), troubles.begin(), troubles.end());
  return all;
}

}  // namespace wp::controller
