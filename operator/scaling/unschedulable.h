// Pods that can't start (unschedulable, image missing, crash loop): for three start times they
// count as starting, then as absent: up to two more than the number are tried, and no growth goes
// further than two beyond them. What was tried and got stuck as well is not replaced again, so that
// the number never creeps. Pure.
#pragma once

#include "operator/scaling/decide.h"

namespace wp::scaling {

/// Changes decision.replicas, and says so. `cap` is what the pool may have at all.
void allow_for_stuck(Decision& decision, State& state, const Snapshot& snapshot, int cap);

}  // namespace wp::scaling
