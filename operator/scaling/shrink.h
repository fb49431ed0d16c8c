// Going down: only to the highest want of the window, never below what runs where the workers can't
// be seen, not at all while the pause or `whileActive: Hold` forbids it, and to zero only after a
// while in which nothing waited, ran or was due. Pure.
#pragma once

#include "operator/scaling/decide.h"

namespace wp::scaling {

/// Each decision's number before rates and windows. At most one per 1/64 of the window is kept.
void record_want(State& state, Millis now, Millis window, int target);

/// How long nothing has waited, run or been due, from readings that succeeded.
void note_empty(State& state, const Snapshot& snapshot, const Demand& demand);

/// decision.replicas is below snapshot.current: raises it to what must stay for now. `cap` is what
/// the pool may have at all.
void limit_shrink(Decision& decision, const State& state, const Params& params,
                  const Snapshot& snapshot, const Demand& demand, int cap);

/// The part of it that also holds for a fixed size. `demand`: nothing when it is unknown.
void limit_fixed_shrink(Decision& decision, const Params& params, const Snapshot& snapshot);

}  // namespace wp::scaling
