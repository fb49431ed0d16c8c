// One play of a recorded load on the real local mode: a private Redis, `workerpool-operator local`
// with one policy, jobs enqueued when the record says so, each sleeping as long as the record says.
// What it cost and how long the jobs waited is read off the processes and off the queue's own
// facts. Main thread only; takes as long as the load.
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "ctl/simulate/load.h"
#include "operator/scaling/params.h"

namespace wp::bench {

struct LocalPlay {
  std::string operator_program;
  std::string runner;
  scaling::Params params;  // policy, bounds, window, cooldown, …; all times as they are played
  Millis pod_start{0};     // before a worker's process becomes a runner: what a pod would take
};

struct LocalOutcome {
  std::vector<simulate::Micros> waits;  // enqueued → started, of every job that completed
  double worker_seconds = 0;            // of their processes, from the first sight to the last
  int started = 0;                      // processes
  int peak = 0;                         // at once
  int scale_operations = 0;
  int unfinished = 0;  // jobs that did not complete
  int repeated = 0;    // executions beyond one per job
  // Seconds that a worker's process is not registered, on average: it starts, or it ends.
  double start = 0;
};

/// Throws std::runtime_error when a part does not come up, or the jobs do not end.
LocalOutcome play_locally(const simulate::Load& load, const LocalPlay& play);

}  // namespace wp::bench
