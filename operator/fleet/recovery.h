// Workers that died, fell silent or are stuck: whose jobs go back at once, and which pod is
// deleted. Pure.
//
// Gone is a pod that is deleted, Failed or Succeeded, or whose container ended; never a mere
// deletionTimestamp. A worker that beats afterwards is not gone, whatever its pod looks like (one
// that was taken out of its ReplicaSet's hands, say), and where it is not sure whose end the pods
// tell of, silence has to confirm it first. A silent worker's jobs come back by
// themselves after a lease; its pod is deleted only when it is surely the worker's fault and not
// the queue's.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "operator/backlog/backlog.h"
#include "operator/fleet/fleet.h"

namespace wp::fleet {

struct Scene {
  Millis now{0};  // steady time
  const workload::View* view = nullptr;
  const Fleet* fleet = nullptr;
  const queue::Counts* counts = nullptr;  // the last known; nullptr: none yet
  /// They were read lately and without an error. Without it nothing is ordered and nobody judged.
  bool fresh = false;
  Millis reading_age{0};
  /// Read without an error since then; absent: as far as the calls saw it.
  std::optional<Millis> reading_since;
  Millis lease{15000};
};

struct Incident {
  enum class Kind { worker_lost, worker_stalled, worker_silent };
  Kind kind;
  std::string pod;   // name; empty: not known
  std::string text;  // for an event
};

struct Recovery {
  std::vector<backlog::ReclaimOrder> reclaim;  // until the counts show nothing of the gone any more
  std::optional<std::string> remove;           // a pod to be deleted, by uid
  std::vector<Incident> incidents;
  std::int64_t stalls = 0;  // jobs that were stopped because they made no progress, since last time
  std::optional<Millis> recheck;
};

/// Per pool. Lost: what died meanwhile is found by the workers that no pod has.
struct RecoveryMemory {
  struct Known {
    std::string name;
    std::string container;
    std::string container_name;
    int restarts = 0;
    std::string worker;    // that runs in this container
    int held = 0;          // by it, when it was last listed
    Millis adopted{0};     // steady: since then we take it to
    bool first = true;     // of this pod's containers
    bool renamed = false;  // another container is shown than the one that it was started with
    bool terminating = false;
    bool finished = false;
    bool told_silent = false;
    bool told_stalled = false;
  };
  struct Beat {
    Millis at{0};    // as the queue says
    Millis seen{0};  // steady: then, as far as we know
  };
  /// How sure it is that it died, before it was silent for a while.
  enum class Evidence {
    certain,
    likely,    // ordered once
    doubtful,  // not ordered yet
  };
  struct Gone {
    queue::LossCause cause = queue::LossCause::loss;
    std::string reason;
    Evidence evidence = Evidence::certain;
    Millis since{0};                // steady
    std::optional<Millis> noticed;  // the same by the queue's clock: later beats are alive
    std::optional<Millis> ordered;  // of the counts that the last order came from
    bool alive = false;             // it beat after that: nothing is ordered any more
    std::string pod;
    std::string untold;  // for an event, once it is sure
  };
  std::map<std::string, Known> pods;     // by uid, as last seen
  std::map<std::string, Gone> gone;      // pods by uid, and workers
  std::map<std::string, Beat> beats;     // by worker
  std::optional<Millis> removed_at;      // the last pod that was deleted for silence or a stall
  std::optional<Millis> reading_since;   // the queue is read without an error since then
  std::optional<Millis> watching_since;  // and the pods are known
  std::optional<std::int64_t> stalls;    // as last counted
};

Recovery recover(RecoveryMemory& memory, const Scene& scene);

}  // namespace wp::fleet
