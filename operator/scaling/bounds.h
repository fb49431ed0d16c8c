// From the policy's want to what the pool may have: spare workers, the floor (minReplicas and the
// schedules), the caps (maxReplicas, the ramp's step, the budget). A cap wins over every floor.
// Pure.
#pragma once

#include "operator/scaling/decide.h"

namespace wp::scaling {

/// The lowest of maxReplicas, the ramp's step and the budget, never negative.
struct Cap {
  int workers = 0;
  Cause cause = Cause::at_max;
};
Cap cap_of(const Params& params);
/// "maxReplicas 10", "ramp step 1 of 3 allows 2", "the budget fits 3".
std::string spell_cap(const Params& params, const Cap& cap);

/// Changes decision.replicas, and says so: jobs.maxActive, spare workers, floors, caps.
void apply_bounds(Decision& decision, const Params& params, const Demand& demand);

}  // namespace wp::scaling
