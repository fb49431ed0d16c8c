// Collects ended children: the one place that waits for processes. SIGCHLD has to be blocked in
// every thread (block_child_signal() in main, before the first thread). As PID 1 or subreaper the
// runner also inherits orphans: they are collected and forgotten. Handler loop's thread only.
#pragma once

#include <functional>
#include <string>
#include <sys/types.h>
#include <unordered_map>

#include "base/unique_fd.h"
#include "runner/event_loop.h"

namespace wp::runner {

void block_child_signal();

/// Orphans of our handlers become our children, so that they can be found and ended.
void become_subreaper();

/// SIGKILL to every process of that session and to every descendant of its leader. Descendants that
/// began a session of their own and lost their parents have become our children: they are told by
/// `marker`, an entry of their environment (NAME=value) that no other job has. Looks through /proc:
/// for forced ends, not for each job.
void kill_session(pid_t leader, const std::string& marker);

class Reaper {
 public:
  /// How a child ended: its exit code, or the signal that killed it.
  struct Exit {
    bool signalled = false;
    int status = 0;
  };
  /// Called while the child is still a zombie: its process group's number is not reused yet.
  using Ended = std::function<void(Exit)>;

  explicit Reaper(EventLoop& loop);
  ~Reaper();
  Reaper(const Reaper&) = delete;
  Reaper& operator=(const Reaper&) = delete;

  void watch(pid_t pid, Ended ended) { children_[pid] = std::move(ended); }

 private:
  void collect();

  EventLoop& loop_;
  UniqueFd signals_;
  std::unordered_map<pid_t, Ended> children_;
};

}  // namespace wp::runner
