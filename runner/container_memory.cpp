#include "runner/container_memory.h"

#include <fstream>
#include <string>

namespace wp::runner {
namespace {

std::int64_t read_number(const std::string& path) {
  std::ifstream file(path);
  std::int64_t value = 0;
  return file >> value ? value : 0;
}

}  // namespace

// A container sees its own group as the root of the tree.
ContainerMemory container_memory() {
  const std::string root = "/sys/fs/cgroup/";
  if (const std::int64_t now = read_number(root + "memory.current"); now > 0) {
    return {now, read_number(root + "memory.peak")};
  }
  return {read_number(root + "memory/memory.usage_in_bytes"),
          read_number(root + "memory/memory.max_usage_in_bytes")};
}

}  // namespace wp::runner
