// Joins the pods that exist with the workers that speak in the queue, and says who is busy, idle,
// on the way out or silent. Pure. The retire protocol grows here; today scale-in rests on SIGTERM
// and on the order of `victims`.
#pragma once

#include <map>
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
  int held = 0;          // jobs it runs
  Millis silent_for{0};  // since its last beat; only when registered
  bool broken = false;   // it says that its handler cannot run
};

struct Fleet {
  std::vector<Member> members;
  std::int64_t held_by_leaving = 0;  // jobs on pods that terminate
  int busy = 0;
  int idle = 0;
  int leaving_busy = 0;  // pods that terminate and still run a job
  int silent = 0;        // no beat for two leases though the pod looks fine
  int serving = 0;       // registered workers that stay
  int broken = 0;        // of those, whose handler cannot run
};

/// `counts` may be nullptr: then nobody is registered.
Fleet join(const workload::View& view, const queue::Counts* counts, Millis lease);

/// Who goes when `remove` of the workers leave: what does not run yet first, then the idle, newest
/// first, then the least busy. Uids; terminating and finished pods are not among them.
std::vector<std::string> victims(const Fleet& fleet, int remove);

}  // namespace wp::fleet
