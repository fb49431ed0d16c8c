#include "tests/runner/runner_process.h"

#include <cstdlib>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <signal.h>
#include <spawn.h>
#include <sstream>
#include <stdexcept>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace wp::test {

RunnerProcess::RunnerProcess(const RunnerSetup& setup) {
  const char* bin = std::getenv("WORKERPOOL_BIN");
  if (bin == nullptr) throw std::runtime_error("WORKERPOOL_BIN names the folder of the programs");
  std::string pattern = std::filesystem::temp_directory_path() / "wp-runner-log.XXXXXX";
  const int log = mkstemp(pattern.data());
  log_file_ = pattern;

  std::vector<std::string> words = {std::string(bin) + "/workerpool-runner",
                                    "--redis",
                                    setup.redis_url,
                                    "--queue",
                                    setup.queue,
                                    "--probe-addr",
                                    "127.0.0.1:0",
                                    "--log-level",
                                    "debug"};
  words.insert(words.end(), setup.arguments.begin(), setup.arguments.end());
  std::vector<std::string> variables;
  for (char** entry = environ; *entry != nullptr; ++entry) variables.emplace_back(*entry);
  for (const auto& [name, value] : setup.environment) variables.push_back(name + "=" + value);
  const auto pointers = [](std::vector<std::string>& list) {
    std::vector<char*> made;
    for (std::string& word : list) made.push_back(word.data());
    made.push_back(nullptr);
    return made;
  };

  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_adddup2(&files, log, 1);
  posix_spawn_file_actions_adddup2(&files, log, 2);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  const int error = posix_spawn(&pid_, words[0].c_str(), &files, &attributes,
                                pointers(words).data(), pointers(variables).data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&files);
  close(log);
  if (error != 0) throw std::runtime_error("cannot start " + words[0]);
}

RunnerProcess::~RunnerProcess() {
  if (!exit_) {
    kill(pid_, SIGKILL);
    kill(pid_, SIGCONT);
    waitpid(pid_, nullptr, 0);
  }
  unlink(log_file_.c_str());
}

void RunnerProcess::signal(int number) const {
  if (!exit_) kill(pid_, number);
}

std::optional<int> RunnerProcess::wait(Millis deadline) {
  (void)eventually(
      [this] {
        int status = 0;
        if (!exit_ && waitpid(pid_, &status, WNOHANG) == pid_) {
          exit_ = WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
        }
        return exit_.has_value();
      },
      deadline);
  return exit_;
}

std::string RunnerProcess::log() const {
  return read_file(log_file_);
}

bool RunnerProcess::logged(const std::string& text, Millis deadline) const {
  return eventually([&] { return log().find(text) != std::string::npos; }, deadline);
}

int RunnerProcess::probe_port() const {
  REQUIRE(logged("\"probe_port\":"));
  const std::string text = log();
  return std::stoi(text.substr(text.find("\"probe_port\":") + 13));
}

Folder::Folder() {
  path_ = std::filesystem::temp_directory_path() / "wp-runner.XXXXXX";
  if (mkdtemp(path_.data()) == nullptr) throw std::runtime_error("no temporary folder");
}

Folder::~Folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string read_file(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

void write_file(const std::string& path, const std::string& text) {
  std::ofstream(path + ".new") << text;
  std::filesystem::rename(path + ".new", path);
}

int count_lines(const std::string& path) {
  std::ifstream file(path);
  int count = 0;
  for (std::string line; std::getline(file, line);) ++count;
  return count;
}

QueueClient::QueueClient(const RedisServer& redis, std::string name)
    : connection_(redis.endpoint()), queue_(connection_, std::move(name)) {
  connection_.connect();
}

void QueueClient::configure(std::int64_t lease_ms, std::map<std::string, std::string> more) {
  more["lease_ms"] = std::to_string(lease_ms);
  ++term_;
  REQUIRE(queue_.write_config(more, "hash-" + std::to_string(term_), "pool", term_) ==
          queue::ConfigWritten::written);
}

std::string QueueClient::enqueue(const std::string& payload, const std::string& type,
                                 Millis delay) {
  std::vector<queue::NewJob> jobs(1);
  jobs[0].payload = payload;
  jobs[0].type = type;
  jobs[0].delay = delay;
  return queue_.enqueue(jobs, true).at(0).id;
}

queue::JobView QueueClient::wait_state(const std::string& id, queue::JobState state,
                                       Millis deadline) {
  queue::JobView view;
  const bool reached = eventually(
      [&] {
        view = queue_.job(id);
        return view.state == state;
      },
      deadline);
  CAPTURE(id);
  CAPTURE(queue::to_string(view.state));
  CHECK(queue::to_string(state) == queue::to_string(view.state));
  REQUIRE(reached);
  return view;
}

}  // namespace wp::test
