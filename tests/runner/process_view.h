// What the system says of a process: for tests that hold what a runner needs against its limits.
#pragma once

#include <cstdint>
#include <string>
#include <sys/types.h>

namespace wp::test {

struct ProcessView {
  std::int64_t rss_kib = 0;
  int descriptors = 0;
  int children = 0;  // that run
  int zombies = 0;   // that nobody has collected
};

/// Of a process that runs.
ProcessView view_process(pid_t pid);

}  // namespace wp::test
