// One slot for each job: ceil((waiting + due soon + running) / concurrency). Also what a queue
// without counters gets in place of LookAhead. Pure.
#pragma once

#include "operator/scaling/params.h"
#include "operator/scaling/snapshot.h"
#include "operator/scaling/want.h"

namespace wp::scaling {

Want slot_per_job(const Params& params, const Demand& demand);

/// The jobs that a policy's text begins with: "30 waiting + 2 due soon + 5 running".
std::string spell_jobs(const Demand& demand);

}  // namespace wp::scaling
