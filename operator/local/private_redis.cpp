#include "operator/local/private_redis.h"

#include <csignal>
#include <fcntl.h>
#include <fstream>
#include <poll.h>
#include <stdexcept>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/options.h"
#include "base/unique_fd.h"
#include "queue/redis/connection.h"

namespace wp::local {
namespace {

constexpr Millis kStartPatience{10000};
constexpr Millis kRetry{10};
constexpr int kStopPatienceMs = 5000;

std::string last_line(const std::string& file) {
  std::ifstream in(file);
  std::string last;
  for (std::string line; std::getline(in, line);) {
    if (!line.empty()) last = line;
  }
  return last;
}

bool answers(const redis::Endpoint& endpoint) {
  try {
    redis::Connection connection(endpoint);
    connection.connect();
    (void)connection.execute({"PING"});
    return true;
  } catch (const redis::Error&) {
    return false;  // not yet
  }
}

// Ends as soon as the process does.
bool wait_for_end(const workload::ChildProcess& process, int timeout_ms) {
  pollfd end{process.pidfd(), POLLIN, 0};
  return poll(&end, 1, timeout_ms) > 0;
}

}  // namespace

PrivateRedis::PrivateRedis(const std::string& folder) : socket_(folder + "/redis.sock") {
  if (socket_.size() >= sizeof(sockaddr_un::sun_path)) {
    throw UsageError("state-dir: " + folder + ": too long for a unix socket; give a shorter one");
  }
  const std::string program = workload::find_program("redis-server");
  if (program.empty()) {
    throw UsageError(
        "redis-server is not installed: `apt-get install redis-server`, or name a running one with "
        "--redis URL");
  }
  unlink(socket_.c_str());
  const std::string log_file = folder + "/redis.log";
  const UniqueFd log(open(log_file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  workload::Command command;
  // The name with "ziplist" is understood by every version, the newer one only since 7.0.
  command.words = {program,      "--port",
                   "0",          "--unixsocket",
                   socket_,      "--unixsocketperm",
                   "700",        "--save",
                   "",           "--appendonly",
                   "no",         "--maxmemory-policy",
                   "noeviction", "--zset-max-ziplist-entries",
                   "16",         "--daemonize",
                   "no",         "--dir",
                   folder,       "--loglevel",
                   "warning"};
  command.environment = workload::environment_without("WP_");
  command.output = log.get();
  process_ = std::make_unique<workload::ChildProcess>(command);

  const Millis deadline = system_clock().steady() + kStartPatience;
  while (!answers(endpoint())) {
    const bool ended = wait_for_end(*process_, static_cast<int>(kRetry.count()));
    if (ended || system_clock().steady() > deadline) {
      throw std::runtime_error("redis-server does not come up: " + last_line(log_file) + " (" +
                               log_file + ")");
    }
  }
}

PrivateRedis::~PrivateRedis() {
  process_->signal(SIGTERM);
  (void)wait_for_end(*process_, kStopPatienceMs);
  process_.reset();
  unlink(socket_.c_str());
}

}  // namespace wp::local
