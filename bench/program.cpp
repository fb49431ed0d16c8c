#include "bench/program.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <stdexcept>

#include <nlohmann/json.hpp>

#include "base/options.h"
#include "bench/server.h"

namespace wp::bench {
namespace {

std::string find_program(const std::string& name, const std::string& asked) {
  if (!asked.empty()) return asked;
  const char* folder = std::getenv("WORKERPOOL_BIN");
  const std::filesystem::path bin =
      folder != nullptr
          ? std::filesystem::path(folder)
          : std::filesystem::read_symlink("/proc/self/exe").parent_path().parent_path() / "bin";
  const std::filesystem::path program = bin / name;
  return std::filesystem::exists(program) ? program.string() : "";
}

int run(int argc, char** argv, const Suite& suite) {
  Effort effort = suite.effort;
  std::string json_file, runner, operator_program, before, after;
  std::int64_t rounds = effort.rounds, jobs = effort.jobs, depth = effort.depth;
  std::int64_t tries = effort.tries, workers = effort.workers, idle_seconds = effort.idle_seconds;
  std::int64_t pools = effort.pools;
  Options options(suite.name, suite.about);
  options.text({.name = "json", .help = "write all figures to a file", .placeholder = "FILE"},
               json_file);
  options.integer({.name = "rounds", .help = "repetitions of each side"}, rounds, {1, 100});
  options.integer({.name = "jobs", .help = "jobs of a round"}, jobs, {1000, 10000000});
  options.integer({.name = "depth", .help = "the deepest queue"}, depth, {1000, 10000000});
  options.integer({.name = "tries", .help = "enqueues of pickup and of reaction"}, tries,
                  {10, 1000000});
  options.integer({.name = "workers", .help = "runners of pickup's large pool"}, workers,
                  {1, 1000});
  options.integer({.name = "pools", .help = "of one operator"}, pools, {1, 10000});
  options.integer({.name = "idle-seconds", .help = "how long idle counts"}, idle_seconds,
                  {10, 3600});
  options.text({.name = "runner", .help = "the program workerpool-runner"}, runner);
  options.text({.name = "operator", .help = "the program workerpool-operator"}, operator_program);
  options.command("all", "all of them, some minutes");
  for (const Measure& measure : suite.measures) options.command(measure.name, measure.about);
  options.command("compare", "two files of --json: how each figure changed")
      .positional("before", "an older file", before, true)
      .positional("after", "a newer file", after, true);
  options.epilog(suite.epilog);
  if (options.parse(argc, argv) == Parsed::exit) return 0;

  if (options.chosen() == "compare") {
    compare(before, after, std::cout);
    return 0;
  }
  effort.rounds = static_cast<int>(rounds);
  effort.jobs = jobs;
  effort.depth = depth;
  effort.tries = static_cast<int>(tries);
  effort.workers = static_cast<int>(workers);
  effort.idle_seconds = static_cast<int>(idle_seconds);
  effort.pools = static_cast<int>(pools);
  effort.runner = find_program("workerpool-runner", runner);
  effort.operator_program = find_program("workerpool-operator", operator_program);
  Report report(std::cout);
  const bool all = options.chosen() == "all";
  for (const Measure& measure : suite.measures) {
    if (!all && options.chosen() != measure.name) continue;
    std::cout << measure.name << ": " << measure.about << std::endl;
    measure.run(effort, report);
  }
  report.print();
  if (!json_file.empty()) {
    std::ofstream file(json_file);
    file << report.to_json(Server().version()).dump(2) << "\n";
    if (!file.flush()) throw std::runtime_error("cannot write " + json_file);
  }
  return 0;
}

}  // namespace

int bench_program(int argc, char** argv, const Suite& suite) {
  return run_program(suite.name, [&] { return run(argc, argv, suite); });
}

}  // namespace wp::bench
