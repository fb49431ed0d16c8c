// bench/local-load: the policies side by side on the real local mode, with the same recorded load,
// and beside each what the simulator says of the same load, the same numbers and the start time
// that was measured: a busy machine starts processes late. Measurements, not tests. The load is
// played faster than it was recorded, and the pool's times with it; the operator's own (a look per
// second, the estimators' memories) stay what they are.
#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <iostream>

#include "base/options.h"
#include "base/stop_signals.h"
#include "bench/local_load.h"
#include "ctl/output/table.h"
#include "ctl/simulate/compare.h"

namespace {

using namespace wp;
using namespace wp::bench;
using ctl::Align;

struct Setup {
  std::string file;
  std::int64_t factor = 5;
  Millis until{900000};  // of the record
  std::int64_t max = 60;
  std::vector<std::string> policies = {"LookAhead", "SlotPerJob", "Threshold"};
  std::string folder;  // of the programs
};

scaling::Policy policy_of(const std::string& name) {
  if (name == "LookAhead") return scaling::Policy::look_ahead;
  if (name == "SlotPerJob") return scaling::Policy::slot_per_job;
  if (name == "Threshold") return scaling::Policy::threshold;
  if (name == "TargetDepth") return scaling::Policy::target_depth;
  throw UsageError(fmt::format(
      "policy: \"{}\" is not allowed: LookAhead, SlotPerJob, Threshold, TargetDepth", name));
}

simulate::Load faster(simulate::Load load, const Setup& setup) {
  std::erase_if(load.jobs, [&](const simulate::Job& job) { return job.arrival >= setup.until; });
  if (load.jobs.empty()) throw UsageError("until: no job arrives so early");
  for (simulate::Job& job : load.jobs) {
    job.arrival /= setup.factor;
    job.service = std::max(simulate::Micros{1000}, job.service / setup.factor);
  }
  return load;
}

// A pool's usual numbers, as much faster as the load.
scaling::Params params_of(const Setup& setup, scaling::Policy policy) {
  scaling::Params params;
  params.policy = policy;
  params.max_replicas = static_cast<int>(setup.max);
  params.scale_down_window = Millis{15000} / setup.factor;
  params.scale_to_zero_after /= setup.factor;
  params.up_period = std::max(Millis{1000}, params.up_period / setup.factor);
  params.look_ahead.target_wait /= setup.factor;
  params.look_ahead.expected_duration /= setup.factor;
  params.threshold.cooldown /= setup.factor;
  return params;
}

std::vector<std::string> cells(const std::string& name, const std::string& where,
                               const simulate::Figures& f, const std::string& operations,
                               double start, int repeated) {
  return {name,
          where,
          fmt::format("{:.0f}", f.worker_seconds),
          fmt::format("{:.2f}", f.cost),
          fmt::format("{:.2f}", f.mean_wait),
          fmt::format("{:.2f}", f.p50),
          fmt::format("{:.2f}", f.p95),
          fmt::format("{:.2f}", f.p99),
          fmt::format("{:.2f}", f.longest),
          fmt::format("{:.0f}", f.started),
          fmt::format("{:.0f}", f.peak),
          operations,
          fmt::format("{:.2f}", start),
          std::to_string(repeated)};
}

simulate::Figures figures_of(const LocalOutcome& outcome, const simulate::Outcome& oracle) {
  simulate::Figures f;
  f.worker_seconds = outcome.worker_seconds;
  f.cost = f.worker_seconds / simulate::to_seconds(oracle.worker_time);
  for (const simulate::Micros wait : outcome.waits) f.mean_wait += simulate::to_seconds(wait);
  f.mean_wait /= static_cast<double>(std::max<std::size_t>(1, outcome.waits.size()));
  f.p50 = simulate::to_seconds(simulate::percentile(outcome.waits, 50));
  f.p95 = simulate::to_seconds(simulate::percentile(outcome.waits, 95));
  f.p99 = simulate::to_seconds(simulate::percentile(outcome.waits, 99));
  f.longest = simulate::to_seconds(simulate::percentile(outcome.waits, 100));
  f.started = outcome.started;
  f.peak = outcome.peak;
  return f;
}

int play_all(const Setup& setup) {
  const simulate::Load load = faster(simulate::read_load(setup.file), setup);
  const Millis pod_start = Millis{5000} / setup.factor;
  simulate::Surroundings around;
  around.start_random = simulate::Micros{0};
  around.tail = simulate::Micros{900'000'000} / setup.factor;
  std::cout << fmt::format(
      "{}: {} jobs in {:.0f} s, {:.2f} s each on average ({} times as fast as recorded)\n",
      load.name, load.jobs.size(), simulate::to_seconds(load.last_arrival()),
      simulate::to_seconds(load.total_service()) / static_cast<double>(load.jobs.size()),
      setup.factor);
  std::vector<ctl::Column> columns = {{"POLICY"}, {"WHERE"}};
  for (const char* title : {"WORKER-S", "COST", "WAIT", "P50", "P95", "P99", "MAX", "STARTED",
                            "PEAK", "CHANGES", "START", "REPEATED"}) {
    columns.push_back({title, Align::right});
  }
  ctl::Table table(std::move(columns));
  int unfinished = 0;
  for (const std::string& name : setup.policies) {
    const scaling::Params params = params_of(setup, policy_of(name));
    std::cout << fmt::format("playing {} ...\n", name) << std::flush;
    const LocalOutcome real =
        play_locally(load, {setup.folder + "/workerpool-operator",
                            setup.folder + "/workerpool-runner", params, pod_start});
    around.start_fixed = simulate::from_seconds(real.start);
    const simulate::Comparison said = simulate::compare(load, {{name, params, false}}, around, 1);
    const simulate::Figures& simulated = said.results[0].figures;
    table.row(cells(name, "local", figures_of(real, said.oracle.outcome),
                    std::to_string(real.scale_operations), real.start, real.repeated));
    table.row(cells(name, "simulated", simulated, fmt::format("{:.0f}", simulated.operations),
                    real.start, 0));
    unfinished += real.unfinished;
  }
  std::cout << "\n" << table.text();
  if (unfinished > 0) std::cout << fmt::format("{} jobs did not complete\n", unfinished);
  return unfinished > 0 ? 1 : 0;
}

int run(int argc, char** argv) {
  Setup setup;
  setup.folder =
      (std::filesystem::read_symlink("/proc/self/exe").parent_path().parent_path() / "bin")
          .string();
  Options options("local-load", "Plays a recorded load on the real local mode, policy by policy.");
  options.positional("FILE", "lines of arrival_s,service_s", setup.file, true);
  options.integer({.name = "factor", .help = "so many times as fast"}, setup.factor, {1, 100});
  options.duration({.name = "until", .help = "jobs that were recorded before this"}, setup.until,
                   {1000, std::int64_t{31} * 86400000});
  options.integer({.name = "max", .help = "workers at most"}, setup.max, {1, 1000});
  options.list({.name = "policy", .help = "one of several"}, setup.policies);
  options.text({.name = "bin", .env = "WORKERPOOL_BIN", .help = "where the programs are"},
               setup.folder);
  options.epilog(
      "Needs redis-server. Takes (until / factor) and half a minute for each policy: 11 minutes.\n"
      "WAIT and the like are seconds as played; COST is a multiple of the oracle's. START: how "
      "long a\n"
      "worker's process is not registered, as measured, which the simulator takes for the start.\n"
      "\n"
      "Example:\n"
      "  bench/local-load tests/ctl/simulate/loads/onoff-10s.csv");
  if (options.parse(argc, argv) == Parsed::exit) return 0;
  return play_all(setup);
}

}  // namespace

int main(int argc, char** argv) {
  ignore_sigpipe();
  return run_program("local-load", [&] { return run(argc, argv); });
}
