// The last steps of a reconcile: from the number decided to writes. The workload is made what the
// pool declares; workers are retired, called back, marked and removed as fleet::plan says; the
// number is written. Orders to the queue are left in the run. Throws WorkloadError when a write
// failed for a passing reason.
#pragma once

#include "operator/controller/run.h"

namespace wp::controller {

void carry_out(Run& run, const Clock& clock);

}  // namespace wp::controller
