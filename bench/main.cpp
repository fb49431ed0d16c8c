// bench/queue: measures the queue beside what the same Redis can do, in the same run.
// Measurements, not tests: nothing fails because a machine was slow.
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <iostream>
#include <memory>
#include <stdexcept>

#include <nlohmann/json.hpp>

#include "base/options.h"
#include "bench/measures.h"
#include "bench/server.h"

namespace {

using namespace wp;
using namespace wp::bench;

constexpr const char* kEpilog =
    "Each measurement starts its own redis-server on a unix socket, without persistence, and\n"
    "needs redis-server and redis-benchmark (apt-get install redis-server redis-tools).\n"
    "The ceiling is a script with the same vector calls on the same data and no decisions,\n"
    "called by 8 clients of redis-benchmark: bench/ceiling.h says what it does and why it is\n"
    "fair. Ours and ceiling run in turns; a ratio is the median of the rounds' ratios, the\n"
    "range beside ours is that of the rounds. On a busy machine trust the ratios only.\n"
    "runner, idle and pickup need the program workerpool-runner: --runner, else beside\n"
    "$WORKERPOOL_BIN, else ../bin of this program.\n"
    "\n"
    "Examples:\n"
    "  bench/queue step --rounds 7\n"
    "  bench/queue all --json before.json\n"
    "  bench/queue compare before.json after.json";

struct Measure {
  const char* name;
  const char* about;
  void (*run)(const Effort&, Report&);
};

constexpr std::array<Measure, 7> kMeasures = {{
    {"step", "jobs/s of one worker at batches of 1, 8, 32, 128; redis.calls and bytes of a job",
     measure_step},
    {"workers", "jobs/s of 1, 4, 16 workers at batch 32", measure_workers},
    {"enqueue", "jobs/s of bulk enqueues", measure_enqueue},
    {"runner", "jobs/s of the runner program at concurrency 32 and 128", measure_runner},
    {"pickup", "ms from an enqueue on an idle queue to its claim", measure_pickup},
    {"depth", "time of a job with 100, 10,000, a million waiting; memory of a waiting job",
     measure_depth},
    {"idle", "commands a minute of a runner without work", measure_idle},
}};

std::string find_runner(const std::string& asked) {
  if (!asked.empty()) return asked;
  const char* folder = std::getenv("WORKERPOOL_BIN");
  const std::filesystem::path bin =
      folder != nullptr
          ? std::filesystem::path(folder)
          : std::filesystem::read_symlink("/proc/self/exe").parent_path().parent_path() / "bin";
  const std::filesystem::path program = bin / "workerpool-runner";
  return std::filesystem::exists(program) ? program.string() : "";
}

// The idle minute passes while the others are measured: it costs nothing, having its own Redis.
void measure_all(const Effort& effort, Report& report, std::ostream& out) {
  auto idle = std::async(std::launch::async, [&effort] {
    std::ostream silent(nullptr);
    auto figures = std::make_unique<Report>(silent);
    measure_idle(effort, *figures);
    return figures;
  });
  for (const Measure& measure : kMeasures) {
    if (measure.run == measure_idle) continue;
    out << measure.name << ": " << measure.about << std::endl;
    measure.run(effort, report);
  }
  report.take(*idle.get());
}

int run(int argc, char** argv) {
  Effort effort;
  std::string json_file, runner, before, after;
  std::int64_t rounds = effort.rounds, jobs = effort.jobs, depth = effort.depth;
  std::int64_t tries = effort.tries, idle_seconds = effort.idle_seconds;
  Options options("queue", "Measures the queue beside the ceiling of this machine's Redis.");
  options.text({.name = "json", .help = "write all figures to a file", .placeholder = "FILE"},
               json_file);
  options.integer({.name = "rounds", .help = "repetitions of each side"}, rounds, {1, 100});
  options.integer({.name = "jobs", .help = "jobs of a round"}, jobs, {1000, 10000000});
  options.integer({.name = "depth", .help = "the deepest queue"}, depth, {1000, 10000000});
  options.integer({.name = "tries", .help = "enqueues of pickup"}, tries, {10, 1000000});
  options.integer({.name = "idle-seconds", .help = "how long idle counts"}, idle_seconds,
                  {10, 3600});
  options.text({.name = "runner", .help = "the program workerpool-runner"}, runner);
  options.command("all", "all of them, a minute or three");
  for (const Measure& measure : kMeasures) options.command(measure.name, measure.about);
  options.command("compare", "two files of --json: how each figure changed")
      .positional("before", "an older file", before, true)
      .positional("after", "a newer file", after, true);
  options.epilog(kEpilog);
  if (options.parse(argc, argv) == Parsed::exit) return 0;

  if (options.chosen() == "compare") {
    compare(before, after, std::cout);
    return 0;
  }
  effort.rounds = static_cast<int>(rounds);
  effort.jobs = jobs;
  effort.depth = depth;
  effort.tries = static_cast<int>(tries);
  effort.idle_seconds = static_cast<int>(idle_seconds);
  effort.runner = find_runner(runner);
  Report report(std::cout);
  for (const Measure& measure : kMeasures) {
    if (options.chosen() == measure.name) measure.run(effort, report);
  }
  if (options.chosen() == "all") measure_all(effort, report, std::cout);
  report.print();
  if (!json_file.empty()) {
    std::ofstream file(json_file);
    file << report.to_json(Server().version()).dump(2) << "\n";
    if (!file.flush()) throw std::runtime_error("cannot write " + json_file);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  return run_program("queue", [&] { return run(argc, argv); });
}
