// A ramp: a pool's bounds rise step by step, each after a while without trouble; trouble sets the
// cap back at once, and there it stays until the ramp is declared anew or a person resets it.
//
// advance() is pure: wall time comes in (a step lasts hours, and survives restarts), what happened
// comes in as the queue's monotonic counters and its newest failures. What counts toward a step is
// what happened since it began. All of RampState belongs into the pool's status; what was lost of
// it costs no more than the counts since. Nothing throws.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "operator/scaling/params.h"

namespace wp::scaling {

struct RampStep {
  int max_replicas = 0;
  int min_replicas = 0;
  Millis stable_for{0};
};

/// A trigger that is absent never fires; all fire at their number, not above it.
struct RampTriggers {
  std::optional<int> failure_percent;  // of the attempts that ended, once there were ten
  std::optional<std::int64_t> lost_jobs;
  std::optional<std::int64_t> interrupted_jobs;
  std::optional<std::int64_t> stalled_workers;  // at this moment
  std::vector<std::string> error_contains;      // of a failure's message
};

/// As declared.
struct RampPlan {
  std::vector<RampStep> steps;  // at least one
  int rollback_to = 1;
  bool pause_claims = false;  // onRollback: PauseClaims
  RampTriggers triggers;
  std::string reset;  // the annotation workerpool.dev/ramp-reset; empty: none
};

/// The queue's monotonic counters (T:stat).
struct RampCounters {
  std::int64_t completed = 0;
  std::int64_t failed = 0;  // attempts
  std::int64_t lost = 0;    // their worker went away under them: T:stat's lost and crashed
  std::int64_t interrupted = 0;
  bool operator==(const RampCounters&) const = default;
};

/// One of the newest failures.
struct RampFailure {
  std::string_view id;    // of the job
  Millis at{0};           // wall time of the operator: its age at the reading, before then
  std::string_view kind;  // failed, dead, crash, loss, interrupted, stalled, cancelled
  std::string_view error;
};

/// What is known now. `counters` absent: the queue could not be read, and nothing moves on.
struct RampEvidence {
  std::optional<RampCounters> counters;
  std::vector<RampFailure> failures;  // newest first
  int stalled_workers = 0;
};

enum class RampPhase { advancing, rolled_back, complete };
std::string_view to_string(RampPhase phase);  // "Advancing", "RolledBack", "Complete"
std::optional<RampPhase> ramp_phase(std::string_view word);

/// What status keeps.
struct RampState {
  int step = 1;     // from 1; the last one while complete, the one that failed while rolled back
  Millis since{0};  // wall time: when this step, or this phase, began
  RampPhase phase = RampPhase::advancing;
  std::string trigger;                   // "lostJobs: 2, limit 1"; empty: none
  std::vector<std::string> jobs;         // at most 5, whom the trigger is about
  std::string plan;                      // digest of the declared ramp
  std::string reset;                     // the annotation's value that was obeyed last; empty: none
  std::optional<RampCounters> baseline;  // when the step began
};

struct RampOutcome {
  std::optional<RampBounds> bounds;  // nothing: past the last step, the pool's own hold
  bool pause_claims = false;         // rolled back, and onRollback says so
  enum class News { none, began, advanced, completed, rolled_back } news = News::none;
  std::string note;  // of the news, for an event: what happened, to what, whom it concerns
  std::optional<Millis> recheck;  // the step is over then
};

/// Changes `state` (nothing: there was none, or status lost it) to what is so at `wall`.
RampOutcome advance(std::optional<RampState>& state, const RampPlan& plan,
                    const RampEvidence& evidence, Millis wall);

/// Two plans of one digest are the same ramp; the reset is no part of it.
std::string digest_of(const RampPlan& plan);

}  // namespace wp::scaling
