// Throughput, success and durations of a pool's jobs over the last ten minutes, from the queue's
// monotonic counters. Pure state; one pool, one thread at a time. Counters that went backwards (the
// queue was emptied, Redis came back without its data) start a new baseline.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>

#include "base/clock.h"
#include "operator/pool/status.h"

namespace wp::controller {

/// Of the success in percent (absent: too few jobs to say) and of workers that are stalled.
pool::HealthStatus health_of(std::optional<int> success_percent, int stalled);

class JobFigures {
 public:
  using Counters = std::map<std::string, std::int64_t>;

  /// At most one sample per 5 s is kept.
  void add(Millis now, const Counters& counters);

  /// `before`: what was last published. While nothing has happened since the first sample it
  /// stands, for as long as a window that began before it would: a restart is no news.
  pool::JobsStatus status(const std::optional<pool::JobsStatus>& before = {}) const;
  /// Over at least 10 settled jobs, by job and not by attempt; absent: too few to say.
  std::optional<int> success_percent() const;

 private:
  struct Sample {
    Millis time;
    Counters counters;
  };
  std::int64_t gained(const std::string& name) const;
  bool says_nothing_yet() const;

  std::deque<Sample> samples_;
  Counters latest_;
  Millis latest_time_{0};
  std::optional<Millis> began_at_;  // the first sample
  bool began_anew_ = false;         // the counters went backwards
};

}  // namespace wp::controller
