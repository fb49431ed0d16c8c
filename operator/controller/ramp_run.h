// A pool's ramp in a reconcile: from the declaration, the status and what the queue tells to what
// the ramp allows now, and back into the status. Pure but for the memory that is passed in.
#pragma once

#include <optional>
#include <vector>

#include "base/clock.h"
#include "operator/pool/pool.h"
#include "operator/pool/status.h"
#include "operator/scaling/ramp.h"
#include "queue/views.h"

namespace wp::controller {

/// A value of it that was not there before begins a ramp that was rolled back anew.
inline constexpr const char* kRampReset = "workerpool.dev/ramp-reset";

/// As declared; nothing when the pool has none.
std::optional<scaling::RampPlan> ramp_plan(const pool::Pool& pool);

std::optional<scaling::RampState> ramp_state(const std::optional<pool::RampStatus>& status);
pool::RampStatus ramp_status(const scaling::RampState& state);

/// What the queue tells, by a reading at `wall`. `counts` may be nullptr: then nothing moves on.
/// The failures are the newest last, on the queue's clock; they must outlive the evidence.
scaling::RampEvidence ramp_evidence(const queue::Counts* counts,
                                    const std::vector<queue::Failure>& failures, int stalled,
                                    Millis wall);

}  // namespace wp::controller
