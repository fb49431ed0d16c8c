// A pool's status as values, its JSON, and the question whether it is worth a write.
//
// The controller builds a Status from scratch in every reconcile, so no branch can leave a stale
// word behind; only what the previous status alone knows is carried over (carry_over). Numbers that
// are not known are std::nullopt and absent in the JSON: unknown is never zero. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/clock.h"

namespace wp::pool {

enum class ConditionStatus { is_true, is_false, unknown };
std::string_view to_string(ConditionStatus status);  // "True", "False", "Unknown"

struct Condition {
  std::string type = {};  // a constant of event_reasons.h
  ConditionStatus status = ConditionStatus::unknown;
  std::string reason = {};   // CamelCase, never empty
  std::string message = {};  // what is so, and the next step; cut at 4 KiB
  std::int64_t observed_generation = 0;
  std::string last_transition_time = {};  // RFC 3339; empty until carry_over fills it
};

struct QueueStatus {
  std::string name = {};
  std::optional<std::int64_t> waiting = {};
  std::optional<std::int64_t> delayed = {};
  std::optional<std::int64_t> active = {};
  std::optional<std::int64_t> dead = {};
  std::optional<std::int64_t> oldest_wait_seconds = {};
  std::optional<bool> backpressure = {};
};

struct WorkersStatus {
  int busy = 0;
  int idle = 0;
  int retiring = 0;
  int stalled = 0;
  int silent = 0;
};

struct JobsStatus {
  std::optional<std::int64_t> completed = {};  // since the queue began
  std::optional<std::int64_t> failed = {};     // attempts
  std::optional<std::int64_t> throughput_per_minute = {};
  std::optional<int> success_percent = {};
  std::optional<std::int64_t> average_duration_ms = {};
  std::optional<std::int64_t> p95_duration_ms = {};
};

enum class HealthStatus { healthy, degraded, unhealthy };
std::string_view to_string(HealthStatus health);

struct DecisionStatus {
  int replicas = 0;
  std::string cause = {};   // a constant of event_reasons.h
  std::string reason = {};  // the arithmetic; cut at 1 KiB
  std::string time = {};    // RFC 3339; empty until carry_over fills it
};

/// The queue's counters when a step of a ramp began.
struct RampBaseline {
  std::int64_t completed = 0;
  std::int64_t failed = 0;  // attempts
  std::int64_t lost = 0;    // lost and crashed
  std::int64_t interrupted = 0;
};

struct RampStatus {
  int step = 0;  // from 1
  std::string since = {};
  std::string state = {};  // Advancing, RolledBack, Complete
  std::string trigger = {};
  std::vector<std::string> jobs = {};  // at most 5
  // What this was computed for: another ramp, or another value of the annotation
  // workerpool.dev/ramp-reset, begins anew; a restart of the operator does not.
  std::string hash = {};   // of spec.scaling.ramp
  std::string reset = {};  // the annotation's value, at most kMaxRampReset bytes of it
  std::optional<RampBaseline> baseline = {};
};

/// A longer value of the annotation counts by its first bytes.
inline constexpr std::size_t kMaxRampReset = 256;

/// What was measured and a restart goes on with.
struct MeasuredStatus {
  std::optional<std::int64_t> service_ms = {};  // of one job
  std::optional<std::int64_t> start_ms = {};    // of a pod, created → ready
};

struct Status {
  std::int64_t observed_generation = 0;
  std::optional<int> replicas = {};  // pods that exist
  std::optional<int> desired_replicas = {};
  std::optional<int> ready_replicas = {};
  std::string selector = {};  // as kubectl writes it: a=b,c=d
  std::optional<QueueStatus> queue = {};
  std::optional<WorkersStatus> workers = {};
  std::optional<JobsStatus> jobs = {};
  std::optional<HealthStatus> health = {};
  std::optional<DecisionStatus> decision = {};
  std::optional<RampStatus> ramp = {};
  std::optional<MeasuredStatus> measured = {};
  std::int64_t scale_operations = 0;
  std::string last_scale_time = {};  // RFC 3339; empty: never
  std::vector<Condition> conditions = {};

  /// Adds or replaces the condition of that type.
  void set(Condition condition);
  /// Nothing when the type is not there.
  const Condition* condition(std::string_view type) const;
};

/// Carries over from the previous status what must not move by itself: lastTransitionTime of every
/// condition whose status value is the same, and the decision's text and time while its number and
/// cause are the same. Everything else that has no time yet gets `now` (since the epoch).
void carry_over(const Status& previous, Millis now, Status& status);

nlohmann::json to_json(const Status& status);
/// Reads what to_json wrote (of this or another version); unknown and malformed parts are left out.
Status status_from_json(const nlohmann::json& status);

/// How two statuses differ. `numbers`: counters, sizes and what was measured, worth a write every
/// few seconds.
/// `urgent`: a condition, the health, the decision's number, the generation, the selector, the
/// ramp, or a scale operation: written at once. A decision's cause alone counts as a number.
enum class Difference { none, numbers, urgent };
Difference compare(const Status& before, const Status& after);

/// compare(…) != none. The order of conditions does not matter; a condition's message does.
bool status_differs(const Status& before, const Status& after);

}  // namespace wp::pool
