// Every word that the operator writes about a pool and that people match on: event reasons,
// condition types and reasons, causes of a decision. Each stands here once, with when it is used;
// a test holds the docs against these tables.
#pragma once

#include <array>
#include <string_view>

namespace wp::pool {

namespace event {

// Normal
inline constexpr std::string_view kScaledUp = "ScaledUp";      // replicas were raised
inline constexpr std::string_view kScaledDown = "ScaledDown";  // replicas were lowered, not to 0
inline constexpr std::string_view kScaledToZero = "ScaledToZero";    // the last worker was let go
inline constexpr std::string_view kWokeFromZero = "WokeFromZero";    // replicas were raised from 0
inline constexpr std::string_view kWorkerRetired = "WorkerRetired";  // a victim holds nothing now
inline constexpr std::string_view kQueueRecovered = "QueueRecovered";    // readable again
inline constexpr std::string_view kBackpressureOff = "BackpressureOff";  // enqueues are taken again
inline constexpr std::string_view kRampAdvanced = "RampAdvanced";  // the next step's cap holds
// Warning
inline constexpr std::string_view kWorkerLost = "WorkerLost";  // gone or silent with jobs in hand
inline constexpr std::string_view kJobsReclaimed = "JobsReclaimed";  // of a dead worker: given back
inline constexpr std::string_view kJobsInterrupted =
    "JobsInterrupted";                                               // drainTimeout was too short
inline constexpr std::string_view kWorkerStalled = "WorkerStalled";  // no progress for stallTimeout
inline constexpr std::string_view kQueueUnreachable = "QueueUnreachable";  // no depth: size is held
inline constexpr std::string_view kBackpressureOn =
    "BackpressureOn";  // maxDepth or maxBytes reached
inline constexpr std::string_view kFallbackActivated = "FallbackActivated";  // blind for too long
inline constexpr std::string_view kRampRolledBack = "RampRolledBack";        // a trigger fired
inline constexpr std::string_view kScaleInAborted = "ScaleInAborted";  // marks were not confirmed
inline constexpr std::string_view kRolloutStuck = "RolloutStuck";    // a rollout makes no progress
inline constexpr std::string_view kDrainTooShort = "DrainTooShort";  // grace period < drainTimeout
inline constexpr std::string_view kTargetConflict = "TargetConflict";  // two pools, one Deployment
inline constexpr std::string_view kHandlersBroken = "HandlersBroken";  // no handler can start
inline constexpr std::string_view kInvalidSpec = "InvalidSpec";  // the spec was refused, see note
inline constexpr std::string_view kNameConflict =
    "NameConflict";  // <pool>-worker is someone else's
inline constexpr std::string_view kQueueConflict = "QueueConflict";  // another pool owns the queue
inline constexpr std::string_view kForeignScaler = "ForeignScaler";  // someone else sets replicas

inline constexpr std::array kNormal = {kScaledUp,        kScaledDown,    kScaledToZero,
                                       kWokeFromZero,    kWorkerRetired, kQueueRecovered,
                                       kBackpressureOff, kRampAdvanced};
inline constexpr std::array kWarning = {
    kWorkerLost,     kJobsReclaimed,     kJobsInterrupted, kWorkerStalled,  kQueueUnreachable,
    kBackpressureOn, kFallbackActivated, kRampRolledBack,  kScaleInAborted, kRolloutStuck,
    kDrainTooShort,  kTargetConflict,    kHandlersBroken,  kInvalidSpec,    kNameConflict,
    kQueueConflict,  kForeignScaler};

}  // namespace event

namespace condition {

// Always present
inline constexpr std::string_view kReady = "Ready";  // True: the pool does what its spec says
inline constexpr std::string_view kQueueReachable = "QueueReachable";
inline constexpr std::string_view kScalingActive = "ScalingActive";    // False: paused or fixed
inline constexpr std::string_view kScalingLimited = "ScalingLimited";  // something caps the demand
// True is trouble
inline constexpr std::string_view kSaturated = "Saturated";  // maxDepth or maxBytes is reached
inline constexpr std::string_view kWorkersStalled = "WorkersStalled";
inline constexpr std::string_view kConcurrencyMismatch =
    "ConcurrencyMismatch";  // registered ≠ spec
inline constexpr std::string_view kHandlersBroken = "HandlersBroken";
inline constexpr std::string_view kFallbackActive = "FallbackActive";
inline constexpr std::string_view kRolloutStuck = "RolloutStuck";
inline constexpr std::string_view kDrainTooShort = "DrainTooShort";
inline constexpr std::string_view kInvalidSpec = "InvalidSpec";
inline constexpr std::string_view kNameConflict = "NameConflict";
inline constexpr std::string_view kQueueConflict = "QueueConflict";
inline constexpr std::string_view kTargetConflict = "TargetConflict";
inline constexpr std::string_view kForeignScaler = "ForeignScaler";

inline constexpr std::array kAll = {
    kReady,          kQueueReachable, kScalingActive,       kScalingLimited,
    kSaturated,      kWorkersStalled, kConcurrencyMismatch, kHandlersBroken,
    kFallbackActive, kRolloutStuck,   kDrainTooShort,       kInvalidSpec,
    kNameConflict,   kQueueConflict,  kTargetConflict,      kForeignScaler};

}  // namespace condition

/// Reasons of conditions, in addition to the types' own names and the words of `cause`.
namespace reason {

inline constexpr std::string_view kAsDeclared = "AsDeclared";      // nothing to say: all is well
inline constexpr std::string_view kProgressing = "Progressing";    // workers start, leave or roll
inline constexpr std::string_view kAtRest = "AtRest";              // Ready at zero workers
inline constexpr std::string_view kReached = "Reached";            // QueueReachable=True
inline constexpr std::string_view kNotYetRead = "NotYetRead";      // QueueReachable=Unknown
inline constexpr std::string_view kAutomatic = "Automatic";        // ScalingActive=True
inline constexpr std::string_view kWithinBounds = "WithinBounds";  // ScalingLimited=False
inline constexpr std::string_view kUnsupported = "Unsupported";  // InvalidSpec: not in this version
inline constexpr std::string_view kRejected = "Rejected";  // InvalidSpec: the API server said no
inline constexpr std::string_view kMaxDepth = "MaxDepth";  // Saturated
inline constexpr std::string_view kMaxBytes = "MaxBytes";
inline constexpr std::string_view kHandlersBroken = "HandlersBroken";
inline constexpr std::string_view kRaised = "Raised";  // DrainTooShort=False: by the operator
// QueueReachable=False: the class of the error, never its text
inline constexpr std::string_view kRefused = "Refused";
inline constexpr std::string_view kTimeout = "Timeout";
inline constexpr std::string_view kTls = "Tls";
inline constexpr std::string_view kAuth = "Auth";
inline constexpr std::string_view kPermission = "Permission";
inline constexpr std::string_view kLoading = "Loading";
inline constexpr std::string_view kReadOnly = "ReadOnly";
inline constexpr std::string_view kProtocol = "Protocol";
inline constexpr std::string_view kSecretMissing = "SecretMissing";  // no such Secret or key

inline constexpr std::array kAll = {
    kAsDeclared,  kProgressing, kAtRest,   kReached,  kNotYetRead, kAutomatic,      kWithinBounds,
    kUnsupported, kRejected,    kMaxDepth, kMaxBytes, kRefused,    kTimeout,        kTls,
    kAuth,        kPermission,  kLoading,  kReadOnly, kProtocol,   kHandlersBroken, kSecretMissing,
    kRaised};

}  // namespace reason

/// status.ramp.state
namespace ramp_state {

inline constexpr std::string_view kAdvancing = "Advancing";    // at a step that is not the last
inline constexpr std::string_view kRolledBack = "RolledBack";  // a trigger fired: at rollbackTo
inline constexpr std::string_view kComplete = "Complete";      // the pool's own bounds hold

inline constexpr std::array kAll = {kAdvancing, kRolledBack, kComplete};

}  // namespace ramp_state

/// Why a decision is what it is; ScalingLimited uses the caps as its reasons.
namespace cause {

inline constexpr std::string_view kBacklog = "Backlog";
inline constexpr std::string_view kIdle = "Idle";
inline constexpr std::string_view kSchedule = "Schedule";
inline constexpr std::string_view kBelowThreshold = "BelowThreshold";
// caps
inline constexpr std::string_view kAtMax = "AtMax";
inline constexpr std::string_view kAtMin = "AtMin";
inline constexpr std::string_view kRampStep = "RampStep";
inline constexpr std::string_view kRateLimited = "RateLimited";
inline constexpr std::string_view kCooldown = "Cooldown";
inline constexpr std::string_view kWindow = "Window";
inline constexpr std::string_view kBudget = "Budget";
inline constexpr std::string_view kUnschedulable = "Unschedulable";
inline constexpr std::string_view kHandlersBroken = "HandlersBroken";
inline constexpr std::string_view kUnknown = "Unknown";
inline constexpr std::string_view kPaused = "Paused";
inline constexpr std::string_view kFixed = "Fixed";
inline constexpr std::string_view kClamped = "Clamped";  // a fixed size outside 0..maxReplicas

inline constexpr std::array kAll = {
    kBacklog,        kIdle,        kSchedule, kBelowThreshold, kAtMax,  kAtMin,
    kRampStep,       kRateLimited, kCooldown, kWindow,         kBudget, kUnschedulable,
    kHandlersBroken, kUnknown,     kPaused,   kFixed,          kClamped};

}  // namespace cause

}  // namespace wp::pool
