// Pickup latency: from an enqueue on an idle queue until a worker has claimed the job, as Redis
// shows it, beside a bare client blocked in BRPOP on the same server in the same run.
#include <algorithm>
#include <stdexcept>
#include <thread>

#include "bench/load.h"
#include "bench/measures.h"
#include "tests/support/process.h"
#include "tests/support/wait.h"

namespace wp::bench {
namespace {

double percentile(Samples samples, double share) {
  std::sort(samples.begin(), samples.end());
  return samples[std::min(samples.size() - 1,
                          static_cast<std::size_t>(share * static_cast<double>(samples.size())))];
}

// Somebody waits in such a command: idle.
void wait_until_blocked(redis::Connection& connection, const std::string& command) {
  const bool blocked = test::eventually([&] {
    return connection.execute({"CLIENT", "LIST"}).text().find("cmd=" + command) !=
           std::string::npos;
  });
  if (!blocked) throw std::runtime_error("nobody waits in " + command);
}

Samples measure_pool(const Effort& effort, Server& server) {
  redis::Connection connection(server.endpoint());
  connection.connect();
  queue::Queue queue(connection, kQueue);
  const test::Process runner({effort.runner, "--redis", server.redis().url(), "--queue", kQueue,
                              "--handler", "noop", "--probe-addr", "127.0.0.1:0"},
                             "/dev/null");
  (void)test::eventually([&] { return queue.read_config().present; });
  Samples times;
  for (int i = 0; i < effort.tries; ++i) {
    wait_until_blocked(connection, "blpop");
    std::vector<queue::NewJob> job(1);
    const double start = seconds_now();
    (void)queue.enqueue(job);
    // The server has taken the job out of the waiting set: a worker has it, or is done with it.
    while (connection.execute({"ZCARD", queue::key_name(kQueue, "ready")}).integer() > 0) {
    }
    times.push_back((seconds_now() - start) * 1000);
    (void)test::eventually([&] {
      return connection.execute({"ZCARD", queue::key_name(kQueue, "active")}).integer() == 0;
    });
  }
  return times;
}

Samples measure_bare(const Effort& effort, Server& server) {
  redis::Connection connection(server.endpoint());
  connection.connect();
  const std::jthread popper([&server, tries = effort.tries] {
    redis::Connection blocked(server.endpoint());
    blocked.connect();
    for (int i = 0; i < tries; ++i) {
      (void)blocked.execute({"BRPOP", "bare", "0"}, Millis{60000});
      (void)blocked.execute({"SET", "popped", std::to_string(i)});
    }
  });
  Samples times;
  for (int i = 0; i < effort.tries; ++i) {
    wait_until_blocked(connection, "brpop");
    const double start = seconds_now();
    (void)connection.execute({"LPUSH", "bare", "x"});
    const std::string expected = std::to_string(i);
    for (;;) {
      const redis::Reply reply = connection.execute({"GET", "popped"});
      if (!reply.is_nil() && reply.text() == expected) break;
    }
    times.push_back((seconds_now() - start) * 1000);
  }
  return times;
}

}  // namespace

void measure_pickup(const Effort& effort, Report& report) {
  if (effort.runner.empty()) {
    report.skip("pickup", "workerpool-runner is not built");
    return;
  }
  Server server;
  Figure p50{"pickup_p50", "ms", "", {}, {}};
  Figure p99{"pickup_p99", "ms", "", {}, {}};
  for (int round = 0; round < effort.rounds; ++round) {
    server.flush();
    const Samples pool = measure_pool(effort, server);
    const Samples bare = measure_bare(effort, server);
    p50.ours.push_back(percentile(pool, 0.5));
    p50.ceiling.push_back(percentile(bare, 0.5));
    p99.ours.push_back(percentile(pool, 0.99));
    p99.ceiling.push_back(percentile(bare, 0.99));
  }
  report.add(std::move(p50));
  report.add(std::move(p99));
}

}  // namespace wp::bench
