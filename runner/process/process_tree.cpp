#include "runner/process/process_tree.h"

#include <charconv>
#include <fstream>
#include <map>
#include <set>
#include <signal.h>
#include <sstream>
#include <string_view>
#include <unistd.h>

#include "base/unique_dir.h"

namespace wp::runner {
namespace {

struct Process {
  pid_t parent = 0;
  pid_t session = 0;
  bool zombie = false;
};

bool read_process(pid_t pid, Process& process) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  if (!std::getline(file, line)) return false;
  // The name may hold anything, also blanks and brackets: the fields begin behind the last one.
  const std::size_t name_end = line.rfind(')');
  if (name_end == std::string::npos) return false;
  std::istringstream fields(line.substr(name_end + 1));
  char state = 0;
  pid_t group = 0;
  fields >> state >> process.parent >> group >> process.session;
  process.zombie = state == 'Z';
  return static_cast<bool>(fields);
}

std::map<pid_t, Process> all_processes() {
  std::map<pid_t, Process> found;
  const UniqueDir dir(opendir("/proc"));
  if (!dir) return found;
  while (const dirent* entry = readdir(dir.get())) {
    const std::string_view name = entry->d_name;
    pid_t pid = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (error != std::errc{} || end != name.data() + name.size()) continue;
    Process process;
    if (read_process(pid, process)) found[pid] = process;
  }
  return found;
}

// Whether its environment holds one of these entries.
bool carries(pid_t pid, const std::set<std::string_view>& markers) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/environ");
  for (std::string entry; std::getline(file, entry, '\0');) {
    if (markers.contains(entry)) return true;
  }
  return false;
}

// What a process takes for itself, in bytes: pages of files that others map too are not its own.
std::int64_t own_memory(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/status");
  std::int64_t bytes = 0;
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("RssAnon:") && !line.starts_with("RssShmem:")) continue;
    std::istringstream value(line.substr(line.find(':') + 1));
    std::int64_t kib = 0;
    if (value >> kib) bytes += kib * 1024;
  }
  return bytes;
}

}  // namespace

void kill_sessions(const std::map<pid_t, std::string>& leaders) {
  const pid_t self = getpid();
  std::set<std::string_view> markers;
  for (const auto& [leader, marker] : leaders) markers.insert(marker);
  std::set<pid_t> killed;
  // A process may fork between the look and the kill: look again until nothing new is found.
  for (int round = 0; round < 5; ++round) {
    const std::map<pid_t, Process> processes = all_processes();
    const auto belongs = [&](pid_t pid) {
      for (int depth = 0; depth < 64; ++depth) {
        const auto it = processes.find(pid);
        if (it == processes.end()) return false;
        if (leaders.contains(pid) || leaders.contains(it->second.session) ||
            killed.contains(it->second.parent)) {
          return true;
        }
        if (it->second.parent == self) return carries(pid, markers);
        pid = it->second.parent;
      }
      return false;
    };
    bool found_new = false;
    for (const auto& [pid, process] : processes) {
      if (process.zombie || killed.contains(pid) || !belongs(pid)) continue;
      kill(pid, SIGKILL);
      killed.insert(pid);
      found_new = true;
    }
    if (!found_new) return;
  }
}

std::unordered_map<pid_t, std::int64_t> session_memory(const std::vector<pid_t>& leaders) {
  std::unordered_map<pid_t, std::int64_t> sums;
  for (const pid_t leader : leaders) sums[leader] = 0;
  if (sums.empty()) return sums;
  for (const auto& [pid, process] : all_processes()) {
    const auto sum = sums.find(process.session);
    if (sum != sums.end() && !process.zombie) sum->second += own_memory(pid);
  }
  return sums;
}

}  // namespace wp::runner
