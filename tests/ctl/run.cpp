#include "tests/ctl/run.h"

#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <spawn.h>
#include <stdexcept>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

namespace wp::test {
namespace {

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

TempFolder::TempFolder() {
  std::string pattern = std::filesystem::temp_directory_path() / "wp-ctl.XXXXXX";
  if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
  path_ = pattern;
}

TempFolder::~TempFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string TempFolder::file(const std::string& name, const std::string& bytes) const {
  const std::string path = path_ + "/" + name;
  std::ofstream(path, std::ios::binary) << bytes;
  return path;
}

Run::Run(std::vector<std::string> words, std::map<std::string, std::string> environment) {
  const char* const bin = std::getenv("WORKERPOOL_BIN");
  if (bin == nullptr) throw std::runtime_error("WORKERPOOL_BIN is not set: run it by ctest");
  const std::string program = std::string(bin) + "/workerpoolctl";
  words.insert(words.begin(), program);
  environment.emplace("PATH", std::getenv("PATH"));
  environment.emplace("XDG_RUNTIME_DIR", folder_.path());
  std::vector<std::string> variables;
  for (const auto& [name, value] : environment) {
    variables.push_back(name);
    variables.back() += "=" + value;
  }
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  std::vector<char*> envp;
  for (std::string& variable : variables) envp.push_back(variable.data());
  envp.push_back(nullptr);

  int pipe_ends[2];
  if (pipe2(pipe_ends, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, pipe_ends[0], 0);
  constexpr int kFlags = O_WRONLY | O_CREAT | O_TRUNC;
  posix_spawn_file_actions_addopen(&actions, 1, (folder_.path() + "/out").c_str(), kFlags, 0600);
  posix_spawn_file_actions_addopen(&actions, 2, (folder_.path() + "/err").c_str(), kFlags, 0600);
  const int error =
      posix_spawn(&pid_, program.c_str(), &actions, nullptr, argv.data(), envp.data());
  posix_spawn_file_actions_destroy(&actions);
  ::close(pipe_ends[0]);
  input_ = pipe_ends[1];
  if (error != 0) throw std::runtime_error(program + " cannot be started");
}

Run::~Run() {
  close_input();
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

void Run::write(const std::string& bytes) {
  std::size_t sent = 0;
  while (sent < bytes.size()) {
    const ssize_t n = ::write(input_, bytes.data() + sent, bytes.size() - sent);
    if (n <= 0) return;  // it ended without reading all
    sent += static_cast<std::size_t>(n);
  }
}

void Run::close_input() {
  if (input_ >= 0) ::close(std::exchange(input_, -1));
}

void Run::signal(int number) const {
  ::kill(pid_, number);
}

std::string Run::out_so_far() const {
  return read_file(folder_.path() + "/out");
}
std::string Run::err_so_far() const {
  return read_file(folder_.path() + "/err");
}

Ran Run::wait() {
  close_input();
  return wait_with_input();
}

Ran Run::wait_with_input() {
  int status = 0;
  waitpid(std::exchange(pid_, -1), &status, 0);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status), out_so_far(),
          err_so_far()};
}

Ran run_ctl(std::vector<std::string> words, const std::string& input,
            std::map<std::string, std::string> environment) {
  Run run(std::move(words), std::move(environment));
  run.write(input);
  return run.wait();
}

}  // namespace wp::test
