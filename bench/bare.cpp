#include "bench/bare.h"

#include <cstdio>
#include <deque>
#include <memory>
#include <spawn.h>
#include <stdexcept>
#include <sys/socket.h>
#include <sys/wait.h>
#include <vector>

#include "base/unique_fd.h"
#include "bench/load.h"

extern char** environ;

namespace wp::bench {
namespace {

pid_t start(const std::vector<std::string>& words, int stdio = -1) {
  std::vector<char*> argv;
  for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  if (stdio >= 0) {
    posix_spawn_file_actions_adddup2(&files, stdio, 0);
    posix_spawn_file_actions_adddup2(&files, stdio, 1);
  }
  pid_t pid = -1;
  const int error = posix_spawnp(&pid, argv[0], &files, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  if (error != 0) throw std::runtime_error("cannot start " + words.front());
  return pid;
}

struct CloseFile {
  void operator()(FILE* file) const { std::fclose(file); }
};

}  // namespace

double spawn_rate(const std::string& program, std::int64_t count, int in_flight) {
  std::deque<pid_t> running;
  const auto reap = [&running] {
    waitpid(running.front(), nullptr, 0);
    running.pop_front();
  };
  const double begin = seconds_now();
  for (std::int64_t i = 0; i < count; ++i) {
    if (running.size() == static_cast<std::size_t>(in_flight)) reap();
    running.push_back(start({program}));
  }
  while (!running.empty()) reap();
  return static_cast<double>(count) / (seconds_now() - begin);
}

double line_rate(const std::string& script, std::int64_t count) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    throw std::runtime_error("no socket pair");
  }
  UniqueFd theirs(ends[1]);
  const pid_t pid = start({"python3", script}, theirs.get());
  theirs.reset();
  const std::unique_ptr<FILE, CloseFile> stream(fdopen(ends[0], "r+"));
  const auto exchange = [&stream] {
    char line[4096];
    std::fputs("{\"id\": \"1\", \"payload\": \"x\"}\n", stream.get());
    std::fflush(stream.get());
    if (std::fgets(line, sizeof line, stream.get()) == nullptr) {
      throw std::runtime_error("the echo script ended");
    }
  };
  exchange();  // the interpreter's start is not counted
  const double begin = seconds_now();
  for (std::int64_t i = 0; i < count; ++i) exchange();
  const double rate = static_cast<double>(count) / (seconds_now() - begin);
  shutdown(ends[0], SHUT_WR);
  waitpid(pid, nullptr, 0);
  return rate;
}

}  // namespace wp::bench
