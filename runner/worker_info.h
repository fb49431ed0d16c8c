// What a worker tells about itself in T:winfo, as JSON of at most 4 KiB. Pure but for footprint().
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "runner/container_memory.h"

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
  std::string trouble;  // why, when it is known
  bool retired = false;
  int stalled = 0;                  // running jobs that were stopped and cannot be killed
  bool draining = false;            // on its way out: it claims nothing more
  std::int64_t quota = 0;           // jobs after which this worker is to be replaced; 0: never
  std::int64_t handler_memory = 0;  // bytes
  std::int64_t handler_memory_peak = 0;

  /// Whether telling it anew says anything new; memory moves always and is no news.
  bool same_as(const Activity& other) const;
};

inline constexpr std::size_t kMaxShownJobs = 20;
inline constexpr std::size_t kMaxShownTrouble = 300;  // bytes

/// What the worker's memory is beside its handlers'.
struct Footprint {
  std::int64_t resident = 0;  // of this process, bytes
  ContainerMemory container;
};

std::string worker_info(const Identity& identity, const Activity& activity, Millis uptime,
                        const Footprint& footprint);

/// As it is now. 0 where something cannot be read.
Footprint footprint();

}  // namespace wp::runner
