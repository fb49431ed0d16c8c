// `workerpoolctl pools list` and `pools explain`. Pools of the cluster that is configured; of this
// machine with --local, and when no cluster is configured or does not have the pool.
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "ctl/output/document.h"
#include "ctl/pools/source.h"

namespace wp::ctl {

/// Both answer the exit code and throw CommandError, UsageError. `folder` is where local pools are.
int pools_list(const PoolsRequest& request, const std::string& folder, Format format);
int pools_explain(const PoolsRequest& request, const std::string& folder, Format format);

/// The columns of `kubectl get wp`, with `wide` those of `-o wide`. Pure.
std::string pools_table(const std::vector<ShownPool>& pools, bool wide, Millis now);

}  // namespace wp::ctl
