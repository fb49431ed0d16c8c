// The runner's metrics: every name stands in runner_metrics.cpp, in one place. Any thread, but
// job_ended() and picked_up(), which belong to the I/O thread.
#pragma once

#include <set>
#include <string>

#include "base/clock.h"
#include "base/metrics.h"
#include "runner/worker_state.h"

namespace wp::runner {

/// The first 32 names stay themselves, later ones are `other`: series are bounded.
class BoundedNames {
 public:
  std::string bounded(const std::string& name);

 private:
  std::set<std::string> names_;
};

class RunnerMetrics {
 public:
  RunnerMetrics();

  metrics::Registry& registry() { return registry_; }

  void job_ended(const Counted& counted);
  void picked_up(Millis waited);
  void slots(int busy, int all);
  void leases_lost(int count);
  void stale_settlements(int stale, int unknown);
  void round_trip(Millis took);
  void redis_error(std::string_view error_class);
  void redis_connected(bool connected);
  void broken(bool broken);
  void sessions(int conflicts, int failures);
  void handler_restarted(const std::string& reason);
  void handler_memory(std::int64_t bytes);

 private:
  metrics::Registry registry_;
  BoundedNames types_;
  metrics::Histogram& pickup_;
  metrics::Histogram& round_trip_;
  metrics::Gauge& busy_slots_;
  metrics::Gauge& all_slots_;
  metrics::Counter& lease_lost_;
  metrics::Counter& stale_;
  metrics::Counter& unknown_;
  metrics::Gauge& connected_;
  metrics::Gauge& broken_;
  metrics::Gauge& handler_memory_;
};

}  // namespace wp::runner
