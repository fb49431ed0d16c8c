// So many jobs for each worker: ceil((waiting + due soon + running) / jobsPerWorker), and never
// fewer workers than what runs needs. Pure.
#pragma once

#include "operator/scaling/params.h"
#include "operator/scaling/snapshot.h"
#include "operator/scaling/want.h"

namespace wp::scaling {

Want target_depth(const Params& params, const Demand& demand);

}  // namespace wp::scaling
