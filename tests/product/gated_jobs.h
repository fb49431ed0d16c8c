// Jobs that run until the test lets them go, and the ledger that their handler writes: a line when
// a run begins, a line when it ends. It is no word of the code under test: a run without an end
// whose process is gone was interrupted. Gates are file locks, so nothing polls, and jobs end by
// themselves when the test dies. Owned by one test, in a folder of its own.
#pragma once

#include <map>
#include <set>
#include <string>
#include <sys/types.h>
#include <vector>

#include "base/clock.h"
#include "base/unique_fd.h"
#include "tests/support/temp_folder.h"

namespace wp::test {

/// One execution of a job.
struct JobRun {
  std::string job;
  std::int64_t epoch = 0;
  int attempt = 0;
  pid_t pid = 0;
  std::string pod;  // uid
  bool ended = false;
};

class GatedJobs {
 public:
  GatedJobs();

  /// For handler.exec.
  std::vector<std::string> command() const;
  /// The payload of a job that waits at its own gate, closed from now on.
  std::string gated(const std::string& job);
  /// The payload of a job that takes so long.
  static std::string timed(Millis time);
  void let_go(const std::string& job);
  void let_all_go() { gates_.clear(); }
  /// Whose gates are closed.
  std::set<std::string> closed() const;

  /// All runs so far, in the order in which they began.
  std::vector<JobRun> runs() const;
  /// Runs of this job so far.
  int runs_of(const std::string& job) const;
  /// Job → pod (uid), where the newest run of a job has not ended.
  std::map<std::string, std::string> places() const;
  /// Pods (uid → job) where the newest run of a job has not ended. With concurrency 1 each has one.
  std::map<std::string, std::string> busy_pods() const;

 private:
  std::string ledger() const { return folder_.path() + "/ledger"; }

  OwnFolder folder_;
  std::map<std::string, UniqueFd> gates_;
};

}  // namespace wp::test
