// The runner's rate under load, handler by handler: one row of a table each.
#include <array>
#include <cstdio>
#include <fmt/format.h>
#include <functional>
#include <memory>
#include <stdexcept>

#include "bench/bare.h"
#include "bench/ceiling.h"
#include "bench/http_echo.h"
#include "bench/load.h"
#include "bench/measures.h"
#include "bench/resources.h"
#include "tests/support/process.h"
#include "tests/support/wait.h"

namespace wp::bench {
namespace {

struct Row {
  std::string name;
  std::string handler;               // its kind: left out while the runner does not know it
  std::vector<std::string> options;  // behind --handler and --concurrency
  int concurrency;
  std::int64_t divisor;  // of the jobs of a round: processes take longer than nothing
  std::string goal;
  std::function<double(std::int64_t jobs)> ceiling;
  std::string also_name = {};  // a second bare loop, as a detail
  std::function<double(std::int64_t jobs)> also = nullptr;
};

struct Rate {
  double jobs_per_second = 0;
  double cpu_us = 0;  // of the runner and its handlers, per job
};

// Between a tenth and nine tenths of the stock: start and end are not counted.
Rate rate_of_runner(const Effort& effort, Server& server, const Row& row, std::int64_t jobs) {
  Producer producer(server);
  producer.stock(jobs);
  std::vector<std::string> options = {"--handler", row.handler, "--concurrency",
                                      std::to_string(row.concurrency)};
  options.insert(options.end(), row.options.begin(), row.options.end());
  const test::Process runner(runner_words(effort.runner, server, options), "/dev/null");
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
  const double cpu_before = cpu_ms(runner.pid());
  const std::int64_t last = wait_for(jobs / 10);
  const double cpu = cpu_ms(runner.pid()) - cpu_before;
  const auto done = static_cast<double>(first - last);
  const Rate rate{done / (seconds_now() - start), cpu * 1000 / done};
  (void)wait_for(0);
  return rate;
}

std::string help_of(const std::string& program) {
  const std::unique_ptr<FILE, int (*)(FILE*)> out(popen((program + " --help").c_str(), "r"),
                                                  pclose);
  std::string text;
  std::array<char, 4096> chunk;
  while (const std::size_t n = std::fread(chunk.data(), 1, chunk.size(), out.get())) {
    text.append(chunk.data(), n);
  }
  return text;
}

// What the help says of --handler: its kinds.
bool knows(const std::string& help, const std::string& handler) {
  const std::size_t at = help.find("--handler KIND");
  return at != std::string::npos &&
         help.substr(at, help.find("\n  --", at) - at).find(handler) != std::string::npos;
}

void measure_row(const Effort& effort, Report& report, Server& server, const Row& row) {
  Figure figure{row.name, "jobs/s", row.goal, {}, {}};
  const std::int64_t jobs = effort.jobs / row.divisor;
  Samples cpu;
  Samples also;
  for (int round = 0; round < effort.rounds; ++round) {
    const Rate rate = rate_of_runner(effort, server, row, jobs);
    figure.ours.push_back(rate.jobs_per_second);
    cpu.push_back(rate.cpu_us);
    figure.ceiling.push_back(row.ceiling(jobs));
    if (row.also) also.push_back(row.also(jobs));
  }
  figure.details["us per job"] = 1e6 / median(figure.ours);
  figure.details["cpu us per job"] = median(cpu);
  if (row.also) figure.details[row.also_name] = median(also);
  report.add(std::move(figure));
}

}  // namespace

void measure_throughput(const Effort& effort, Report& report) {
  if (effort.runner.empty()) {
    report.skip("throughput", "workerpool-runner is not built");
    return;
  }
  Server server;
  Ceiling ceiling(server);
  const HttpEcho http;
  const auto step = [&](std::int64_t jobs) {
    const double rate = ceiling.step(32, jobs / 32);
    ceiling.clear();
    return rate;
  };
  const auto spawns = [](int in_flight) {
    return [in_flight](std::int64_t jobs) { return spawn_rate("/bin/true", jobs, in_flight); };
  };
  const std::array<Row, 5> rows = {{
      {"runner_32", "noop", {}, 32, 1, ">= 0.60 of the ceiling", step},
      {"runner_128", "noop", {}, 128, 1, "", step},
      {"runner_exec_8",
       "exec",
       {"--", "/bin/true"},
       8,
       20,
       ">= 0.80 of a bare loop that spawns and reaps",
       spawns(1),
       "bare loop with 8 in flight",
       spawns(8)},
      {"runner_stdio_8",
       "stdio",
       {"--", "python3", WP_BENCH_STDIO_ECHO},
       8,
       4,
       "",
       [](std::int64_t jobs) { return line_rate(WP_BENCH_STDIO_ECHO, jobs); }},
      {"runner_http_8",
       "http",
       {"--http-url", http.url()},
       8,
       4,
       "",
       [&http](std::int64_t jobs) { return http.post_rate(jobs); }},
  }};
  const std::string help = help_of(effort.runner);
  for (const Row& row : rows) {
    if (knows(help, row.handler)) {
      measure_row(effort, report, server, row);
    } else {
      report.skip(row.name, "this runner has no handler " + row.handler);
    }
  }
}

}  // namespace wp::bench
