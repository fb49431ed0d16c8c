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

namespace wp::workload {

/// One worker's place: a pod, or a process.
struct WorkerPod {
  std::string name;
  std::string uid;    // the first part of its worker's name in the queue
  Millis created{0};  // wall time
  bool ready = false;
  bool terminating = false;  // told to go, still here
  bool finished = false;     // Failed or Succeeded: it runs nothing any more
  std::string waiting;  // why it does not start (Unschedulable, ErrImagePull, …); empty: fine
};

struct View {
  bool known = false;    // false: the target was not read yet, or does not exist
  int replicas = 0;      // asked for
  std::string selector;  // of the pods, as kubectl writes it
  bool rolling = false;  // a rollout is under way
  std::vector<WorkerPod> pods;

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
    retry,           // passing: try again with backoff
    conflict,        // somebody wrote in between: read and decide anew
    name_conflict,   // the target's name belongs to someone else: nothing is written
    rejected,        // the user's template cannot be accepted: wait for another generation
    target_missing,  // deploymentRef names what does not exist
    gone,            // the pool or its namespace is being deleted: stop quietly
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
  /// number shrinks: those named in `victims` (uids) first, where the target lets us choose.
  virtual void scale(const pool::Pool& pool, int replicas,
                     const std::vector<std::string>& victims) = 0;

  /// The pool is gone: forget what is kept for it (a cluster's garbage collector removes the rest).
  virtual void forget(const std::string& pool_key) = 0;
};

}  // namespace wp::workload
