// Starting a program: fast and safe beside other threads.
//
// The child is made by clone(CLONE_VM | CLONE_VFORK): no page table is copied, however large the
// runner is, and between clone and exec only async-signal-safe system calls are made. The child is
// the leader of its own session, dies with the calling *thread* (PR_SET_PDEATHSIG), is the first
// that the kernel kills when memory is short (oom_score_adj 500, best effort), and begins with an
// empty signal mask and default dispositions. One thread only, and that has to outlive its
// children.
#pragma once

#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

#include "base/unique_fd.h"

namespace wp::runner {

/// As many descriptors as the system allows us: a thousand jobs at once need some thousands. What
/// we start gets back what we were given. Before the first program; best effort.
void raise_descriptor_limit();

struct SpawnRequest {
  std::string path;  // resolved: PATH is not searched
  std::vector<std::string> argv;
  std::vector<std::string> env;  // NAME=value
  int in = -1;                   // become 0, 1, 2 and 3 of the child
  int out = -1;
  int err = -1;
  int progress = -1;  // -1: the child has no descriptor 3
};

struct Spawned {
  pid_t pid = -1;
  int error = 0;  // errno; 0: the program runs
};

Spawned spawn(const SpawnRequest& request);

/// A pipe of two CLOEXEC descriptors above those that a child uses. Both are -1 when the kernel has
/// none left (errno says why).
struct Pipe {
  UniqueFd read;
  UniqueFd write;
};
Pipe make_pipe();
void set_nonblocking(int fd);
/// A file in memory with these bytes, to be read from its beginning; -1 as above. A pipe would end
/// early, and look whole, when we die before all of it is written.
UniqueFd make_input(std::string_view bytes);

/// Where `command` is: itself when it holds a slash, else searched in our $PATH. Empty when there
/// is no executable file of that name by now.
std::string find_program(const std::string& command);
/// That there is none, for people.
std::string absence_of_program(const std::string& command);

}  // namespace wp::runner
