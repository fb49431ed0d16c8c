#include "tests/support/redis_server.h"

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <spawn.h>
#include <stdexcept>
#include <sys/wait.h>

#include "queue/redis/connection.h"
#include "tests/support/free_port.h"
#include "tests/support/wait.h"

extern char** environ;

namespace wp::test {

RedisServer::RedisServer(std::vector<std::string> extra) {
  std::string pattern = std::filesystem::temp_directory_path() / "wp-redis.XXXXXX";
  if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
  folder_ = pattern;
  socket_ = folder_ + "/redis.sock";
  port_ = free_port();
  std::ofstream config(folder_ + "/redis.conf");
  config << "bind 127.0.0.1\nport " << port_ << "\nunixsocket " << socket_ << "\ndir " << folder_
         << "\nsave \"\"\nlogfile " << folder_ << "/redis.log\nloglevel warning\n";
  for (const std::string& line : extra) config << line << "\n";
  config.close();
  start();
}

RedisServer::~RedisServer() {
  end(SIGKILL);
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

std::string RedisServer::tcp_url() const {
  return "redis://127.0.0.1:" + std::to_string(port_);
}

void RedisServer::start() {
  std::string program = "redis-server";
  std::string config = folder_ + "/redis.conf";
  char* const arguments[] = {program.data(), config.data(), nullptr};
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  const int error = posix_spawnp(&pid_, "redis-server", nullptr, &attributes, arguments, environ);
  posix_spawnattr_destroy(&attributes);
  if (error != 0)
    throw std::runtime_error("redis-server cannot be started (apt-get install redis-server)");

  const bool up = eventually([this] {
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
  if (!up) throw std::runtime_error("redis-server does not answer");
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

}  // namespace wp::test
