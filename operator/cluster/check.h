// `workerpool-operator check`: asks the cluster, with the operator's own account, whether an
// operator can work there and one does: the API server answers, WorkerPools are served, every right
// of rights.h is granted, and the Lease is renewed. What `helm test` runs. Main thread only.
#pragma once

#include "base/clock.h"
#include "base/options.h"
#include "operator/cluster/place.h"

namespace wp::cluster {

struct CheckOptions : Place {
  Millis timeout{60000};  // for an operator to lead
};

/// Registers the options on the sub-command `check`.
Options& add_check_command(Options& root, CheckOptions& options);

/// Prints one line for each thing that was looked at. Answers 0, or 1 when something is missing.
/// Throws UsageError when no cluster can be found.
int run_check(const CheckOptions& options);

}  // namespace wp::cluster
