// Joins the pods that exist with the workers that speak in the queue, and says who is busy, idle,
// on the way out, stalled or silent. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "operator/workload/workload.h"
#include "queue/queue.h"

namespace wp::fleet {

/// One pod with what its worker says. A pod whose worker has not registered holds nothing.
struct Member {
  workload::WorkerPod pod;
  bool registered = false;
  std::string worker;    // its name in the queue, of the newest incarnation
  int held = 0;          // jobs its pod holds, all incarnations together
  int slots = 0;         // as it registered; 0: not known
  Millis silent_for{0};  // since its last beat; only when registered
  bool broken = false;   // it says that its handler cannot run
  bool stalled = false;  // it says that a job makes no progress, and cannot be killed either
  std::int64_t executed = 0;

  bool retired = false;   // it may claim no more, whoever said so
  bool by_us = false;     // and we did
  Millis retired_for{0};  // our order holds for so long from the reading on
  bool serving() const { return !pod.terminating && !pod.finished && !retired && !pod.marked; }
  bool leaving() const { return by_us || pod.marked; }  // in the retire protocol
  bool retired_by_person() const { return retired && !by_us; }
  bool marked_and_empty() const { return pod.marked && held == 0; }
};

struct Fleet {
  std::vector<Member> members;       // finished pods are left out
  std::int64_t held_by_leaving = 0;  // jobs on pods that terminate
  int busy = 0;
  int idle = 0;
  int retiring = 0;      // told to claim no more, whoever said so, and not terminating yet
  int leaving_busy = 0;  // of those and of the terminating, that still run a job
  int silent = 0;        // no beat for two leases though the pod looks fine
  int stalled = 0;
  int serving = 0;        // registered workers that stay
  int broken = 0;         // of those, whose handler cannot run
  int serving_slots = 0;  // of those that are ready, registered or not, and can run; see slots_of
  int mismatched = 0;     // registered with other slots than the pool declares
};

/// `counts` may be nullptr: then nobody is registered. `slots`: jobs at once per worker, as the
/// pool declares.
Fleet join(const workload::View& view, const queue::Counts* counts, Millis lease, int slots);

}  // namespace wp::fleet
