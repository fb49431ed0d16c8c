// Workers that died, fell silent or are stuck: whose jobs go back at once, and which pod is
// deleted. Pure. Gone is a pod that is deleted, Failed or Succeeded, or whose container ended;
// never a mere deletionTimestamp. A silent worker's jobs come back by themselves after a lease; its
// pod is deleted only when it is surely the worker's fault and not the queue's.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "operator/backlog/backlog.h"
#include "operator/fleet/fleet.h"

namespace wp::fleet {

struct Incident {
  enum class Kind { worker_lost, worker_stalled, worker_silent };
  Kind kind;
  std::string pod;   // name
  std::string text;  // for an event
};

struct Recovery {
  std::vector<backlog::ReclaimOrder> reclaim;
  std::optional<std::string> remove;  // a pod to be deleted, by uid
  std::vector<Incident> incidents;
  std::optional<Millis> recheck;
};

/// Per pool. Lost: what died meanwhile is found by the workers that no pod has.
struct RecoveryMemory {
  struct Known {
    std::string name;
    std::string container;
    int restarts = 0;
    bool stalled = false;
    Millis silent_since{0};
  };
  std::map<std::string, Known> pods;  // by uid, as last seen
  std::optional<Millis> removed_at;   // the last pod that was deleted for silence or a stall
  Millis reading_since{0};            // the queue is read without an error since then
};

Recovery recover(RecoveryMemory& memory, const workload::View& view, const Fleet& fleet,
                 const queue::Counts* counts, bool fresh, Millis lease, Millis now);

}  // namespace wp::fleet
