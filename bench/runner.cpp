// The runner as a program: its rate under load, and what it asks of Redis when there is none.
#include <fmt/format.h>
#include <stdexcept>
#include <thread>

#include "bench/ceiling.h"
#include "bench/load.h"
#include "bench/measures.h"
#include "tests/support/process.h"
#include "tests/support/wait.h"

namespace wp::bench {
namespace {

test::Process start_runner(const Effort& effort, Server& server, int concurrency) {
  return test::Process({effort.runner, "--redis", server.redis().url(), "--queue", kQueue,
                        "--handler", "noop", "--concurrency", std::to_string(concurrency),
                        "--probe-addr", "127.0.0.1:0", "--log-level", "error"},
                       "/dev/null");
}

// Between a tenth and nine tenths of the stock: start and end are not counted.
double rate_of_runner(const Effort& effort, Server& server, int concurrency, std::int64_t jobs) {
  Producer producer(server);
  producer.stock(jobs);
  const test::Process runner = start_runner(effort, server, concurrency);
  const auto wait_for = [&](std::int64_t left) {
    std::int64_t waiting = left + 1;
    const bool reached = test::eventually(
        [&] {
          waiting = producer.waiting();
          return waiting <= left;
        },
        Millis{60000});
    if (!reached) throw std::runtime_error("the runner does not work its queue off");
    return waiting;
  };
  const std::int64_t first = wait_for(jobs - jobs / 10);
  const double start = seconds_now();
  const std::int64_t last = wait_for(jobs / 10);
  const double rate = static_cast<double>(first - last) / (seconds_now() - start);
  (void)wait_for(0);
  return rate;
}

}  // namespace

void measure_runner(const Effort& effort, Report& report) {
  if (effort.runner.empty()) {
    report.skip("runner", "workerpool-runner is not built");
    return;
  }
  Server server;
  Ceiling ceiling(server);
  for (const int concurrency : {32, 128}) {
    Figure figure{fmt::format("runner_{}", concurrency),
                  "jobs/s",
                  concurrency == 32 ? ">= 0.60 of the ceiling" : "",
                  {},
                  {}};
    for (int round = 0; round < effort.rounds; ++round) {
      figure.ours.push_back(rate_of_runner(effort, server, concurrency, effort.jobs));
      figure.ceiling.push_back(ceiling.step(32, effort.jobs / 32));
      ceiling.clear();
    }
    report.add(std::move(figure));
  }
}

void measure_idle(const Effort& effort, Report& report) {
  if (effort.runner.empty()) {
    report.skip("idle", "workerpool-runner is not built");
    return;
  }
  Server server;
  const test::Process runner = start_runner(effort, server, 8);
  // Idle means: blocked on the wake list, for the second time at least.
  const bool idle = test::eventually([&] {
    return server.execute({"CLIENT", "LIST"}).text().find("cmd=blpop") != std::string::npos;
  });
  if (!idle) throw std::runtime_error("the runner does not become idle");
  std::this_thread::sleep_for(Millis{2000});
  const Account before = server.account();
  std::this_thread::sleep_for(std::chrono::seconds{effort.idle_seconds});
  const Account spent = server.account().since(before);
  const double minutes = effort.idle_seconds / 60.0;
  Figure figure{"idle_worker",
                "commands/min",
                "<= 20",
                {static_cast<double>(spent.sent_calls) / minutes},
                {}};
  figure.details["redis.calls of its scripts"] = static_cast<double>(spent.inner_calls) / minutes;
  report.add(std::move(figure));
}

}  // namespace wp::bench
