// Pickup latency on an idle pool: from the call that enqueues until Redis has given the job to a
// worker, beside bare clients blocked in BRPOP on the same server in the same run.
//
// Both sides are seen in the same way, by a subscriber of the server's keyspace notifications that
// sleeps meanwhile: of the claim (T:active), and of what a bare client writes when it has popped.
// An observer that asks again and again would take a core from those whom it measures.
#include <deque>
#include <fmt/format.h>
#include <stdexcept>
#include <thread>

#include "bench/load.h"
#include "bench/measures.h"
#include "tests/support/process.h"
#include "tests/support/wait.h"

namespace wp::bench {
namespace {

constexpr const char* kList = "bare";
constexpr const char* kPopped = "popped";
// Of each try before it begins: what the one before it left behind (a settlement, a wait anew) is
// over then.
constexpr Millis kQuiet{3};

// Hears of every change of one key.
class Observer {
 public:
  Observer(Server& server, const std::string& key) : connection_(server.endpoint()) {
    (void)server.execute({"CONFIG", "SET", "notify-keyspace-events", "Kz$"});
    connection_.connect();
    connection_.send({"SUBSCRIBE", "__keyspace@0__:" + key});
    (void)connection_.read_push(Millis{5000});
  }
  /// Waits until such a command has changed the key.
  void wait_for(const std::string& command) {
    for (;;) {
      const redis::Reply push = connection_.read_push(Millis{20000});
      if (push.is_nil()) throw std::runtime_error("nobody took what was offered: " + command);
      if (push.at(2).text() == command) return;
    }
  }

 private:
  redis::Connection connection_;
};

void wait_until_blocked(Server& server, const std::string& command, int clients) {
  const bool blocked = test::eventually(
      [&] {
        const std::string list = server.execute({"CLIENT", "LIST", "TYPE", "NORMAL"}).text();
        int found = 0;
        for (std::size_t at = 0; (at = list.find("cmd=" + command, at)) != std::string::npos;
             ++at) {
          ++found;
        }
        return found >= clients;
      },
      Millis{60000});
  if (!blocked) throw std::runtime_error(fmt::format("no {} clients wait in {}", clients, command));
  std::this_thread::sleep_for(kQuiet);
}

Samples measure_pool(const Effort& effort, Server& server, int workers) {
  redis::Connection connection(server.endpoint());
  connection.connect();
  queue::Queue queue(connection, kQueue);
  std::deque<test::Process> runners;
  for (int i = 0; i < workers; ++i) {
    runners.emplace_back(
        runner_words(effort.runner, server,
                     {"--handler", "noop", "--worker-id", fmt::format("bench-{}", i)}),
        "/dev/null");
  }
  Observer observer(server, queue::key_name(kQueue, "active"));
  Samples times;
  for (int i = 0; i < effort.tries; ++i) {
    wait_until_blocked(server, "blpop", workers);
    std::vector<queue::NewJob> job(1);
    const double start = seconds_now();
    (void)queue.enqueue(job);
    observer.wait_for("zadd");
    times.push_back((seconds_now() - start) * 1000);
    observer.wait_for("zrem");
  }
  return times;
}

Samples measure_bare(const Effort& effort, Server& server, int clients) {
  redis::Connection connection(server.endpoint());
  connection.connect();
  const auto pop = [&server](const std::stop_token& stop) {
    redis::Connection blocked(server.endpoint());
    blocked.connect();
    for (;;) {
      (void)blocked.execute({"BRPOP", kList, "0"}, Millis{60000});
      if (stop.stop_requested()) return;
      (void)blocked.execute({"SET", kPopped, "x"});
    }
  };
  std::deque<std::jthread> poppers;
  for (int i = 0; i < clients; ++i) poppers.emplace_back(pop);
  Observer observer(server, kPopped);
  Samples times;
  for (int i = 0; i < effort.tries; ++i) {
    wait_until_blocked(server, "brpop", clients);
    const double start = seconds_now();
    (void)connection.execute({"LPUSH", kList, "x"});
    observer.wait_for("set");
    times.push_back((seconds_now() - start) * 1000);
  }
  for (std::jthread& popper : poppers) popper.request_stop();
  for (int i = 0; i < clients; ++i) (void)connection.execute({"LPUSH", kList, "x"});
  return times;
}

void measure_pickup_of(const Effort& effort, Report& report, int workers) {
  Figure p50{fmt::format("pickup_{}_p50", workers), "ms", "<= 1.5 of bare BRPOP", {}, {}};
  Figure p99{fmt::format("pickup_{}_p99", workers), "ms", "<= 2 of bare BRPOP", {}, {}};
  for (int round = 0; round < effort.rounds; ++round) {
    Server server;
    const Samples pool = measure_pool(effort, server, workers);
    const Samples bare = measure_bare(effort, server, workers);
    p50.ours.push_back(percentile(pool, 0.5));
    p50.ceiling.push_back(percentile(bare, 0.5));
    p99.ours.push_back(percentile(pool, 0.99));
    p99.ceiling.push_back(percentile(bare, 0.99));
  }
  report.add(std::move(p50));
  report.add(std::move(p99));
}

}  // namespace

void measure_pickup(const Effort& effort, Report& report) {
  if (effort.runner.empty()) {
    report.skip("pickup", "workerpool-runner is not built");
    return;
  }
  measure_pickup_of(effort, report, 1);
  if (effort.workers > 1) measure_pickup_of(effort, report, effort.workers);
}

}  // namespace wp::bench
