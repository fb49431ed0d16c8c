#include "tests/protocol/driver.h"

#include <algorithm>
#include <cstdlib>
#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <stdexcept>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace wp::test {

using nlohmann::json;

Driver::Driver(const std::string& socket) {
  const char* const program = std::getenv("WORKERPOOL_DRIVER");
  if (program == nullptr) throw std::runtime_error("WORKERPOOL_DRIVER: run it by ctest");
  int in[2];
  int out[2];
  if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in[0], 0);
  posix_spawn_file_actions_adddup2(&actions, out[1], 1);
  std::string words[2] = {program, socket};
  char* argv[3] = {words[0].data(), words[1].data(), nullptr};
  const int error = posix_spawn(&pid_, program, &actions, nullptr, argv, environ);
  posix_spawn_file_actions_destroy(&actions);
  ::close(in[0]);
  ::close(out[1]);
  in_ = fdopen(in[1], "w");
  out_ = fdopen(out[0], "r");
  if (error != 0) throw std::runtime_error(std::string(program) + " cannot be started");
}

Driver::~Driver() {
  if (in_ != nullptr) std::fclose(in_);
  if (out_ != nullptr) std::fclose(out_);
  if (pid_ > 0) waitpid(pid_, nullptr, 0);
}

json Driver::enqueue(const std::vector<json>& jobs, bool force, const std::string& queue) {
  const json call = {{"queue", queue}, {"force", force}, {"jobs", jobs}};
  const std::string line = call.dump() + "\n";
  std::fwrite(line.data(), 1, line.size(), in_);
  std::fflush(in_);
  char* text = nullptr;
  std::size_t room = 0;
  const ssize_t size = getline(&text, &room, out_);
  const std::string answer(text == nullptr ? "" : text,
                           static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
  std::free(text);
  if (size <= 0) throw std::runtime_error("the driver ended; its complaint is above");
  return json::parse(answer);
}

std::string to_hex(const std::string& bytes) {
  std::string hex;
  for (const char c : bytes) hex += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return hex;
}

}  // namespace wp::test
