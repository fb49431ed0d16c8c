// What T:cfg says about running jobs, with the defaults where it says nothing. Pure.
#pragma once

#include <map>
#include <string>

#include "queue/queue.h"

namespace wp::runner {

struct JobSettings {
  Millis lease{15000};
  Millis timeout{0};  // of one attempt; 0: none
  Millis drain_timeout{300000};
  int max_attempts = 5;
  bool kill_on_partition = true;

  Millis beat_interval() const { return lease / 3; }
  /// How long after the last renewal the handlers are stopped, and what they get to end.
  Millis partition_after() const { return lease * 8 / 10; }
  Millis partition_grace() const { return lease / 10; }
};

/// `drain_timeout` is the runner's own setting: it counts while no pool has configured the queue.
JobSettings job_settings(const queue::Config& config, Millis drain_timeout);

/// What is written where nothing is configured, so that producers are served.
std::map<std::string, std::string> standalone_config();

}  // namespace wp::runner
