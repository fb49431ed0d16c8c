#include "tests/operator/controller/condition_cases.h"

#include "operator/pool/advice.h"
#include "operator/pool/event_reasons.h"

namespace wp::test {

using namespace wp::controller;
using pool::ConditionStatus;

void blame(Found& found, std::string_view type, std::string_view reason) {
  found.f.obstacle = Obstacle{type, reason, "queue.name: another pool has it"};
  found.f.decision.reset();
}

namespace {

constexpr auto kTrue = ConditionStatus::is_true;
constexpr auto kFalse = ConditionStatus::is_false;
constexpr auto kUnknown = ConditionStatus::unknown;

void nothing(Found&) {}

// A decision that something limited.
std::function<void(Found&)> limited(scaling::Cause cause) {
  return
      [cause](Found& found) { found.decide(7, cause, "134 jobs = 34 workers; held at 7", cause); };
}

}  // namespace

std::vector<ConditionCase> condition_cases() {
  namespace c = pool::condition;
  namespace r = pool::reason;
  namespace k = pool::cause;
  using redis::ErrorClass;
  const auto fails = [](ErrorClass error) {
    return [error](Found& found) { found.unreadable(error); };
  };
  std::vector<ConditionCase> all = {
      // ------------------------------------------------------------------------------- the four
      {"all is well", "{}", nothing, c::kReady, kTrue, r::kAsDeclared},
      {"all is well", "{}", nothing, c::kQueueReachable, kTrue, r::kReached},
      {"all is well", "{}", nothing, c::kScalingActive, kTrue, r::kAutomatic},
      {"all is well", "{}", nothing, c::kScalingLimited, kFalse, r::kWithinBounds},

      {"not read yet", "{}", [](Found& x) { x.f.backlog.reset(); }, c::kQueueReachable, kUnknown,
       r::kNotYetRead},
      {"not read yet", "{}", [](Found& x) { x.f.backlog.reset(); }, c::kReady, kUnknown,
       r::kNotYetRead},
      {"a Secret is missing", "{}",
       [](Found& x) {
         x.f.endpoint_reason = r::kSecretMissing;
         x.f.endpoint_message = "no Secret redis-auth; queue.redis.secretRef names it";
       },
       c::kQueueReachable, kFalse, r::kSecretMissing},
      {"refused",
       "{}",
       fails(ErrorClass::refused),
       c::kQueueReachable,
       kFalse,
       r::kRefused,
       {"7 workers are held", "queue.redis.url", "120 jobs waited and 14 ran"}},
      {"refused", "{}", fails(ErrorClass::refused), c::kReady, kFalse, r::kRefused},
      {"refused", "{}", fails(ErrorClass::refused), c::kScalingActive, kFalse, k::kUnknown},
      {"silent", "{}", fails(ErrorClass::timeout), c::kQueueReachable, kFalse, r::kTimeout},
      {"cut", "{}", fails(ErrorClass::closed), c::kQueueReachable, kFalse, r::kTimeout},
      {"no trust",
       "{}",
       fails(ErrorClass::tls),
       c::kQueueReachable,
       kFalse,
       r::kTls,
       {"queue.redis.tls"}},
      {"wrong password",
       "{}",
       fails(ErrorClass::auth),
       c::kQueueReachable,
       kFalse,
       r::kAuth,
       {"queue.redis.secretRef"}},
      {"no rights",
       "{}",
       fails(ErrorClass::permission),
       c::kQueueReachable,
       kFalse,
       r::kPermission,
       {"docs/protocol.md"}},
      {"loading", "{}", fails(ErrorClass::loading), c::kQueueReachable, kFalse, r::kLoading},
      {"a replica",
       "{}",
       fails(ErrorClass::read_only),
       c::kQueueReachable,
       kFalse,
       r::kReadOnly,
       {"primary"}},
      {"full",
       "{}",
       fails(ErrorClass::out_of_memory),
       c::kQueueReachable,
       kFalse,
       r::kProtocol,
       {"maxmemory"}},
      {"another type",
       "{}",
       fails(ErrorClass::wrong_type),
       c::kQueueReachable,
       kFalse,
       r::kProtocol,
       {"queue.name"}},
      {"no Redis", "{}", fails(ErrorClass::protocol), c::kQueueReachable, kFalse, r::kProtocol},

      {"pods start",
       "{}",
       [](Found& x) { x.decide(9, scaling::Cause::backlog, "134 jobs = 9 workers"); },
       c::kReady,
       kFalse,
       r::kProgressing,
       {"7 of 9 workers are ready; scaling up: the others are being created"}},
      {"pods start",
       "{}",
       [](Found& x) {
         x.f.fleet.members[0].pod.ready = false;
         x.count();
       },
       c::kReady,
       kFalse,
       r::kProgressing,
       {"6 of 7 workers are ready; the others start"}},
      {"a pod has no image",
       "{}",
       [](Found& x) {
         x.f.fleet.members[0].pod.ready = false;
         x.f.fleet.members[0].pod.waiting = "ImagePullBackOff";
         x.count();
       },
       c::kReady,
       kFalse,
       r::kProgressing,
       {"6 of 7 workers are ready; w-1: ImagePullBackOff: check the image in workers.template"}},
      {"some leave",
       "{}",
       [](Found& x) {
         for (int i : {0, 1, 6}) x.f.fleet.members[static_cast<std::size_t>(i)].by_us = true;
         x.decide(4, scaling::Cause::idle, "0 waiting + 4 running = 4 workers");
         x.count();
       },
       c::kReady,
       kTrue,
       r::kProgressing,
       {"3 of 7 leave: 2 still finish a job"}},
      {"one leaves, idle",
       "{}",
       [](Found& x) {
         x.f.fleet.members[6].pod.marked = true;
         x.decide(6, scaling::Cause::idle, "6 workers");
         x.count();
       },
       c::kReady,
       kTrue,
       r::kProgressing,
       {"1 of 7 leaves"}},
      {"scale-in is blocked",
       "{}",
       [](Found& x) {
         x.f.scale_in_blocked = "w-3 is not ready and holds a job";
         x.decide(4, scaling::Cause::idle, "4 workers");
       },
       c::kReady,
       kTrue,
       r::kProgressing,
       {"scale-in waits: w-3 is not ready and holds a job"}},
      {"a person drains one",
       "{}",
       [](Found& x) {
         x.f.fleet.members[6].retired = true;
         x.count();
       },
       c::kReady,
       kTrue,
       r::kProgressing,
       {"1 claims nothing by a person's order; workerpoolctl workers undrain"}},
      {"a rollout",
       "{}",
       [](Found& x) { x.f.view.rolling = true; },
       c::kReady,
       kTrue,
       r::kProgressing,
       {"no worker is taken away until it is over"}},
      {"a rollout that is stuck",
       "{}",
       [](Found& x) { x.f.view.rollout_stuck = true; },
       c::kReady,
       kFalse,
       c::kRolloutStuck,
       {"workers.template"}},
      {"no handler can run",
       "{}",
       [](Found& x) {
         for (fleet::Member& one : x.f.fleet.members) one.broken = true;
         x.count();
       },
       c::kReady,
       kFalse,
       r::kHandlersBroken,
       {"7 of 7 workers"}},
      {"at rest",
       "{}",
       [](Found& x) {
         x.f.fleet.members.clear();
         x.count();
         x.decide(0, scaling::Cause::idle, "0 waiting + 0 running = 0 workers");
       },
       c::kReady,
       kTrue,
       r::kAtRest,
       {"no job, no worker"}},

      {"ScaleIn",
       R"({"pause": "ScaleIn"})",
       nothing,
       c::kScalingActive,
       kFalse,
       k::kPaused,
       {"grows and does not shrink: spec.pause is ScaleIn; set it to None"}},
      {"ScaleOut",
       R"({"pause": "ScaleOut"})",
       nothing,
       c::kScalingActive,
       kFalse,
       k::kPaused,
       {"shrinks and does not grow: spec.pause is ScaleOut"}},
      {"Scaling",
       R"({"pause": "Scaling"})",
       nothing,
       c::kScalingActive,
       kFalse,
       k::kPaused,
       {"the number of workers stands still: spec.pause is Scaling"}},
      {"Claims",
       R"({"pause": "Claims"})",
       nothing,
       c::kScalingActive,
       kFalse,
       k::kPaused,
       {"the workers claim nothing and their number stands still: spec.pause is Claims"}},
      {"paused and fixed", R"({"pause": "ScaleIn", "replicas": 3})", nothing, c::kScalingActive,
       kFalse, k::kPaused},
      {"fixed",
       R"({"replicas": 3})",
       nothing,
       c::kScalingActive,
       kFalse,
       k::kFixed,
       {"fixed at 3 by spec.replicas",
        R"(kubectl -n media patch wp thumbnails --type=merge -p '{"spec":{"replicas":null}}')"}},
      {"a person paused the queue",
       "{}",
       [](Found& x) {
         x.counts().paused = true;
         x.counts().paused_by = "ann@laptop";
       },
       c::kScalingActive,
       kFalse,
       k::kPaused,
       {"ann@laptop paused the queue; workerpoolctl queue resume media/thumbnails"}},
      {"somebody with an odd name paused it",
       "{}",
       [](Found& x) {
         x.counts().paused = true;
         x.counts().paused_by = "\x1b[31m";
       },
       c::kScalingActive,
       kFalse,
       k::kPaused,
       {"somebody paused the queue"}},
      {"rolled back with PauseClaims",
       "{}",
       [](Found& x) {
         x.counts().paused = true;
         x.f.ramp = pool::RampStatus{.step = 1, .state = "RolledBack"};
       },
       c::kScalingActive,
       kFalse,
       k::kPaused,
       {"PauseClaims", "workerpool.dev/ramp-reset"}},

      {"the pod's own reason",
       "{}",
       [](Found& x) {
         x.f.fleet.members[6] = member("w-7");
         x.f.fleet.members[6].pod.ready = false;
         x.f.fleet.members[6].pod.waiting = "Unschedulable";
         x.count();
         x.decide(9, scaling::Cause::unschedulable, "134 jobs = 34 workers",
                  scaling::Cause::unschedulable);
       },
       c::kScalingLimited,
       kTrue,
       k::kUnschedulable,
       {"w-7: Unschedulable: add nodes, or lower the requests of workers.template"}},
      {"a schedule is no limit", "{}", limited(scaling::Cause::schedule), c::kScalingLimited,
       kFalse, r::kWithinBounds},

      {"a ramp that is rolled back",
       "{}",
       [](Found& x) {
         x.f.ramp = pool::RampStatus{.step = 1, .state = "RolledBack"};
         x.decide(1, scaling::Cause::backlog, "34 workers; the ramp is rolled back to 1",
                  scaling::Cause::ramp_step);
       },
       c::kScalingLimited,
       kTrue,
       k::kRampStep,
       {"rolled back to 1; mend what fired it, then set the annotation"}},
      {"a lull is no limit", "{}", limited(scaling::Cause::window), c::kScalingLimited, kFalse,
       r::kWithinBounds},

      // --------------------------------------------------------------------------- the troubles
      {"stalled",
       "{}",
       [](Found& x) {
         for (std::size_t i = 0; i < 5; ++i) x.f.fleet.members[i].stalled = true;
         x.count();
       },
       c::kWorkersStalled,
       kTrue,
       c::kWorkersStalled,
       {"5 workers run a job that made no progress for 10m (w-1, w-2, w-3 and 2 more)",
        "health.stallTimeout"}},
      {"none stalled", "{}", nothing, c::kWorkersStalled, kFalse, r::kAsDeclared},
      {"other slots",
       "{}",
       [](Found& x) {
         x.f.fleet.members[0].slots = 8;
         x.count();
       },
       c::kConcurrencyMismatch,
       kTrue,
       c::kConcurrencyMismatch,
       {"1 of 7 workers registered 8 jobs at once, workers.concurrency is 4", "WP_CONCURRENCY"}},
      {"other slots while a rollout replaces them", "{}",
       [](Found& x) {
         x.f.fleet.members[0].slots = 8;
         x.f.view.rolling = true;
         x.count();
       },
       c::kConcurrencyMismatch, kFalse, r::kProgressing},
      {"the same slots", "{}", nothing, c::kConcurrencyMismatch, kFalse, r::kAsDeclared},
      {"one is broken",
       "{}",
       [](Found& x) {
         x.f.fleet.members[0].broken = true;
         x.count();
       },
       c::kHandlersBroken,
       kTrue,
       c::kHandlersBroken,
       {"1 of 7 workers", "workers.handler"}},
      {"none is broken", "{}", nothing, c::kHandlersBroken, kFalse, r::kAsDeclared},
      {"blind for long",
       R"({"scaling": {"fallback": {"replicas": 9, "after": "30s"}}})",
       [](Found& x) {
         x.unreadable(redis::ErrorClass::refused);
         x.decide(9, scaling::Cause::unknown, "blind for 30 s: fallback 9");
         x.f.decision->fallback = true;
       },
       c::kFallbackActive,
       kTrue,
       c::kFallbackActive,
       {"could not be read for 30s: 9 workers by scaling.fallback"}},
      {"blind for a moment", "{}", fails(ErrorClass::refused), c::kFallbackActive, kFalse,
       r::kAsDeclared},
      {"a rollout is stuck",
       "{}",
       [](Found& x) {
         x.f.view.rollout_stuck = x.f.view.rolling = true;
         x.f.fleet.members[0].pod.ready = false;
         x.f.fleet.members[0].pod.waiting = "CrashLoopBackOff";
         x.count();
       },
       c::kRolloutStuck,
       kTrue,
       c::kRolloutStuck,
       {"(w-1: CrashLoopBackOff)", "workers.template"}},
      {"a rollout goes on", "{}", [](Found& x) { x.f.view.rolling = true; }, c::kRolloutStuck,
       kFalse, r::kAsDeclared},
      {"too little time to end",
       "{}",
       [](Found& x) { x.f.view.grace_period = Millis{30000}; },
       c::kDrainTooShort,
       kTrue,
       c::kDrainTooShort,
       {"pods get 30s to end, workers.drainTimeout is 5m", "thumbnails-worker to 315"}},
      {"just enough time", "{}", [](Found& x) { x.f.view.grace_period = Millis{315000}; },
       c::kDrainTooShort, kFalse, r::kAsDeclared},
      {"a template's grace period that was raised",
       R"({"workers": {"drainTimeout": "1m", "template": {"spec": {
           "terminationGracePeriodSeconds": 30}}}})",
       [](Found& x) { x.f.view.grace_period = Millis{75000}; },
       c::kDrainTooShort,
       kFalse,
       r::kRaised,
       {"gives the pods 30 s", "they get 75 s"}},
      {"our own target", "{}", nothing, c::kDrainTooShort, kFalse, r::kAsDeclared},
      {"somebody's target that was not seen yet",
       R"({"workers": {"template": null, "handler": null, "deploymentRef": {"name": "web"}}})",
       nothing, c::kDrainTooShort, kUnknown, r::kNotYetRead},
      {"somebody else scales",
       "{}",
       [](Found& x) { x.f.view.foreign_scaler = "keda-operator"; },
       c::kForeignScaler,
       kTrue,
       c::kForeignScaler,
       {"keda-operator sets", "spec.replicas"}},
      {"somebody with an odd name scales",
       "{}",
       [](Found& x) { x.f.view.foreign_scaler = "a\nb"; },
       c::kForeignScaler,
       kTrue,
       c::kForeignScaler,
       {"somebody else sets"}},
      {"nobody else scales", "{}", nothing, c::kForeignScaler, kFalse, r::kAsDeclared},
      {"deep",
       R"({"queue": {"maxDepth": 100}})",
       nothing,
       c::kSaturated,
       kTrue,
       r::kMaxDepth,
       {"120 jobs wait, queue.maxDepth is 100", "scaling.maxReplicas"}},
      {"fat",
       R"({"queue": {"maxBytes": "64Mi"}})",
       [](Found& x) { x.counts().bytes = std::int64_t{65} << 20; },
       c::kSaturated,
       kTrue,
       r::kMaxBytes,
       {"holds 65 MiB, queue.maxBytes is 64Mi"}},
      {"neither", "{}", nothing, c::kSaturated, kFalse, r::kAsDeclared},
  };
  for (const std::string_view type :
       {c::kInvalidSpec, c::kNameConflict, c::kQueueConflict, c::kTargetConflict}) {
    const auto so = [type](Found& x) { blame(x, type, type); };
    all.push_back({"an obstacle", "{}", so, type, kTrue, type, {"another pool has it"}});
    all.push_back({"an obstacle", "{}", so, c::kReady, kFalse, type, {"another pool has it"}});
    all.push_back({"an obstacle", "{}", so, c::kScalingActive, kFalse, type});
    all.push_back({"no obstacle", "{}", nothing, type, kFalse, r::kAsDeclared});
  }
  const auto unsupported = [](Found& x) { blame(x, c::kInvalidSpec, r::kUnsupported); };
  all.push_back({"its own reason", "{}", unsupported, c::kInvalidSpec, kTrue, r::kUnsupported});
  using scaling::Cause;
  for (const Cause cause :
       {Cause::at_max, Cause::at_min, Cause::ramp_step, Cause::rate_limited, Cause::cooldown,
        Cause::budget, Cause::unschedulable, Cause::handlers_broken, Cause::unknown, Cause::paused,
        Cause::fixed, Cause::clamped}) {
    all.push_back({"limited",
                   "{}",
                   limited(cause),
                   c::kScalingLimited,
                   kTrue,
                   to_string(cause),
                   {"134 jobs = 34 workers; held at 7; "}});
  }
  return all;
}

}  // namespace wp::test
