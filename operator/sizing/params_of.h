// What a pool declares about its size, as the scaling reads it: the one place where the resource's
// fields meet the decision's numbers, for the operator and for workerpoolctl simulate. Without
// what depends on the moment: ramp, schedules, budget. Pure; any thread.
#pragma once

#include "operator/pool/pool.h"
#include "operator/scaling/params.h"

namespace wp::sizing {

scaling::Params params_of(const pool::PoolSpec& spec);

}  // namespace wp::sizing
