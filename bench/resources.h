// What a process uses of this machine, as /proc tells it. Any thread; a process that is gone uses
// nothing.
#pragma once

#include <sys/types.h>

namespace wp::bench {

struct Memory {
  double resident = 0;   // MiB, here and below
  double anonymous = 0;  // heap, stacks, and pages of files that were written to
};
Memory memory_of(pid_t pid);

/// What a process and the children that it has reaped used of the processor, in ms.
double cpu_ms(pid_t pid);

/// The same of the calling thread, in microseconds: what others do on the machine hardly touches
/// it.
double own_cpu_us();

}  // namespace wp::bench
