// What the kernel counts against this container's memory limit (files' pages that it could drop are
// in it too): of the control group that this process sees as the root, of either version. Any
// thread.
#pragma once

#include <cstdint>

namespace wp::runner {

struct ContainerMemory {
  std::int64_t now = 0;  // bytes; 0: not known
  std::int64_t peak = 0;
};

ContainerMemory container_memory();

}  // namespace wp::runner
