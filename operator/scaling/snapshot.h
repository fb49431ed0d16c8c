// What a decision looks at: a pool at one moment. Plain values, filled by the controller from one
// reading of the queue and from the pods. A part that is not known is absent, never zero.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/clock.h"

namespace wp::scaling {

/// Counted since the queue began; a counter that went backwards is another queue's.
struct Counters {
  std::int64_t started = 0;
  std::int64_t completed = 0;
  std::int64_t failed = 0;
  std::int64_t busy_ms = 0;  // of attempts that ended: completed and failed
};

/// The queue.
struct Demand {
  std::int64_t waiting = 0;          // due now
  std::int64_t due_soon = 0;         // delayed, due within a pod start
  std::int64_t active_all = 0;       // running anywhere
  std::int64_t active_serving = 0;   // running on workers that are neither retired nor terminating
  std::optional<Counters> counters;  // foreign queues may have none
  bool active_known = true;          // false: that kind of queue can't tell what runs
};

/// The pods that exist, finished ones left out.
struct Workers {
  int starting = 0;     // not ready, and may yet become so
  int unstartable = 0;  // not ready, and something says that they will not be (Unschedulable, …)
  int absent = 0;       // of those, for longer than three start times (PodStarts tells)
  int ready = 0;        // and neither retiring nor terminating
  int busy = 0;         // of the ready, those that hold a job
  int serving_slots = 0;    // of the ready whose handler can run; foreign: ready × concurrency
  int retiring = 0;         // told to claim no more, still here: can be called back at once
  int leaving_busy = 0;     // retiring or terminating, and hold a job
  bool all_broken = false;  // some have registered, and no handler of theirs can run
};

struct Snapshot {
  Millis now{0};                 // steady time
  std::optional<Demand> demand;  // absent: the queue could not be read, or not lately
  Millis unknown_for{0};         // how long that is so
  /// The queue was lost and began anew: what runs may not be in it yet. Nobody leaves for so long.
  Millis settling{0};
  bool claims_paused = false;  // the queue's claims stand still, whoever paused them
  int current = 0;             // workers asked for, without those that retire
  Workers workers;
  std::vector<Millis> started_in;  // created → ready, of pods that became ready since the last
                                   // one, without those that were unstartable (PodStarts)
};

}  // namespace wp::scaling
