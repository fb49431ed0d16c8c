// A real redis-server of the test's own: private folder, unix socket and a free TCP port, gone with
// the object. Owned by one test; not for concurrent use.
//
// Which server: WORKERPOOL_REDIS_SERVER, a path, else redis-server of PATH; tests/servers brings
// others, and the tests marked MATRIX (cmake/helpers.cmake) run against each.
#pragma once

#include <string>
#include <sys/types.h>
#include <vector>

#include "base/clock.h"
#include "queue/redis/endpoint.h"

namespace wp::test {

class RedisServer {
 public:
  /// Whose clock its TIME is: the machine's, or that plus what step_clock() says.
  enum class Clock { machine, steppable };

  /// Starts it and waits until it answers. `extra` are further lines of its configuration. Throws
  /// std::runtime_error, with what the server logged, when it doesn't.
  explicit RedisServer(std::vector<std::string> extra = {}, Clock clock = Clock::machine);
  ~RedisServer();
  RedisServer(const RedisServer&) = delete;
  RedisServer& operator=(const RedisServer&) = delete;

  /// Lines for `extra`: what was acknowledged is there again after kill9() and start().
  static std::vector<std::string> persistent();

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

  /// Removes what a stopped server left on disk: the next start() finds nothing.
  void wipe();

  /// Moves its wall clock, at once, also across restarts; needs Clock::steppable. Its monotonic
  /// clock, which its own timers use, goes on.
  void step_clock(Millis by);

 private:
  void spawn();
  void end(int signal);
  void remove();
  std::string log() const;

  std::string folder_;
  std::string socket_;
  std::string clock_file_;  // empty: the machine's clock
  int port_ = 0;
  pid_t pid_ = -1;
};

}  // namespace wp::test
