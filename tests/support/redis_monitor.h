// What a server executes, command by command, also within scripts: MONITOR on a connection of its
// own. Owned by one test; not for concurrent use.
#pragma once

#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "queue/redis/connection.h"
#include "tests/support/redis_server.h"

namespace wp::test {

struct MonitoredCommand {
  bool by_script = false;  // sent by redis.call of the EVALSHA before it
  redis::Command words;
};

/// One line of MONITOR's output, for example `+1.5 [0 lua] "DEL" "k\x00"`. Throws
/// std::runtime_error when it isn't one. Words with a quote or a backslash are exact from Redis
/// only: Valkey 8.1 writes both as they are, so that they can't be told from its escapes.
MonitoredCommand parse_monitor_line(const std::string& line);

class RedisMonitor {
 public:
  /// Sees what `server` executes from now on. Throws std::runtime_error.
  explicit RedisMonitor(const RedisServer& server);

  /// What was executed since the last call.
  std::vector<MonitoredCommand> take();

 private:
  std::string read_line();

  redis::Connection marker_;
  UniqueFd socket_;
  std::string received_;
  int marks_ = 0;
};

}  // namespace wp::test
