#include "runner/handlers/reaper.h"

#include <cerrno>
#include <charconv>
#include <dirent.h>
#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <signal.h>
#include <sstream>
#include <string>
#include <string_view>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <system_error>

namespace wp::runner {
namespace {

struct Process {
  pid_t parent = 0;
  pid_t session = 0;
  bool zombie = false;
};

struct CloseDir {
  void operator()(DIR* dir) const { closedir(dir); }
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
  const std::unique_ptr<DIR, CloseDir> dir(opendir("/proc"));
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

bool carries(pid_t pid, const std::string& marker) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/environ");
  for (std::string entry; std::getline(file, entry, '\0');) {
    if (entry == marker) return true;
  }
  return false;
}

}  // namespace

void block_child_signal() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGCHLD);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

void become_subreaper() {
  if (getpid() != 1) prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

void kill_session(pid_t leader, const std::string& marker) {
  const pid_t self = getpid();
  std::set<pid_t> killed;
  // A process may fork between the look and the kill: look again until nothing new is found.
  for (int round = 0; round < 5; ++round) {
    const std::map<pid_t, Process> processes = all_processes();
    const auto belongs = [&](pid_t pid) {
      for (int depth = 0; depth < 64; ++depth) {
        const auto it = processes.find(pid);
        if (it == processes.end()) return false;
        if (pid == leader || it->second.session == leader || killed.contains(it->second.parent)) {
          return true;
        }
        if (it->second.parent == self) return carries(pid, marker);
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

Reaper::Reaper(EventLoop& loop) : loop_(loop) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGCHLD);
  signals_.reset(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals_) throw std::system_error(errno, std::system_category(), "signalfd");
  loop_.watch(signals_.get(), EPOLLIN, [this](std::uint32_t) {
    signalfd_siginfo info{};
    while (read(signals_.get(), &info, sizeof info) == sizeof info) {
    }
    collect();
  });
}

Reaper::~Reaper() {
  loop_.forget(signals_.get());
}

// Several ends may share one signal: collects until there is none left.
void Reaper::collect() {
  for (;;) {
    siginfo_t info{};
    if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) return;
    const pid_t pid = info.si_pid;
    Ended ended;
    if (auto node = children_.extract(pid)) ended = std::move(node.mapped());
    if (ended) ended({info.si_code != CLD_EXITED, info.si_status});
    siginfo_t gone{};
    (void)waitid(P_PID, static_cast<id_t>(pid), &gone, WEXITED | WNOHANG);
  }
}

}  // namespace wp::runner
