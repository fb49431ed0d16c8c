#include "tests/support/sentinel_server.h"

#include <csignal>
#include <stdexcept>

#include "queue/redis/connection.h"
#include "tests/support/free_port.h"
#include "tests/support/wait.h"

namespace wp::test {

SentinelServer::SentinelServer(int master_port, const std::vector<std::string>& extra)
    : port_(free_port()) {
  std::string config = "bind 127.0.0.1\nport " + std::to_string(port_) + "\ndir " + folder_.path() +
                       "\nsentinel monitor main 127.0.0.1 " + std::to_string(master_port) +
                       " 1\nsentinel down-after-milliseconds main 300\n"
                       "sentinel failover-timeout main 5000\n";
  for (const std::string& line : extra) config += line + "\n";
  const std::string file = folder_.write("sentinel.conf", config);
  process_.emplace(std::vector<std::string>{"redis-server", file, "--sentinel"},
                   folder_.path() + "/log");
  const bool up = eventually([this] {
    try {
      redis::Connection connection(redis::parse_endpoint("redis://" + node()));
      connection.connect();
      (void)connection.execute({"PING"});
      return true;
    } catch (const redis::Error& e) {
      return e.error_class() == redis::ErrorClass::auth;
    }
  });
  if (!up) throw std::runtime_error("the sentinel does not answer: " + process_->output());
}

void SentinelServer::pause() const {
  process_->signal(SIGSTOP);
}
void SentinelServer::resume() const {
  process_->signal(SIGCONT);
}

}  // namespace wp::test
