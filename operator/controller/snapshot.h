// From what one reconcile found out to what the scaling decides on. Pure.
#pragma once

#include <vector>

#include "base/clock.h"
#include "operator/controller/status_builder.h"
#include "operator/scaling/estimators.h"
#include "operator/scaling/pod_starts.h"
#include "operator/scaling/snapshot.h"

namespace wp::controller {

/// The pods that exist and stay, for scaling::PodStarts. They point into the view.
std::vector<scaling::SeenPod> seen_pods(const fleet::Fleet& fleet, Millis wall);

/// `unknown_for`: how long the queue could not be read. The queue counts only while it is fresh.
/// `current` is the retirement's to say (fleet::size_of), `settling` the caller's.
scaling::Snapshot snapshot_of(const Findings& findings, Millis now, Millis unknown_for,
                              const scaling::PodCounts& pods);

/// What was measured, to the status (two digits are enough: more would be news all the time) and
/// back.
pool::MeasuredStatus status_of(const scaling::Measured& measured);
scaling::Measured measured_from(const pool::MeasuredStatus& status);

}  // namespace wp::controller
