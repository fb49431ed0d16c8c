// The operator in a cluster: `workerpool-operator run`. Watches WorkerPools and what they own, and
// runs the controller on it until SIGTERM.
#pragma once

#include <string>

#include "base/clock.h"
#include "base/options.h"
#include "operator/cluster/place.h"

namespace wp::cluster {

struct ClusterOptions : Place {
  std::string runner_image = "workerpool/runner:" WORKERPOOL_VERSION;
  std::string metrics_addr = ":8080";
  std::string probe_addr = ":8081";
  std::string log_level = "info";
  std::int64_t threads = 4;
  bool leader_elect = false;
};

/// Registers the options on the sub-command `run`.
Options& add_cluster_command(Options& root, ClusterOptions& options);

/// Runs until it is told to stop. Answers the exit code: 0 after SIGTERM, 1 when the lease was
/// lost. Throws UsageError when no cluster can be found.
int run_cluster(ClusterOptions options, const Options& resolved);

}  // namespace wp::cluster
