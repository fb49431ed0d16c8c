// An outcome in figures, and beside the oracle's. Pure.
#pragma once

#include <vector>

#include "ctl/simulate/engine.h"

namespace wp::simulate {

struct Figures {
  double worker_seconds = 0;
  double cost = 1;     // worker-seconds, as a multiple of the oracle's
  double sojourn = 1;  // waiting and running, as a multiple of the oracle's: running alone
  double product() const { return cost * sojourn; }
  double mean_wait = 0;  // seconds
  double p50 = 0;
  double p95 = 0;
  double p99 = 0;
  double longest = 0;
  double started = 0;  // workers
  double peak = 0;
  double operations = 0;
  double interrupted = 0;
};

Figures figures_of(const Load& load, const Outcome& outcome, const Outcome& oracle);

/// The mean of each figure over several runs.
Figures mean_of(const std::vector<Figures>& runs);

/// The smallest value that so many percent do not exceed (nearest rank).
Micros percentile(std::vector<Micros> values, double percent);

}  // namespace wp::simulate
