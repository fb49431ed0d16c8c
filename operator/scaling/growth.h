// Going up: at once, but at most so many new pods per period, from zero straight to the number or
// that limit, not at all while no handler can run or the pause forbids it, and slowly on the first
// climb of a pool whose pods take a minute to start. Workers that retire are called back before new
// ones start; that is limited by nothing. Pure.
#pragma once

#include "operator/scaling/decide.h"

namespace wp::scaling {

/// decision.replicas is above snapshot.current: lowers it to what may be asked for now.
void limit_growth(Decision& decision, State& state, const Params& params, const Snapshot& snapshot);

/// The first climb is over once its number is reached and a worker is ready. For every decision.
void end_climb(State& state, const Snapshot& snapshot, int target);

}  // namespace wp::scaling
