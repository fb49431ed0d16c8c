#include "operator/pool/advice.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

#include "operator/pool/event_reasons.h"

namespace wp::pool {
namespace {

constexpr std::array kCauses = {
    Advice{cause::kBacklog, "the jobs that wait and run want so many", "scaling.policy",
           "nothing to do"},
    Advice{cause::kIdle, "nothing waits and nothing runs", "scaling.minReplicas",
           "nothing to do; scaling.minReplicas or scaling.spareWorkers keep workers warm"},
    Advice{cause::kSchedule, "a schedule raises the floor now", "scaling.schedules",
           "nothing to do; its minReplicas, start and end in scaling.schedules say how many and "
           "when"},
    Advice{cause::kBelowThreshold, "fewer jobs wait per worker than downAtPercent",
           "scaling.threshold.downAtPercent",
           "nothing to do; a lower scaling.threshold.downAtPercent keeps the workers longer"},
    Advice{cause::kAtMax, "the jobs want more than maxReplicas", "scaling.maxReplicas",
           "raise scaling.maxReplicas, or workers.concurrency where a worker can run more jobs at "
           "once"},
    Advice{cause::kAtMin, "fewer would do", "scaling.minReplicas",
           "nothing to do; a lower scaling.minReplicas saves workers"},
    Advice{cause::kRampStep, "the ramp's step allows no more", "scaling.ramp",
           "wait until the step of scaling.ramp was stable for its stableFor, or raise its "
           "maxReplicas"},
    Advice{cause::kRateLimited, "no more may start at once", "scaling.maxScaleUp",
           "the rest follows by itself; a higher scaling.maxScaleUp starts more at once"},
    Advice{cause::kCooldown, "the size changed a moment ago", "scaling.threshold.cooldown",
           "the next change follows by itself; a shorter scaling.threshold.cooldown brings it "
           "sooner"},
    Advice{cause::kWindow, "more were wanted a moment ago", "scaling.scaleDownWindow",
           "they leave by themselves; a shorter scaling.scaleDownWindow (the last one: "
           "scaling.scaleToZeroAfter) lets them go sooner"},
    Advice{cause::kBudget, "the pods' requests fill the budget", "scaling.budget",
           "raise scaling.budget, or lower the requests of workers.template"},
    Advice{cause::kUnschedulable, "pods that were asked for do not start", "workers.template",
           "add nodes, or mend workers.template; kubectl describe pod says what is missing"},
    Advice{cause::kHandlersBroken, "no worker can run its handler", "workers.handler",
           "mend workers.handler, the image or the app; workerpoolctl doctor and a worker's log "
           "say why"},
    Advice{cause::kUnknown, "the queue cannot be read, so the size is held", "queue.redis",
           "mend what QueueReachable says; scaling.fallback sets a size for such times"},
    Advice{cause::kPaused, "somebody paused the pool or its queue", "pause",
           "set spec.pause to None; a queue that a person paused: workerpoolctl queue resume"},
    Advice{cause::kFixed, "spec.replicas fixes the size", "replicas",
           "nothing to do; without spec.replicas the size is automatic again"},
    Advice{cause::kClamped, "spec.replicas is outside of 0..maxReplicas", "scaling.maxReplicas",
           "lower spec.replicas, or raise scaling.maxReplicas"},
};

// More workers than these would find nothing to claim.
constexpr Advice kAtMaxActive{cause::kAtMax, "jobs.maxActive lets no more jobs run at once",
                              "jobs.maxActive", "raise jobs.maxActive"};

constexpr Advice kRolledBack{
    cause::kRampStep, "the ramp is rolled back", "scaling.ramp.rollbackTo",
    "mend what fired it, then set the annotation workerpool.dev/ramp-reset to a new value"};

constexpr std::array kTroubles = {
    Advice{condition::kInvalidSpec, "the spec cannot be carried out", "",
           "correct the spec; nothing is scaled until then"},
    Advice{condition::kNameConflict, "the Deployment's name belongs to somebody else", "",
           "rename the pool, or remove that Deployment"},
    Advice{condition::kQueueConflict, "another pool owns the queue", "queue.name",
           "give this pool another queue.name, or remove the other pool"},
    Advice{condition::kTargetConflict, "two pools scale one Deployment", "workers.deploymentRef",
           "let one of the pools name another Deployment in workers.deploymentRef"},
    Advice{condition::kQueueReachable, "the queue cannot be read", "queue.redis",
           "mend the way to Redis (queue.redis); the size is held meanwhile"},
    Advice{condition::kHandlersBroken, "workers cannot run their handler", "workers.handler",
           "mend workers.handler, the image or the app; workerpoolctl doctor and a worker's log "
           "say why"},
    Advice{condition::kRolloutStuck, "new pods do not become ready", "workers.template",
           "mend workers.template; the old pods serve meanwhile, and none leaves"},
    Advice{condition::kWorkersStalled, "jobs make no progress", "health.stallTimeout",
           "look at those jobs (workerpoolctl workers list); jobs.timeout ends them, a longer "
           "health.stallTimeout lets them be silent for longer"},
    Advice{condition::kFallbackActive, "the size is a fallback", "scaling.fallback",
           "make the queue readable again; scaling.fallback is the size for such times"},
    Advice{condition::kSaturated, "enqueues are refused", "queue.maxDepth",
           "raise scaling.maxReplicas to work it off sooner, or queue.maxDepth and queue.maxBytes"},
    Advice{condition::kConcurrencyMismatch, "workers run another number of jobs at once",
           "workers.concurrency",
           "let workers.concurrency and the workers' own setting (WP_CONCURRENCY) be the same"},
    Advice{condition::kDrainTooShort, "pods are killed before their jobs may end",
           "workers.drainTimeout",
           "raise terminationGracePeriodSeconds of the Deployment, or lower workers.drainTimeout"},
    Advice{condition::kForeignScaler, "somebody else sets the replicas", "replicas",
           "remove the other one (an HPA, a ScaledObject, a pipeline); to fix the size set "
           "spec.replicas of the pool"},
    Advice{condition::kReady, "fewer workers are ready than wanted", "workers.template",
           "wait for the pods to start, or see why they do not: kubectl describe pod"},
};

const Advice* find(std::span<const Advice> table, std::string_view word) {
  const auto found = std::find_if(table.begin(), table.end(),
                                  [word](const Advice& one) { return one.word == word; });
  return found == table.end() ? nullptr : &*found;
}

}  // namespace

std::span<const Advice> cause_advice() {
  return kCauses;
}

const Advice* advice_on_cause(std::string_view cause) {
  return find(kCauses, cause);
}

const Advice* advice_on_decision(std::string_view cause, int replicas, const PoolSpec& spec,
                                 std::string_view ramp) {
  const std::int64_t slots = std::int64_t{replicas} * spec.workers.concurrency;
  if (cause == cause::kAtMax && spec.jobs.max_active > 0 && slots >= spec.jobs.max_active &&
      replicas < spec.scaling.max_replicas) {
    return &kAtMaxActive;
  }
  if (cause == cause::kRampStep && ramp == ramp_state::kRolledBack) return &kRolledBack;
  return advice_on_cause(cause);
}

std::span<const Advice> trouble_advice() {
  return kTroubles;
}

const Advice* advice_on_trouble(std::string_view condition) {
  return find(kTroubles, condition);
}

bool is_trouble(const Condition& condition) {
  if (advice_on_trouble(condition.type) == nullptr) return false;
  // Workers that start or leave are no trouble; those that cannot are told by ScalingLimited.
  if (condition.reason == reason::kProgressing) return false;
  const bool good_when_true =
      condition.type == condition::kReady || condition.type == condition::kQueueReachable;
  return condition.status ==
         (good_when_true ? ConditionStatus::is_false : ConditionStatus::is_true);
}

std::string advice_on_start(std::string_view waiting, std::string_view pod) {
  if (waiting == "Unschedulable") {
    return "add nodes, or lower the requests of workers.template";
  }
  if (waiting == "ImagePullBackOff" || waiting == "InvalidImageName" ||
      waiting.starts_with("ErrImage")) {
    return "check the image in workers.template, and its pull secret";
  }
  if (waiting == "CrashLoopBackOff") {
    return fmt::format("kubectl logs --previous {} says why it ends", pod);
  }
  if (waiting == "CreateContainerConfigError") {
    return "a Secret or ConfigMap that workers.template names is missing";
  }
  return fmt::format("kubectl describe pod {} says why", pod);
}

}  // namespace wp::pool
