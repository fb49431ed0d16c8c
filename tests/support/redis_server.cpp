#include "tests/support/redis_server.h"

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <spawn.h>
#include <sstream>
#include <stdexcept>
#include <sys/wait.h>
#include <unistd.h>

#include "base/unique_fd.h"
#include "queue/redis/connection.h"
#include "tests/support/free_port.h"
#include "tests/support/wait.h"

extern char** environ;

namespace wp::test {

namespace {

std::string server_program() {
  const char* chosen = std::getenv("WORKERPOOL_REDIS_SERVER");
  return chosen == nullptr || *chosen == '\0' ? "redis-server" : chosen;
}

// Written in place and by one write: the running server has the file mapped (clock_shim.cpp).
void write_offset(const std::string& file, std::int64_t milliseconds) {
  const UniqueFd fd(::open(file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  if (::pwrite(fd.get(), &milliseconds, sizeof milliseconds, 0) != sizeof milliseconds) {
    throw std::runtime_error(file + " cannot be written");
  }
}

std::int64_t read_offset(const std::string& file) {
  std::int64_t milliseconds = 0;
  const UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (::pread(fd.get(), &milliseconds, sizeof milliseconds, 0) != sizeof milliseconds) {
    throw std::runtime_error(file + " cannot be read");
  }
  return milliseconds;
}

}  // namespace

RedisServer::RedisServer(std::vector<std::string> extra, Clock clock) {
  std::string pattern = std::filesystem::temp_directory_path() / "wp-redis.XXXXXX";
  if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
  folder_ = pattern;
  socket_ = folder_ + "/redis.sock";
  port_ = free_port();
  if (clock == Clock::steppable) {
    clock_file_ = folder_ + "/clock";
    write_offset(clock_file_, 0);
  }
  std::ofstream config(folder_ + "/redis.conf");
  config << "bind 127.0.0.1\nport " << port_ << "\nunixsocket " << socket_ << "\ndir " << folder_
         << "/data\nsave \"\"\nlogfile " << folder_ << "/redis.log\nloglevel warning\n";
  for (const std::string& line : extra) config << line << "\n";
  config.close();
  std::filesystem::create_directory(folder_ + "/data");
  try {
    start();
  } catch (...) {
    remove();
    throw;
  }
}

RedisServer::~RedisServer() {
  remove();
}

void RedisServer::remove() {
  end(SIGKILL);
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

std::vector<std::string> RedisServer::persistent() {
  return {"appendonly yes", "appendfsync always"};
}

std::string RedisServer::tcp_url() const {
  return "redis://127.0.0.1:" + std::to_string(port_);
}

void RedisServer::spawn() {
  std::string program = server_program();
  std::string config = folder_ + "/redis.conf";
  char* const arguments[] = {program.data(), config.data(), nullptr};

  std::vector<std::string> added;
  if (!clock_file_.empty()) {
    added.push_back(std::string("LD_PRELOAD=") + WP_CLOCK_SHIM_LIBRARY);
    added.push_back("WP_CLOCK_SHIM=" + clock_file_);
  }
  std::vector<char*> environment;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const bool replaced = !added.empty() && std::strncmp(*variable, "LD_PRELOAD=", 11) == 0;
    if (!replaced) environment.push_back(*variable);
  }
  for (std::string& variable : added) environment.push_back(variable.data());
  environment.push_back(nullptr);

  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  const int error =
      posix_spawnp(&pid_, program.c_str(), nullptr, &attributes, arguments, environment.data());
  posix_spawnattr_destroy(&attributes);
  if (error != 0) {
    pid_ = -1;
    throw std::runtime_error(program + " cannot be started (apt-get install redis-server)");
  }
}

void RedisServer::start() {
  spawn();
  bool ended = false;
  const bool up = eventually([this, &ended] {
    if (waitpid(pid_, nullptr, WNOHANG) == pid_) {
      ended = true;
      return true;
    }
    try {
      redis::Connection connection(endpoint());
      connection.connect();
      (void)connection.execute({"PING"});
      return true;
    } catch (const redis::Error& e) {
      // A server that wants a password is up, too.
      return e.error_class() == redis::ErrorClass::auth;
    }
  });
  if (up && !ended) return;
  const std::string what = server_program() + (ended ? " ended at once: " : " does not answer: ");
  const std::string logged = log();
  if (ended) pid_ = -1;
  end(SIGKILL);
  throw std::runtime_error(what + (logged.empty() ? "it logged nothing" : logged));
}

std::string RedisServer::log() const {
  std::ostringstream text;
  text << std::ifstream(folder_ + "/redis.log").rdbuf();
  return text.str();
}

void RedisServer::end(int signal) {
  if (pid_ <= 0) return;
  ::kill(pid_, signal);
  if (signal == SIGTERM) ::kill(pid_, SIGCONT);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

void RedisServer::stop() {
  end(SIGTERM);
}
void RedisServer::kill9() {
  end(SIGKILL);
}
void RedisServer::pause() {
  ::kill(pid_, SIGSTOP);
}
void RedisServer::resume() {
  ::kill(pid_, SIGCONT);
}

void RedisServer::wipe() {
  if (pid_ > 0) throw std::logic_error("wipe() of a running server");
  std::filesystem::remove_all(folder_ + "/data");
  std::filesystem::create_directory(folder_ + "/data");
}

void RedisServer::step_clock(Millis by) {
  if (clock_file_.empty()) throw std::logic_error("step_clock() needs Clock::steppable");
  write_offset(clock_file_, read_offset(clock_file_) + by.count());
}

}  // namespace wp::test
