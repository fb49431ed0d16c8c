// The steps of a job's life, as places where a runner is struck: one table for the sweeps with
// SIGKILL, with SIGTERM, with two signals at once, and with SIGSTOP. Pure data.
//
// Each sweep looks at the first job, job-0; others run and wait beside it.
#pragma once

#include <string>
#include <vector>

#include "queue/job.h"
#include "tests/support/fault_plan.h"

namespace wp::test {

/// The job that the points speak of, and how the payload of a job begins that runs until let go.
inline constexpr const char* kFirstJob = "job-0";
inline constexpr const char* kUntilLetGo = "go-now";

/// What becomes of the bytes of the call that is struck.
enum class Network { passes, loses_request, loses_answer };

struct Point {
  std::string name;
  Shot at;
  // Where job-0 is afterwards, before anybody else looks at the queue:
  queue::JobState killed;      // active: it is still on the dead runner
  queue::JobState terminated;  // done: it ended within the drain; ready: it was given back
  queue::JobState hurried;     // by two signals: ready also when it ran
  bool quick = false;          // job-0 ends at once; else it runs until it is let go
  std::vector<Shot> way = {};  // what leads there, with signals of its own
  bool ends_on_way = false;    // running jobs are let go after the way's first shot
  Network network = Network::passes;
  bool needs_process = false;  // a built-in handler has no such step
};

const std::vector<Point>& points();

}  // namespace wp::test
