// From what one reconcile found out to what the scaling decides on. Pure.
#pragma once

#include <vector>

#include "base/clock.h"
#include "operator/controller/status_builder.h"
#include "operator/scaling/snapshot.h"

namespace wp::controller {

/// Replicas asked for, without those in the retire protocol: a lowering that is under way has taken
/// its victims out of the number already.
int committed_replicas(const workload::View& view, const fleet::Fleet& fleet);

/// `unknown_for`: how long the queue could not be read. The queue counts only while it is fresh.
scaling::Snapshot snapshot_of(const Findings& findings, Millis now, Millis unknown_for,
                              std::vector<Millis> started_in);

}  // namespace wp::controller
