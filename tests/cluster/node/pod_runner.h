// The pods of this node as processes: binds the state machine (pod_state.h) to processes, the clock
// and the API. Everything happens on the thread that calls run(), which is also the one whose end
// would kill the processes; changed() may be called from any thread.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "operator/kube/client.h"
#include "tests/cluster/node/api_tasks.h"
#include "tests/cluster/node/loop.h"
#include "tests/cluster/node/pod_state.h"
#include "tests/cluster/node/process.h"

namespace wp::testnode {

struct RunnerOptions {
  std::string directory;  // logs/ and pods/ are below it
  PathMap paths;
  bool skip_init = false;      // init containers that cannot run here count as done
  std::set<std::string> done;  // init containers of these names do, too
};

class PodRunner {
 public:
  /// SIGTERM and SIGINT have to be blocked in all threads. `client` must outlive the runner. Throws
  /// std::exception when the directory cannot be used.
  PodRunner(kube::Client& client, RunnerOptions options);
  ~PodRunner();  // kills everything that runs
  PodRunner(const PodRunner&) = delete;
  PodRunner& operator=(const PodRunner&) = delete;

  /// What the API holds under a name now; nothing on either side for an object that is not there.
  void changed(std::shared_ptr<const PodSpec> before, std::shared_ptr<const PodSpec> after);

  /// Runs pods until SIGTERM or SIGINT.
  void run();
  /// After run(): SIGKILL to all that runs, and the wait for its end. Nothing is reported.
  void kill_all();

 private:
  struct Pod {
    std::shared_ptr<const PodSpec> spec;  // the newest
    PodState state;
    std::vector<std::unique_ptr<Process>> processes;  // by container; none: it does not run
    Json reported;                                    // the status that was written last
    bool changed = true;                              // something happened since the last advance
  };
  struct Ended {
    std::string uid;
    std::size_t container;
    Exit exit;
  };

  void apply(const std::shared_ptr<const PodSpec>& spec);
  void vanished(const PodSpec& spec);
  std::optional<Millis> settle();
  void take_ended();
  void advance(Pod& pod);
  void perform(Pod& pod, const Action& action);
  void start(Pod& pod, std::size_t index);
  void start_with(Pod& pod, std::size_t index, const References& references);
  void spawn(Pod& pod, std::size_t index, const References& references);
  void report(Pod& pod, bool last);
  std::string pod_directory(const PodSpec& spec) const;

  kube::Client& client_;
  const RunnerOptions options_;
  UniqueFd signals_;
  Loop loop_;
  std::map<std::string, Pod> pods_;  // by uid
  std::vector<Ended> ended_;         // in this round
  ApiTasks tasks_;                   // last: its threads post to the loop
};

}  // namespace wp::testnode
