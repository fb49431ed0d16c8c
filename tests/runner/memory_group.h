// A memory cgroup of a test's own, of either version: what a container has. Gone with the object,
// when no process is left in it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <sys/types.h>

namespace wp::test {

class MemoryGroup {
 public:
  /// A group below the test's own with that limit, without swap. Throws std::runtime_error that
  /// says why none can be made here.
  explicit MemoryGroup(std::int64_t limit);
  ~MemoryGroup();
  MemoryGroup(const MemoryGroup&) = delete;
  MemoryGroup& operator=(const MemoryGroup&) = delete;

  /// Moves a process there; what it starts from now on is there too.
  void take_in(pid_t pid) const;
  /// How often the kernel killed somebody in it.
  std::int64_t kills() const;

 private:
  std::string path_;
  bool unified_ = false;
};

}  // namespace wp::test
