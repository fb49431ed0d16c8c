#include "tests/runner/memory_group.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/wait.h"

namespace wp::test {
namespace {

bool put(const std::string& file, const std::string& text) {
  std::ofstream out(file);
  out << text << std::flush;
  return static_cast<bool>(out);
}

// The test's own group in the hierarchy of that controller; "" is version 2.
std::string own_group(const std::string& controller) {
  std::ifstream file("/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    if (line.substr(first + 1, second - first - 1) == controller) return line.substr(second + 1);
  }
  return "";
}

}  // namespace

MemoryGroup::MemoryGroup(std::int64_t limit) {
  const std::string name = "/workerpool-test-" + std::to_string(getpid());
  const std::string root = "/sys/fs/cgroup";
  if (std::filesystem::exists(root + "/memory/memory.limit_in_bytes")) {
    path_ = root + "/memory" + own_group("memory") + name;
  } else if (std::filesystem::exists(root + "/cgroup.controllers")) {
    // Beside the test's own: a group that holds processes hands no controller on.
    unified_ = true;
    const std::filesystem::path own = own_group("");
    path_ = root + (own.has_parent_path() && own != "/" ? own.parent_path().string() : "") + name;
  } else {
    throw std::runtime_error("no memory cgroup is mounted at " + root);
  }
  if (mkdir(path_.c_str(), 0755) != 0) {
    throw std::runtime_error("no memory cgroup can be made: " + path_ + ": " +
                             std::strerror(errno));
  }
  const std::string bytes = std::to_string(limit);
  const bool limited = put(path_ + (unified_ ? "/memory.max" : "/memory.limit_in_bytes"), bytes);
  // Without swap there is neither file, on some kernels.
  (void)(unified_ ? put(path_ + "/memory.swap.max", "0")
                  : put(path_ + "/memory.memsw.limit_in_bytes", bytes));
  if (limited) return;
  rmdir(path_.c_str());
  throw std::runtime_error("a memory cgroup takes no limit: " + path_);
}

// A process that was killed is in it until it is collected.
MemoryGroup::~MemoryGroup() {
  (void)eventually([this] { return rmdir(path_.c_str()) == 0 || errno == ENOENT; });
}

void MemoryGroup::take_in(pid_t pid) const {
  if (!put(path_ + "/cgroup.procs", std::to_string(pid))) {
    throw std::runtime_error("a process cannot be moved to " + path_);
  }
}

std::int64_t MemoryGroup::kills() const {
  std::ifstream file(path_ + (unified_ ? "/memory.events" : "/memory.oom_control"));
  std::string name;
  std::int64_t count = 0;
  while (file >> name >> count) {
    if (name == "oom_kill") return count;
  }
  return -1;
}

}  // namespace wp::test
