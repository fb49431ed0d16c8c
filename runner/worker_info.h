// What a worker tells about itself in T:winfo, as JSON of at most 4 KiB. Pure.
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"

namespace wp::runner {

/// Fixed for the life of the process.
struct Identity {
  std::string worker;  // <pod uid or worker id>/<8 random hex>
  std::string pod;
  std::string uid;
  std::string node;
  int slots = 1;
};

struct RunningJob {
  std::string id;
  Millis started{0};  // wall clock
};

struct Activity {
  std::vector<RunningJob> running;  // at most 20 are told
  std::int64_t executed = 0;
  std::int64_t failed = 0;
  bool broken = false;
  bool retired = false;

  /// Whether telling it anew says anything new.
  bool same_as(const Activity& other) const;
};

inline constexpr std::size_t kMaxShownJobs = 20;

std::string worker_info(const Identity& identity, const Activity& activity, Millis uptime,
                        std::int64_t rss_bytes);

/// Resident memory of this process, from /proc/self/statm; 0 where that cannot be read.
std::int64_t resident_bytes();

}  // namespace wp::runner
