#include "operator/workload/child_process.h"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/close_range.h>
#include <sstream>
#include <stdexcept>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace wp::workload {
namespace {

// What the child needs, prepared before it exists: between fork and exec nothing may be allocated,
// another thread may hold the heap's lock.
struct Plan {
  const char* path;
  char* const* words;
  char* const* environment;
  const char* directory;
  int input;
  int output;
  int report;  // closed by a successful exec, else carries errno
  pid_t parent;
};

std::vector<char*> pointers(const std::vector<std::string>& words) {
  std::vector<char*> list;
  list.reserve(words.size() + 1);
  for (const std::string& word : words) list.push_back(const_cast<char*>(word.c_str()));
  list.push_back(nullptr);
  return list;
}

void become(const Plan& plan) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != plan.parent) _exit(127);  // it died before the line above
  struct sigaction standard {};
  standard.sa_handler = SIG_DFL;
  for (int number = 1; number < NSIG; ++number) sigaction(number, &standard, nullptr);
  if (dup2(plan.input, 0) < 0 || dup2(plan.output, 1) < 0 || dup2(plan.output, 2) < 0) return;
  syscall(SYS_close_range, 3u, ~0u, CLOSE_RANGE_CLOEXEC);  // best effort: ours are CLOEXEC anyway
  if (*plan.directory != '\0' && chdir(plan.directory) != 0) return;
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  execve(plan.path, plan.words, plan.environment);
}

// Blocks every signal while a fork is under way: no handler of ours may run in the child.
class AllSignalsBlocked {
 public:
  AllSignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~AllSignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  AllSignalsBlocked(const AllSignalsBlocked&) = delete;
  AllSignalsBlocked& operator=(const AllSignalsBlocked&) = delete;

 private:
  sigset_t before_{};
};

std::runtime_error failure(const Command& command, const std::string& what, int error) {
  return std::runtime_error(
      fmt::format("{}: {}: {}", command.words.front(), what, std::strerror(error)));
}

bool is_executable_file(const std::string& path) {
  struct stat info {};
  return stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) && access(path.c_str(), X_OK) == 0;
}

}  // namespace

ChildProcess::ChildProcess(const Command& command) {
  const std::vector<char*> words = pointers(command.words);
  const std::vector<char*> environment = pointers(command.environment);
  const UniqueFd input(open("/dev/null", O_RDONLY | O_CLOEXEC));
  int ends[2] = {-1, -1};
  if (!input || pipe2(ends, O_CLOEXEC) != 0) throw failure(command, "no descriptor is free", errno);
  const UniqueFd report_read(ends[0]);
  UniqueFd report_write(ends[1]);
  const Plan plan{command.words.front().c_str(),
                  words.data(),
                  environment.data(),
                  command.directory.c_str(),
                  input.get(),
                  command.output >= 0 ? command.output : STDERR_FILENO,
                  report_write.get(),
                  getpid()};
  {
    const AllSignalsBlocked guard;
    pid_ = fork();
    if (pid_ == 0) {
      become(plan);
      const int error = errno;
      (void)!write(plan.report, &error, sizeof error);
      _exit(127);
    }
  }
  if (pid_ < 0) throw failure(command, "cannot fork", errno);
  pidfd_.reset(static_cast<int>(syscall(SYS_pidfd_open, pid_, 0)));
  const int no_pidfd = pidfd_ ? 0 : errno;

  report_write.reset();
  int error = 0;
  ssize_t got = 0;
  do {
    got = read(report_read.get(), &error, sizeof error);
  } while (got < 0 && errno == EINTR);
  if (got != sizeof error && no_pidfd == 0) return;
  if (got != sizeof error) ::kill(pid_, SIGKILL);
  while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
  throw failure(command, "cannot be executed", got == sizeof error ? error : no_pidfd);
}

ChildProcess::~ChildProcess() {
  if (status_ || pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

void ChildProcess::signal(int number) const {
  if (!status_) ::kill(pid_, number);  // not reaped yet: the pid is still its own
}

std::optional<int> ChildProcess::reap() {
  if (status_) return status_;
  int status = 0;
  if (waitpid(pid_, &status, WNOHANG) == pid_) status_ = status;
  return status_;
}

std::string describe_end(int wait_status) {
  if (WIFSIGNALED(wait_status)) {
    const int number = WTERMSIG(wait_status);
    return fmt::format("signal {} ({})", number, strsignal(number));
  }
  return fmt::format("exit status {}", WEXITSTATUS(wait_status));
}

int exit_code_of(int wait_status) {
  return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

std::string find_program(const std::string& name, const std::string& path) {
  if (name.empty()) return "";
  if (name.find('/') != std::string::npos) return is_executable_file(name) ? name : "";
  std::istringstream folders(path);
  for (std::string folder; std::getline(folders, folder, ':');) {
    const std::string candidate = (folder.empty() ? "." : folder) + "/" + name;
    if (is_executable_file(candidate)) return candidate;
  }
  return "";
}

std::string find_program(const std::string& name) {
  const char* path = std::getenv("PATH");
  return find_program(name, path != nullptr ? path : "/usr/local/bin:/usr/bin:/bin");
}

std::vector<std::string> environment_without(const std::string& hidden_prefix) {
  std::vector<std::string> kept;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    if (!std::string_view(*entry).starts_with(hidden_prefix)) kept.emplace_back(*entry);
  }
  return kept;
}

}  // namespace wp::workload
