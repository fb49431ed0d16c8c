// What a runner without work costs: memory, processor time, and commands that Redis has to answer.
#include <fmt/format.h>
#include <stdexcept>
#include <thread>

#include "bench/load.h"
#include "bench/measures.h"
#include "bench/resources.h"
#include "tests/support/process.h"
#include "tests/support/wait.h"

namespace wp::bench {
namespace {

struct Idle {
  Server server = {};
  std::unique_ptr<test::Process> runner = {};
  Account before = {};
  double cpu_before = 0;

  void begin(const Effort& effort, int slots) {
    runner = std::make_unique<test::Process>(
        runner_words(effort.runner, server,
                     {"--handler", "noop", "--concurrency", std::to_string(slots)}),
        "/dev/null");
    const bool idle = test::eventually([&] {
      return server.execute({"CLIENT", "LIST"}).text().find("cmd=blpop") != std::string::npos;
    });
    if (!idle) throw std::runtime_error("the runner does not become idle");
    std::this_thread::sleep_for(Millis{2000});  // the start is over
    before = server.account();
    cpu_before = cpu_ms(runner->pid());
  }
};

}  // namespace

void measure_idle(const Effort& effort, Report& report) {
  if (effort.runner.empty()) {
    report.skip("idle", "workerpool-runner is not built");
    return;
  }
  const double minutes = effort.idle_seconds / 60.0;
  Figure commands{"idle_worker", "commands/min", "<= 16", {}, {}};
  Figure cpu{"idle_cpu", "ms/min", "", {}, {}};
  for (const int slots : {1, 1000}) {
    Figure memory{fmt::format("idle_rss_{}", slots), "MiB", slots == 1 ? "<= 10" : "", {}, {}};
    Samples anonymous;
    for (int round = 0; round < effort.rounds; ++round) {
      Idle idle;
      idle.begin(effort, slots);
      if (slots == 1) {
        std::this_thread::sleep_for(std::chrono::seconds{effort.idle_seconds});
        const Account spent = idle.server.account().since(idle.before);
        commands.ours.push_back(static_cast<double>(spent.sent_calls) / minutes);
        commands.details["redis.calls of its scripts"] =
            static_cast<double>(spent.inner_calls) / minutes;
        cpu.ours.push_back((cpu_ms(idle.runner->pid()) - idle.cpu_before) / minutes);
      }
      const Memory used = memory_of(idle.runner->pid());
      memory.ours.push_back(used.resident);
      anonymous.push_back(used.anonymous);
    }
    memory.details["anonymous"] = median(anonymous);
    memory.details["file-backed"] = median(memory.ours) - median(anonymous);
    report.add(std::move(memory));
  }
  report.add(std::move(cpu));
  report.add(std::move(commands));
}

}  // namespace wp::bench
