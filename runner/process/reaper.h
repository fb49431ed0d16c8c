// Collects ended children: the one place that waits for processes; and ends what they leave.
// SIGCHLD has to be blocked in every thread (block_child_signal() in main, before the first
// thread). As PID 1 or subreaper the runner also inherits orphans: they are collected and
// forgotten. Handler loop's thread only.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <sys/types.h>
#include <unordered_map>

#include "base/unique_fd.h"
#include "runner/event_loop.h"

namespace wp::runner {

void block_child_signal();

/// Orphans of our handlers become our children, so that they can be found and ended.
void become_subreaper();

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
  /// It is collected all the same, and nobody is told.
  void forget(pid_t pid) { children_.erase(pid); }

  /// SIGKILL to a whole session: see process_tree.h. At the end of this turn of the loop, in one
  /// look for all of that turn: a look for each would let hundreds wait for their end.
  void end_session(pid_t leader, std::string marker);

 private:
  void collect();
  void end_sessions();

  EventLoop& loop_;
  UniqueFd signals_;
  std::unordered_map<pid_t, Ended> children_;
  std::map<pid_t, std::string> to_end_;  // leader → marker
};

}  // namespace wp::runner
