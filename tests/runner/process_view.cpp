#include "tests/runner/process_view.h"

#include <filesystem>
#include <fstream>
#include <sstream>

namespace wp::test {
namespace {

namespace fs = std::filesystem;

std::int64_t rss_kib(const fs::path& process) {
  std::ifstream file(process / "status");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("VmRSS:")) return std::stoll(line.substr(6));
  }
  return 0;
}

void count_child(const fs::path& process, pid_t parent, ProcessView& view) {
  std::ifstream file(process / "stat");
  std::string line;
  if (!std::getline(file, line)) return;
  std::istringstream fields(line.substr(line.rfind(')') + 1));
  char state = 0;
  pid_t of = 0;
  fields >> state >> of;
  if (of == parent) ++(state == 'Z' ? view.zombies : view.children);
}

}  // namespace

ProcessView view_process(pid_t pid) {
  ProcessView view;
  std::error_code going;
  const fs::path process = "/proc/" + std::to_string(pid);
  view.rss_kib = rss_kib(process);
  for (const auto& entry : fs::directory_iterator(process / "fd", going)) {
    (void)entry;
    ++view.descriptors;
  }
  for (const auto& entry : fs::directory_iterator("/proc", going)) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    count_child(entry.path(), pid, view);
  }
  return view;
}

}  // namespace wp::test
