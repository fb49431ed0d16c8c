// A pool's workers as processes of `workerpool-runner` on this machine. One thread starts them,
// hears of their ends (pidfds in one poll(), no timer at rest) and carries out what WorkerSet says.
// That thread lives as long as the object: should the operator die, its workers get SIGTERM from
// the kernel and leave: jobs are finished or given back, never lost.
//
// `ready` means: the process runs and its uid is registered with the queue (Options::registered),
// which is what the runner's own /readyz says. All methods may be called from any thread; they only
// change what is wanted and return at once. The callbacks come from the supervising thread
// (on_change also from a caller's) without a lock held.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/unique_fd.h"
#include "operator/workload/child_process.h"
#include "operator/workload/worker_set.h"
#include "operator/workload/workload.h"
#include "queue/redis/endpoint.h"

namespace wp::workload {

/// The end of a worker's process.
struct WorkerEnd {
  std::string name;
  std::string uid;
  bool expected = false;  // it was told to go
  std::string how;        // "exit status 0", "signal 9 (Killed)", "… cannot be executed: …"
  std::string log;        // its log file; empty when there is none
};

class LocalWorkload : public Workload {
 public:
  struct Options {
    std::string runner;  // path of workerpool-runner
    redis::Endpoint endpoint;
    std::string directory;      // handlers run here
    std::string log_folder;     // worker-<number>.log of every place; empty: all to our stderr
    Millis kill_margin{15000};  // SIGKILL so long after the drainTimeout of the pool
    std::function<bool(const std::string& uid)> registered;
    std::function<void(const std::string& pool_key)> on_change;
    std::function<void(const WorkerEnd& end)> on_end;
  };

  explicit LocalWorkload(Options options);
  ~LocalWorkload() override;  // kills what still runs
  LocalWorkload(const LocalWorkload&) = delete;
  LocalWorkload& operator=(const LocalWorkload&) = delete;

  View observe(const pool::Pool& pool) const override;
  void ensure(const pool::Pool& pool, int initial_replicas) override;
  void scale(const pool::Pool& pool, int replicas,
             const std::vector<std::string>& victims) override;
  int mark(const pool::Pool& pool, const std::vector<std::string>& uids) override;
  int unmark(const pool::Pool& pool, const std::vector<std::string>& uids) override;
  void remove(const pool::Pool& pool, const std::string& uid) override;
  void forget(const std::string& pool_key) override;

  /// Sends every worker home: running jobs finish, up to the drainTimeout. Called again it hurries
  /// them: running jobs are stopped and given back.
  void drain();
  /// False when workers are still there at the deadline.
  bool wait_until_gone(Millis patience);

 private:
  struct Entry {
    pool::Pool pool;
    WorkerSet set;
    std::map<std::string, std::unique_ptr<ChildProcess>> processes;  // by uid
    bool changed = false;
  };

  int set_marks(const pool::Pool& pool, const std::vector<std::string>& uids, bool marked);
  void supervise();
  void carry_out(Entry& entry, std::vector<WorkerEnd>& ends);
  void start(Entry& entry, const std::string& uid, std::vector<WorkerEnd>& ends);
  void bury_the_dead(std::vector<WorkerEnd>& ends);
  std::string log_of(const Entry& entry, const std::string& uid) const;
  void wake() const;

  Options options_;
  std::vector<std::string> base_environment_;
  UniqueFd wake_;
  mutable std::mutex mutex_;
  std::condition_variable gone_;
  mutable std::map<std::string, Entry> entries_;  // mutable: who is ready is noted when looked at
  bool drained_ = false;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace wp::workload
