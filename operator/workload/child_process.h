// A program run as a child that does not outlive us: it gets SIGTERM when the *thread* that started
// it ends (PR_SET_PDEATHSIG), so start it from a thread that lives as long as the child may. When a
// process of several threads is killed, the kernel may send it again for each of them. The child
// leads a process group of its own (a Ctrl-C in the terminal reaches only us), begins with an empty
// signal mask and default dispositions, and inherits no descriptor but 0, 1 and 2.
//
// Its end is a readable pidfd, for poll(). One thread at a time per object.
#pragma once

#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

#include "base/unique_fd.h"

namespace wp::workload {

struct Command {
  std::vector<std::string> words;        // words[0] is a path: PATH is not searched
  std::vector<std::string> environment;  // NAME=value, the whole of it
  std::string directory;                 // to run in; empty: ours
  int output = -1;                       // becomes 1 and 2; -1: our stderr for both
};

class ChildProcess {
 public:
  /// Throws std::runtime_error that names the program, when it cannot be executed.
  explicit ChildProcess(const Command& command);
  /// Kills what still runs, and waits for it.
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  pid_t pid() const { return pid_; }
  int pidfd() const { return pidfd_.get(); }

  void signal(int number) const;
  /// The wait status once it has ended; the process is gone from the table then. Never waits.
  std::optional<int> reap();

 private:
  pid_t pid_ = -1;
  UniqueFd pidfd_;
  std::optional<int> status_;
};

/// "exit status 2", "signal 9 (Killed)".
std::string describe_end(int wait_status);
/// As a shell tells it: the exit status, or 128 + the signal.
int exit_code_of(int wait_status);

/// Where `name` is: itself when it holds a slash, else searched in `path` (as in $PATH). Empty when
/// there is no executable file of that name.
std::string find_program(const std::string& name, const std::string& path);
/// The same in this process's $PATH.
std::string find_program(const std::string& name);

/// NAME=value of this process, without the names that begin with `hidden_prefix`.
std::vector<std::string> environment_without(const std::string& hidden_prefix);

}  // namespace wp::workload
