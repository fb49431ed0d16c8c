#include "bench/children.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>

namespace wp::bench {

int Children::look(Millis now) {
  int count = 0;
  std::error_code gone;
  const std::string tasks = "/proc/" + std::to_string(parent_) + "/task";
  // A child belongs to the thread that made it.
  for (const auto& task : std::filesystem::directory_iterator(tasks, gone)) {
    std::ifstream in(task.path() / "children");
    for (pid_t child = 0; in >> child;) {
      const auto [life, fresh] = lives_.try_emplace(child);
      if (fresh) life->second.first = now;
      life->second.last = now;
      ++count;
    }
  }
  peak_ = std::max(peak_, count);
  return count;
}

}  // namespace wp::bench
