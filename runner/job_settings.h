// What is allowed to jobs and handlers: by T:cfg where a pool has configured the queue, else by
// this runner's own settings. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "queue/queue.h"
#include "runner/handler_loop.h"

namespace wp::runner {

/// The runner's own settings: they count while no pool has configured the queue.
struct OwnSettings {
  Millis timeout{0};                    // of one attempt; 0: none
  std::optional<Millis> drain_timeout;  // beside a pool's the shorter one counts: the pod's grace
                                        // period was made for it
  bool kill_on_partition = true;
  HandlerLimits limits;
};

struct JobSettings {
  Millis lease{15000};
  Millis timeout{0};  // of one attempt; 0: none
  Millis drain_timeout{300000};
  int max_attempts = 5;
  bool kill_on_partition = true;
  HandlerLimits limits;

  /// A job may ask for less than the pool allows, not for more.
  Millis timeout_of(const queue::ClaimedJob& job) const;
  Millis beat_interval() const { return lease / 3; }
  /// How long after the last renewal the handlers are stopped, and what they get to end.
  Millis partition_after() const { return lease * 8 / 10; }
  Millis partition_grace() const { return lease / 10; }
};

JobSettings job_settings(const queue::Config& config, const OwnSettings& own);

/// What is written where nothing is configured, so that producers are served.
std::map<std::string, std::string> standalone_config();

}  // namespace wp::runner
