// Plays a load against a policy: a discrete-event simulation without clock, network or threads.
//
// Jobs start in order of arrival, each on the slot that has been free for the longest time. Once
// per `snapshot` the policy says how many workers should serve. New ones are ready after a start
// delay; before any is created, those that drain are called back. When there are too many, starting
// ones go first, then idle ones, the newest first; a busy one drains, and no job is ever
// interrupted, unless `grace` says that workers are chosen blindly and killed after a while. The
// same arguments give the same outcome. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "ctl/simulate/load.h"
#include "ctl/simulate/sizer.h"

namespace wp::simulate {

struct Surroundings {
  int concurrency = 1;          // slots per worker
  std::int64_t max_active = 0;  // jobs at once over all workers; 0: no limit
  Micros snapshot{1'000'000};
  Micros start_fixed{2'000'000};  // of a pod, and so long more on average (exponential)
  Micros start_random{3'000'000};
  std::uint64_t seed = 1;       // of the start delays
  Micros tail{900'000'000};     // counted after the last arrival
  bool call_back = true;        // whether one that drains can serve again
  std::optional<Micros> grace;  // the newest go, busy or not, and are killed after so long
};

/// What a watcher would have seen, at one snapshot.
struct Sample {
  Micros at{0};
  int waiting = 0;
  int running = 0;
  int workers = 0;  // that exist, starting and draining ones with them
};

struct Outcome {
  std::vector<Micros> waits;     // of every job, by arrival: until it began for the first time
  std::vector<Micros> sojourns;  // until it ended
  Micros worker_time{0};         // from creation to end, the tail included
  int started = 0;               // workers created
  int peak = 0;                  // workers that existed at once
  int scale_operations = 0;      // changes of the number
  int interrupted = 0;           // jobs whose worker ended under them
  std::vector<int> starts;       // of every job: how often it began
  std::vector<Sample> samples;
};

/// Throws std::runtime_error when jobs wait and the policy asks for nobody, for a day.
Outcome play(const Load& load, Sizer& sizer, const Surroundings& surroundings);

/// Every job starts when it arrives, on exactly as many workers as that takes: no policy can be
/// better in both, cost and waiting.
Outcome play_oracle(const Load& load, const Surroundings& surroundings);

}  // namespace wp::simulate
