#include "tests/cluster/node/process.h"

#include <cerrno>
#include <charconv>
#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>

namespace wp::testnode {
namespace {

// The child's side of a start. Between fork and exec of a program with several threads, only
// async-signal-safe calls are allowed: everything is prepared before.
struct Plan {
  const char* path;
  char* const* argv;
  char* const* env;
  const char* directory;
  int input;
  int log;
  int failure;  // takes errno of what failed
  pid_t parent;
};

[[noreturn]] void give_up(const Plan& plan) {
  const int error = errno;
  (void)!write(plan.failure, &error, sizeof error);
  _exit(127);
}

[[noreturn]] void become(const Plan& plan) {
  setsid();
  prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  if (getppid() != plan.parent) _exit(127);  // it died before it could take us along
  prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  if (chdir(plan.directory) != 0 || dup2(plan.input, STDIN_FILENO) < 0 ||
      dup2(plan.log, STDOUT_FILENO) < 0 || dup2(plan.log, STDERR_FILENO) < 0) {
    give_up(plan);
  }
  close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
  execve(plan.path, plan.argv, plan.env);
  give_up(plan);
}

bool executable(const std::string& path) {
  struct stat info {};
  return stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) && access(path.c_str(), X_OK) == 0;
}

std::string find_program(const std::string& name, const Variables& variables) {
  if (name.find('/') != std::string::npos) return name;
  const auto path = variables.find("PATH");
  std::istringstream folders(path == variables.end() ? "/usr/bin:/bin" : path->second);
  for (std::string folder; std::getline(folders, folder, ':');) {
    const std::string candidate = folder + "/" + name;
    if (executable(candidate)) return candidate;
  }
  throw std::system_error(ENOENT, std::system_category(), name);
}

std::vector<char*> pointers(const std::vector<std::string>& words) {
  std::vector<char*> list;
  for (const std::string& word : words) list.push_back(const_cast<char*>(word.c_str()));
  list.push_back(nullptr);
  return list;
}

UniqueFd open_file(const std::string& path, int flags) {
  UniqueFd fd(open(path.c_str(), flags | O_CLOEXEC, 0644));
  if (!fd) throw std::system_error(errno, std::system_category(), path);
  return fd;
}

// Waits for the end, without more; 0: there is no such child.
pid_t wait_for(pid_t pid, int* status, int flags) {
  pid_t answer = -1;
  do {
    answer = waitpid(pid, status, flags);
  } while (answer < 0 && errno == EINTR);
  return answer;
}

// The parent of a process by /proc; 0 when it is gone.
pid_t parent_of(const std::filesystem::path& entry) {
  std::ifstream file(entry / "stat");
  std::string text;
  std::getline(file, text, '\0');
  // "PID (NAME) STATE PARENT …", and the name may hold anything.
  const std::size_t name_end = text.rfind(") ");
  if (name_end == std::string::npos || text.size() < name_end + 4) return 0;
  pid_t parent = 0;
  std::from_chars(text.data() + name_end + 4, text.data() + text.size(), parent);
  return parent;
}

std::set<pid_t> children() {
  std::set<pid_t> found;
  std::error_code ignored;  // processes come and go while we look
  for (const auto& entry : std::filesystem::directory_iterator("/proc", ignored)) {
    const std::string name = entry.path().filename();
    pid_t pid = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (error != std::errc{} || end != name.data() + name.size()) continue;
    if (parent_of(entry.path()) == getpid()) found.insert(pid);
  }
  return found;
}

}  // namespace

Process::Process(const Command& command) {
  const std::string path = find_program(command.argv.at(0), command.variables);
  std::vector<std::string> env_words;
  for (const auto& [name, value] : command.variables) env_words.push_back(name + "=" + value);
  const std::vector<char*> argv = pointers(command.argv);
  const std::vector<char*> env = pointers(env_words);
  const UniqueFd input = open_file("/dev/null", O_RDONLY);
  const UniqueFd log = open_file(command.log_file, O_WRONLY | O_CREAT | O_APPEND);
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) throw std::system_error(errno, std::system_category(), "pipe");
  const UniqueFd report(ends[0]);
  UniqueFd failure(ends[1]);

  const Plan plan{path.c_str(), argv.data(), env.data(),    command.directory.c_str(),
                  input.get(),  log.get(),   failure.get(), getpid()};
  pid_ = fork();
  if (pid_ < 0) throw std::system_error(errno, std::system_category(), "fork");
  if (pid_ == 0) become(plan);
  failure.reset();

  int error = 0;
  if (read(report.get(), &error, sizeof error) == sizeof error) {
    wait_for(pid_, nullptr, 0);
    throw std::system_error(error, std::system_category(), path);
  }
  // The wrapper's header has no C linkage in glibc 2.36. The descriptor is CLOEXEC by itself.
  pidfd_.reset(static_cast<int>(syscall(SYS_pidfd_open, pid_, 0)));
  if (!pidfd_) {
    const int why = errno;
    kill_group();
    wait_for(pid_, nullptr, 0);
    throw std::system_error(why, std::system_category(), "pidfd_open");
  }
}

Process::~Process() {
  if (pid_ < 0) return;
  kill_group();
  wait_for(pid_, nullptr, 0);
}

void Process::terminate() const {
  if (pid_ > 0) kill(pid_, SIGTERM);
}

void Process::kill_group() const {
  if (pid_ > 0) kill(-pid_, SIGKILL);
}

std::optional<Exit> Process::reap() {
  int status = 0;
  if (wait_for(pid_, &status, WNOHANG) != pid_) return std::nullopt;
  pid_ = -1;
  if (WIFSIGNALED(status)) return Exit{.code = 0, .signal = WTERMSIG(status)};
  return Exit{.code = WEXITSTATUS(status), .signal = 0};
}

void adopt_orphans() {
  prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

void kill_orphans(const std::set<pid_t>& known) {
  for (bool again = true; again;) {
    again = false;
    for (const pid_t pid : children()) {
      if (known.contains(pid)) continue;
      kill(pid, SIGKILL);
      // Its own children become ours as it ends: look once more.
      again = wait_for(pid, nullptr, 0) == pid || again;
    }
  }
}

}  // namespace wp::testnode
