// A real redis-server of the test's own: private folder, unix socket and a free TCP port, gone with
// the object. Owned by one test; not for concurrent use.
#pragma once

#include <string>
#include <sys/types.h>
#include <vector>

#include "base/clock.h"
#include "queue/redis/endpoint.h"

namespace wp::test {

class RedisServer {
 public:
  /// Starts it and waits until it answers. `extra` are further lines of its configuration.
  explicit RedisServer(std::vector<std::string> extra = {});
  ~RedisServer();
  RedisServer(const RedisServer&) = delete;
  RedisServer& operator=(const RedisServer&) = delete;

  std::string url() const { return "unix://" + socket_; }
  std::string tcp_url() const;
  const std::string& socket() const { return socket_; }
  int port() const { return port_; }
  redis::Endpoint endpoint() const { return redis::parse_endpoint(url()); }
  pid_t pid() const { return pid_; }

  void stop();    // SIGTERM, and waits
  void kill9();   // SIGKILL, and waits
  void start();   // again, in the same folder and on the same addresses
  void pause();   // SIGSTOP
  void resume();  // SIGCONT

 private:
  void end(int signal);

  std::string folder_;
  std::string socket_;
  int port_ = 0;
  pid_t pid_ = -1;
};

}  // namespace wp::test
