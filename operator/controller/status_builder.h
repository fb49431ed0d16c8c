// A pool's status from what one reconcile knows: from scratch, so that no branch leaves a stale
// word behind. Pure. Messages say what is so and the next step; nothing a Redis or a user's reply
// said is repeated in them, only its class.
#pragma once

#include <optional>
#include <string>

#include "operator/backlog/backlog.h"
#include "operator/fleet/fleet.h"
#include "operator/pool/parse.h"
#include "operator/pool/status.h"
#include "operator/scaling/decide.h"
#include "operator/workload/workload.h"

namespace wp::controller {

/// Something that stands in the way of the whole pool.
struct Obstacle {
  std::string_view condition;  // a constant of pool::condition
  std::string_view reason;
  std::string message;
};

/// What one reconcile found out.
struct Findings {
  const pool::ParsedPool* pool = nullptr;
  workload::View view;
  fleet::Fleet fleet;
  std::optional<backlog::Snapshot> backlog;
  std::optional<scaling::Decision> decision;
  std::optional<Obstacle> obstacle;  // InvalidSpec, NameConflict, QueueConflict, TargetConflict
  std::string_view endpoint_reason;  // EndpointError: why no Redis is known; else empty
  std::string endpoint_message;
  bool fresh = false;  // the backlog is known and not stale
  std::optional<pool::JobsStatus> jobs;
  pool::HealthStatus health = pool::HealthStatus::healthy;
  std::optional<pool::RampStatus> ramp;
  std::optional<pool::MeasuredStatus> measured;
  std::int64_t scale_operations = 0;
  std::string last_scale_time;
  /// Why a scale-in goes no further (fleet::Note::Kind::scale_in_blocked); empty: nothing is in its
  /// way.
  std::string scale_in_blocked = {};
};

/// What conditions and events say alike.
std::string broken_message(const fleet::Fleet& fleet);
std::string stalled_message(const Findings& findings);
std::string saturated_message(const Findings& findings);
std::string rollout_stuck_message(const Findings& findings);
std::string drain_too_short_message(const Findings& findings);
std::string foreign_scaler_message(const Findings& findings);
std::string fallback_message(const Findings& findings);

/// By the jobs' success, stalled workers, and whether the pool can work at all.
pool::HealthStatus health_of(const Findings& findings);

pool::Status build_status(const Findings& findings);

}  // namespace wp::controller
