// Throughput, success and durations of a pool's jobs over the last ten minutes, from the queue's
// monotonic counters. Pure state; one pool, one thread at a time. Counters that went backwards (the
// queue was emptied, Redis came back without its data) start a new baseline.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "operator/pool/status.h"

namespace wp::controller {

/// Of the success in percent (absent: too few jobs to say) and of workers that are stalled.
pool::HealthStatus health_of(std::optional<int> success_percent, int stalled);

class JobFigures {
 public:
  using Counters = std::map<std::string, std::int64_t>;

  /// At most one sample per half a minute is kept, and of it what the figures need: a thousand
  /// pools are busy at once.
  void add(Millis now, const Counters& counters);

  /// `before`: what was last published. While nothing has happened since the first sample it
  /// stands, for as long as a window that began before it would: a restart is no news.
  pool::JobsStatus status(const std::optional<pool::JobsStatus>& before = {}) const;
  /// Over at least 10 settled jobs, by job and not by attempt; absent: too few to say.
  std::optional<int> success_percent() const;

 private:
  /// By place: completed, failed, …, then jobs by their duration. What is not there is 0.
  using Values = std::vector<std::int64_t>;
  struct Sample {
    Millis time;
    Values values;
  };
  static Values values_of(const Counters& counters);
  std::int64_t gained(std::size_t place) const;
  std::optional<std::int64_t> percentile_95() const;
  bool says_nothing_yet() const;

  std::deque<Sample> samples_;
  Values latest_;
  Millis latest_time_{0};
  std::optional<Millis> began_at_;  // the first sample
  bool began_anew_ = false;         // the counters went backwards
};

}  // namespace wp::controller
