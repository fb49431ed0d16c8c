// Pickup latency: from an enqueue on an idle queue until a worker has claimed the job, as Redis
// shows it, beside a bare client blocked in BRPOP on the same server in the same run.
//
//   WORKERPOOL_BIN=build/release/bin build/release/bench/pickup [tries]
//
// Prints one JSON line; nothing passes or fails.
#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <thread>
#include <vector>

#include <nlohmann/json.hpp>

#include "queue/queue.h"
#include "tests/support/process.h"
#include "tests/support/redis_server.h"
#include "tests/support/wait.h"

namespace {

using namespace wp;
using Times = std::vector<double>;

double ms_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
      .count();
}

nlohmann::json percentiles(Times times) {
  std::sort(times.begin(), times.end());
  const auto at = [&](double share) {
    return times[std::min(times.size() - 1,
                          static_cast<std::size_t>(share * static_cast<double>(times.size())))];
  };
  return {{"p50_ms", at(0.5)}, {"p99_ms", at(0.99)}, {"max_ms", times.back()}};
}

// The server has taken the job out of the waiting set: a worker has it, or is done with it.
Times measure_pool(test::RedisServer& server, int tries) {
  redis::Connection connection(server.endpoint());
  connection.connect();
  queue::Queue queue(connection, "bench");
  const test::Process worker(
      {test::program("workerpool-runner"), "--redis", server.url(), "--queue", "bench", "--handler",
       "noop", "--probe-addr", "127.0.0.1:0"},
      "/dev/null");
  (void)test::eventually([&] { return queue.read_config().present; });
  const std::string wake = queue.wake_key();
  Times times;
  for (int i = 0; i < tries; ++i) {
    // Idle means: blocked on the wake list.
    (void)test::eventually([&] {
      return connection.execute({"CLIENT", "LIST"}).text().find("cmd=blpop") != std::string::npos;
    });
    std::vector<queue::NewJob> job(1);
    const auto start = std::chrono::steady_clock::now();
    (void)queue.enqueue(job);
    while (connection.execute({"ZCARD", queue::key_name("bench", "ready")}).integer() > 0) {
    }
    times.push_back(ms_since(start));
    (void)test::eventually([&] {
      return connection.execute({"ZCARD", queue::key_name("bench", "active")}).integer() == 0;
    });
  }
  return times;
}

Times measure_bare(test::RedisServer& server, int tries) {
  redis::Connection connection(server.endpoint());
  connection.connect();
  std::thread popper([&server, tries] {
    redis::Connection blocked(server.endpoint());
    blocked.connect();
    for (int i = 0; i < tries; ++i) {
      (void)blocked.execute({"BRPOP", "bare", "0"}, Millis{60000});
      (void)blocked.execute({"SET", "popped", std::to_string(i)});
    }
  });
  Times times;
  for (int i = 0; i < tries; ++i) {
    (void)test::eventually([&] {
      return connection.execute({"CLIENT", "LIST"}).text().find("cmd=brpop") != std::string::npos;
    });
    const auto start = std::chrono::steady_clock::now();
    (void)connection.execute({"LPUSH", "bare", "x"});
    const std::string expected = std::to_string(i);
    for (;;) {
      const redis::Reply reply = connection.execute({"GET", "popped"});
      if (!reply.is_nil() && reply.text() == expected) break;
    }
    times.push_back(ms_since(start));
  }
  popper.join();
  return times;
}

}  // namespace

int main(int argc, char** argv) {
  const int tries = argc > 1 ? std::atoi(argv[1]) : 500;
  test::RedisServer server;
  const nlohmann::json result = {{"tries", tries},
                                 {"pool", percentiles(measure_pool(server, tries))},
                                 {"bare_brpop", percentiles(measure_bare(server, tries))}};
  std::cout << result.dump() << "\n";
}
