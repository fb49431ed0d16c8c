// What runs a pool's workers, behind one interface: a Deployment in a cluster, or processes on this
// machine. The controller decides, a Workload carries out; nothing else differs between the two.
//
// observe() reads what is known and does no I/O. The others may block on I/O, are called by one
// thread per pool at a time, and throw WorkloadError.
#pragma once

#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/clock.h"
#include "operator/pool/pool.h"
#include "operator/scaling/budget.h"

namespace wp::workload {

/// One worker's place: a pod, or a process.
struct WorkerPod {
  std::string name;
  std::string uid;       // the first part of its worker's name in the queue
  Millis created{0};     // wall time
  bool assigned = true;  // has a node
  bool running = true;   // its phase is Running; else it is Pending
  bool ready = false;
  Millis ready_since{0};     // wall time; 0 while it is not ready
  bool terminating = false;  // told to go, still here
  bool finished = false;     // Failed or Succeeded: it runs nothing any more
  bool marked = false;       // as one that goes when the number shrinks (Workload::mark)
  bool outbid = false;       // it is marked, and somebody wrote another cost over ours
  int deletion_cost = 0;     // of whoever set one; ours comes with the mark
  std::string waiting;  // why it does not start (Unschedulable, ErrImagePull, …); empty: fine

  /// The container (or process) that runs the jobs: another one is another worker. Empty: none yet.
  std::string container = {};
  std::string container_name = {};  // as the pod declares it; empty: a process has none
  int restarts = 0;                 // of that container
  bool container_running = false;   // false with a name: it ended, and what it held is free
  bool out_of_memory = false;       // its last end was a kill by the kernel for memory
  int exit_code = 0;                // of its last end
};

/// What the one who picks the pods that go has itself seen, and by which rules it would pick: a
/// ReplicaSet's status, which its controller writes from its own cache. Counts leave out what
/// terminates or has finished.
struct Witness {
  bool current = false;  // it speaks of the newest declaration
  int existing = 0;
  int marked = 0;
  int ready = 0;
};

struct View {
  /// False: the target was not read yet, or does not exist, or an answer to a write was lost. Then
  /// nothing is to be decided before ensure() has read it.
  bool known = false;
  int replicas = 0;                    // asked for
  std::string selector;                // of the pods, as kubectl writes it
  std::optional<Millis> grace_period;  // its pods have so long to end; absent: not known
  /// Of one pod, by the template that is there; absent: not known.
  std::optional<scaling::PodRequest> pod_request;
  bool rolling = false;        // a rollout is under way, or may be
  bool observed = true;        // whoever carries it out has seen the newest declaration
  bool rollout_stuck = false;  // and makes no progress (progressDeadlineSeconds)
  std::string foreign_scaler;  // someone else sets the replicas again and again; empty: nobody
  Millis left_alone_for{0};    // for so long scale() is a conflict, as it is their turn
  Millis unconfirmed_for{0};   // for so long a lowering could not be made certain of the pods
  std::vector<WorkerPod> pods;
  /// Absent: the marks cannot be confirmed (the pods' template lacks the label).
  std::optional<Witness> witness;

  int existing() const {
    int n = 0;
    for (const WorkerPod& pod : pods) n += pod.finished ? 0 : 1;
    return n;
  }
  int ready() const {
    int n = 0;
    for (const WorkerPod& pod : pods) n += pod.ready && !pod.terminating ? 1 : 0;
    return n;
  }
};

class WorkloadError : public std::runtime_error {
 public:
  enum class Kind {
    retry,            // passing: try again with backoff
    conflict,         // somebody wrote in between: read and decide anew
    name_conflict,    // the target's name belongs to someone else: nothing is written
    rejected,         // the user's template cannot be accepted: wait for another generation
    target_missing,   // deploymentRef names what does not exist
    target_conflict,  // … what another pool scales: nothing is written
    gone,             // the pool or its namespace is being deleted: stop quietly
  };
  WorkloadError(Kind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}
  Kind kind() const { return kind_; }

 private:
  Kind kind_;
};

class Workload {
 public:
  virtual ~Workload() = default;

  virtual View observe(const pool::Pool& pool) const = 0;

  /// Makes the target what the pool declares; creates it with `initial_replicas` when it is not
  /// there. Writes nothing when it already is. Replicas of an existing target are not touched.
  virtual void ensure(const pool::Pool& pool, int initial_replicas) = 0;

  /// One write of the replicas, conditional on what was last observed. Which workers go when the
  /// number shrinks: the marked ones, `victims` (uids); the caller has seen to it that the one who
  /// picks them knows the marks (View::witness).
  virtual void scale(const pool::Pool& pool, int replicas,
                     const std::vector<std::string>& victims) = 0;

  /// Marks pods as those that go first, or takes the mark away. Those that are gone or have another
  /// uid are passed over; answers how many writes took effect. What is so already costs no write.
  virtual int mark(const pool::Pool& pool, const std::vector<std::string>& uids) = 0;
  virtual int unmark(const pool::Pool& pool, const std::vector<std::string>& uids) = 0;

  /// Deletes this very pod (by uid); the target replaces it. One that is gone already is fine.
  virtual void remove(const pool::Pool& pool, const std::string& uid) = 0;

  /// The pool is gone: forget what is kept for it (a cluster's garbage collector removes the rest).
  /// What somebody else owns is left without a mark of ours: a conflict until that can be done.
  virtual void forget(const std::string& pool_key) = 0;
};

}  // namespace wp::workload
