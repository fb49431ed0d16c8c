#include "runner/process/spawn.h"

#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <fmt/format.h>
#include <memory>
#include <sched.h>
#include <signal.h>
#include <sstream>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

namespace wp::runner {
namespace {

constexpr std::size_t kStackBytes = 64 * 1024;
constexpr int kFirstFreeFd = 10;  // below: the child's own 0..3

// What the child needs, prepared before it exists: it must not allocate.
struct ChildPlan {
  const char* path;
  char* const* argv;
  char* const* env;
  int fds[4];
  const int* changed;  // signals, a 0 behind the last
  pid_t parent;
  rlimit descriptors;  // 0: ours
  int error = 0;
};

// The kernel's rt_sigaction, all zeros: SIG_DFL. The raw call also reaches the two signals that
// libc keeps for itself, and passes by the interceptors of sanitizers.
struct KernelAction {
  unsigned long handler = 0;
  unsigned long rest[3] = {0, 0, 0};
};

// Those whose disposition is not the default, and a 0 behind them: a program would inherit what is
// ignored, and a handler of ours must not run in the child. Few of 64, so they are asked for once:
// a runner has set its dispositions when it starts the first program.
const std::vector<int>& changed_signals() {
  static const std::vector<int> changed = [] {
    std::vector<int> found;
    for (int signal = 1; signal < NSIG; ++signal) {
      KernelAction action;
      if (syscall(SYS_rt_sigaction, signal, nullptr, &action, 8) != 0) continue;
      if (action.handler != 0) found.push_back(signal);
    }
    found.push_back(0);
    return found;
  }();
  return changed;
}

// Runs on the parent's memory, on its own stack, while the parent's thread stands still.
int child_main(void* argument) {
  ChildPlan& plan = *static_cast<ChildPlan*>(argument);
  syscall(SYS_setsid);
  syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  if (syscall(SYS_getppid) != plan.parent) syscall(SYS_exit_group, 127);

  const long score =
      syscall(SYS_openat, AT_FDCWD, "/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (score >= 0) syscall(SYS_write, score, "500", 3);

  int target = 0;
  for (; target < 4 && plan.fds[target] >= 0; ++target) {
    if (syscall(SYS_dup3, plan.fds[target], target, 0) < 0) {
      plan.error = errno;
      syscall(SYS_exit_group, 127);
    }
  }
  // Ours are CLOEXEC; this is for what we inherited. Fails harmlessly before Linux 5.9.
  syscall(SYS_close_range, target, ~0U, 0);
  for (const int* signal = plan.changed; *signal != 0; ++signal) {
    const KernelAction standard;
    syscall(SYS_rt_sigaction, *signal, &standard, nullptr, 8);
  }
  if (plan.descriptors.rlim_max != 0) {
    syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, &plan.descriptors, nullptr);
  }
  unsigned long none = 0;
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, nullptr, 8);
  syscall(SYS_execve, plan.path, plan.argv, plan.env);
  plan.error = errno;
  syscall(SYS_exit_group, 127);
  return 127;
}

rlimit& given_descriptor_limit() {
  static rlimit given{0, 0};  // 0: was not raised
  return given;
}

struct Unmap {
  void operator()(char* memory) const { munmap(memory, kStackBytes); }
};

// The child's stack. One per process: only one thread spawns.
char* stack_memory() {
  static const std::unique_ptr<char, Unmap> stack([] {
    void* memory = mmap(nullptr, kStackBytes, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    return memory == MAP_FAILED ? nullptr : static_cast<char*>(memory);
  }());
  return stack.get();
}

pid_t start_child(ChildPlan& plan, char* stack) {
#ifdef __SANITIZE_THREAD__
  // TSan takes every clone() for a fork and resets its state, which the child of CLONE_VM shares:
  // under it the child gets a copy of the memory, by a call that TSan does not see.
  (void)stack;
  const long pid = syscall(SYS_clone, CLONE_VFORK | SIGCHLD, nullptr, nullptr, nullptr, 0);
  if (pid == 0) child_main(&plan);
  return static_cast<pid_t>(pid);
#else
  return clone(child_main, stack + kStackBytes, CLONE_VM | CLONE_VFORK | SIGCHLD, &plan);
#endif
}

std::vector<char*> pointers(const std::vector<std::string>& words) {
  std::vector<char*> list;
  list.reserve(words.size() + 1);
  for (const std::string& word : words) list.push_back(const_cast<char*>(word.c_str()));
  list.push_back(nullptr);
  return list;
}

int move_up(int fd) {
  if (fd < 0 || fd >= kFirstFreeFd) return fd;
  const int moved = fcntl(fd, F_DUPFD_CLOEXEC, kFirstFreeFd);
  const int error = errno;
  close(fd);
  errno = error;
  return moved;
}

bool executable_file(const std::string& path) {
  struct stat info {};
  return stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) && access(path.c_str(), X_OK) == 0;
}

}  // namespace

void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  const rlimit given = limit;
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit) == 0) given_descriptor_limit() = given;
}

Spawned spawn(const SpawnRequest& request) {
  const std::vector<char*> argv = pointers(request.argv);
  const std::vector<char*> env = pointers(request.env);
  char* const stack = stack_memory();
  if (stack == nullptr) return {-1, ENOMEM};
  // At the far end of the child's stack, where also a child with a copy of our memory can answer.
  ChildPlan& plan = *new (stack) ChildPlan{request.path.c_str(),
                                           argv.data(),
                                           env.data(),
                                           {request.in, request.out, request.err, request.progress},
                                           changed_signals().data(),
                                           getpid(),
                                           given_descriptor_limit()};

  // No handler of ours may run in the child while it shares our memory.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t pid = start_child(plan, stack);
  const int clone_error = errno;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);

  if (pid < 0) return {-1, clone_error};
  if (plan.error != 0) {
    siginfo_t info{};
    while (waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED) != 0 && errno == EINTR) {
    }
    return {-1, plan.error};
  }
  return {pid, 0};
}

Pipe make_pipe() {
  int fds[2] = {-1, -1};
  if (pipe2(fds, O_CLOEXEC) != 0) return {};
  Pipe made;
  made.read.reset(move_up(fds[0]));
  made.write.reset(move_up(fds[1]));
  if (!made.read || !made.write) return {};
  return made;
}

UniqueFd make_input(std::string_view bytes) {
  UniqueFd file(move_up(memfd_create("stdin", MFD_CLOEXEC)));
  while (file && !bytes.empty()) {
    const ssize_t n = ::write(file.get(), bytes.data(), bytes.size());
    if (n > 0) bytes.remove_prefix(static_cast<std::size_t>(n));
    if (n < 0 && errno != EINTR) return {};
  }
  if (file) (void)lseek(file.get(), 0, SEEK_SET);
  return file;
}

void set_nonblocking(int fd) {
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

std::string find_program(const std::string& command) {
  if (command.find('/') != std::string::npos) return executable_file(command) ? command : "";
  if (command.empty()) return "";
  const char* const path = std::getenv("PATH");
  std::istringstream folders(path != nullptr ? path : "/usr/local/bin:/usr/bin:/bin");
  for (std::string folder; std::getline(folders, folder, ':');) {
    const std::string candidate = (folder.empty() ? "." : folder) + "/" + command;
    if (executable_file(candidate)) return candidate;
  }
  return "";
}

std::string absence_of_program(const std::string& command) {
  const bool searched = command.find('/') == std::string::npos;
  const char* const path = std::getenv("PATH");
  return fmt::format(
      "\"{}\" is no executable file{}", command,
      searched ? fmt::format(" in PATH ({})", path != nullptr ? path : "not set") : std::string());
}

}  // namespace wp::runner
