// A container as a process of this machine. It leads a session and a process group of its own, is
// the reaper of its descendants (as PID 1 of a container is), and dies with the thread that started
// it: one thread starts all of them, and it lives as long as the program.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <sys/types.h>
#include <vector>

#include "base/unique_fd.h"
#include "tests/cluster/node/environment.h"
#include "tests/cluster/node/pod_state.h"

namespace wp::testnode {

struct Command {
  std::vector<std::string> argv;  // argv[0] is searched in the PATH of `variables`
  Variables variables;
  std::string directory;
  std::string log_file;  // stdout and stderr are appended
};

class Process {
 public:
  /// Throws std::system_error when the program cannot be run.
  explicit Process(const Command& command);
  ~Process();  // kill_group() and the wait for its end, unless it was reaped
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t pid() const { return pid_; }
  /// Readable once the process has ended.
  int pidfd() const { return pidfd_.get(); }

  void terminate() const;   // SIGTERM to the process
  void kill_group() const;  // SIGKILL to its group
  /// How it ended; nothing while it runs. Called until it answers.
  std::optional<Exit> reap();

 private:
  pid_t pid_ = -1;
  UniqueFd pidfd_;
};

/// Lets processes whose container ended become children of this process. Once, before any start.
void adopt_orphans();
/// Kills every child of this process but `known`: what a container that ended left behind. In a
/// real one the kernel does this, when the container's first process ends.
void kill_orphans(const std::set<pid_t>& known);

}  // namespace wp::testnode
