// Our simulator and our policies against the table that came with the recorded loads, made by
// somebody else's simulator. The table had no limit to scaling up and a window of 15 s; where that
// matters the runs here have the same. Every figure is the mean of five seeds of start delays.
#include <cmath>
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <map>

#include "tests/ctl/simulate/support.h"

using namespace wp;
using namespace wp::simulate;

namespace {

struct Row {
  double cost, sojourn, p95, p99, started;
};
using Table = std::map<std::string, Row>;

constexpr int kRuns = 5;

const Table kSlotPerJob = {
    {"steady-10s", {1.26, 1.03, 1.8, 2.9, 558}},  {"spike-10s", {1.95, 1.17, 4.9, 6.5, 369}},
    {"diurnal-10s", {1.25, 1.03, 1.6, 3.0, 544}}, {"onoff-10s", {1.34, 1.06, 4.0, 5.3, 651}},
    {"heavy-10s", {1.19, 1.02, 1.5, 3.1, 545}},   {"spike-60s", {1.24, 1.05, 8.1, 12.3, 228}}};
const Table kLookAhead = {
    {"steady-10s", {1.25, 1.02, 1.6, 3.0, 333}},  {"spike-10s", {2.04, 1.15, 5.0, 5.5, 308}},
    {"diurnal-10s", {1.24, 1.02, 1.5, 3.0, 352}}, {"onoff-10s", {1.32, 1.10, 4.5, 5.4, 555}},
    {"heavy-10s", {1.18, 1.03, 2.0, 3.9, 321}},   {"spike-60s", {1.52, 1.02, 4.9, 6.1, 292}}};
const Table kHpaLike = {
    {"steady-10s", {1.82, 1.10, 1.4, 42.7, 104}}, {"spike-10s", {4.56, 1.97, 43.5, 47.7, 87}},
    {"diurnal-10s", {1.51, 1.01, 0.6, 2.7, 55}},  {"onoff-10s", {4.05, 1.48, 47.5, 64.4, 185}},
    {"heavy-10s", {1.67, 1.12, 1.7, 47.6, 88}},   {"spike-60s", {2.58, 1.13, 42.5, 44.0, 77}}};
const Table kThreshold = {
    {"steady-10s", {1.49, 1.32, 17.5, 32.1, 71}},  {"spike-10s", {9.51, 1.37, 16.7, 36.2, 64}},
    {"diurnal-10s", {1.43, 1.66, 20.6, 27.7, 57}}, {"onoff-10s", {5.99, 1.19, 14.4, 48.8, 100}},
    {"heavy-10s", {1.87, 1.55, 17.0, 29.7, 232}},  {"spike-60s", {2.00, 3.07, 175.3, 555.7, 235}}};

scaling::Params as_in_the_table(scaling::Policy policy) {
  scaling::Params params = params_of(policy);
  params.scale_down_window = Millis{15000};
  params.up_workers = 1000;
  return params;
}

Figures run(const std::string& name, const Candidate& candidate) {
  return compare(recorded(name), {candidate}, {}, kRuns).results[0].figures;
}

std::string beside(const std::string& policy, const std::string& name, const Figures& f,
                   const Row& row) {
  return fmt::format(
      "{:<10} {:<11} cost {:.2f} of {:.2f}, sojourn {:.2f} of {:.2f}, p95 {:.1f} of {:.1f}, p99 "
      "{:.1f} of {:.1f}, started {:.0f} of {:.0f}",
      policy, name, f.cost, row.cost, f.sojourn, row.sojourn, f.p95, row.p95, f.p99, row.p99,
      f.started, row.started);
}

void check_near(double value, double expected, double share, double seconds = 0) {
  CHECK(std::abs(value - expected) <= std::max(share * expected, seconds));
}

// The table's Threshold, found by trying what reproduces it: a jump up, and down by one worker, be
// it busy or not, each at most once a minute. No window.
class OneDownAMinute : public Sizer {
 public:
  int size(const scaling::Snapshot& snapshot) override {
    const auto waiting = static_cast<double>(snapshot.demand->waiting);
    const int workers = snapshot.current;
    int size = workers;
    if (waiting > 2.0 * workers) {
      size = static_cast<int>(std::ceil(waiting / 2.0));
    } else if (waiting < 0.5 * workers) {
      size = workers - 1;
    }
    if (size == workers || (last_ && snapshot.now - *last_ < Millis{60000})) return workers;
    last_ = snapshot.now;
    return std::min(size, 100);
  }
  void grown(Millis, int) override {}

 private:
  std::optional<Millis> last_;
};

}  // namespace

TEST_CASE("LookAhead and SlotPerJob, as the operator runs them by default: within 10 %") {
  for (const auto& [policy, name, table] :
       {std::tuple{scaling::Policy::slot_per_job, "SlotPerJob", kSlotPerJob},
        {scaling::Policy::look_ahead, "LookAhead", kLookAhead}}) {
    for (const std::string& load : recorded_names()) {
      const Figures f = run(load, {name, params_of(policy), false});
      const Row& row = table.at(load);
      MESSAGE(beside(name, load, f, row));
      check_near(f.cost, row.cost, 0.1);
      check_near(f.sojourn, row.sojourn, 0.1);
    }
  }
}

TEST_CASE("with the table's window and without a limit to growth, waits and starts, too") {
  for (const auto& [policy, name, table] :
       {std::tuple{scaling::Policy::slot_per_job, "SlotPerJob", kSlotPerJob},
        {scaling::Policy::look_ahead, "LookAhead", kLookAhead}}) {
    for (const std::string& load : recorded_names()) {
      const Figures f = run(load, {name, as_in_the_table(policy), false});
      const Row& row = table.at(load);
      const std::string line = beside(name, load, f, row);
      CAPTURE(line);
      check_near(f.cost, row.cost, 0.05);
      check_near(f.sojourn, row.sojourn, 0.02);
      check_near(f.p95, row.p95, 0.1);
      check_near(f.p99, row.p99, 0.1);
      check_near(f.started, row.started, 0.1);
    }
  }
}

TEST_CASE("the HPA-like one: cost and sojourn within 10 %") {
  for (const std::string& load : recorded_names()) {
    const Figures f = run(load, {"HPA-like", params_of(scaling::Policy::slot_per_job), true});
    const Row& row = kHpaLike.at(load);
    const std::string line = beside("HPA-like", load, f, row);
    CAPTURE(line);
    check_near(f.cost, row.cost, 0.1);
    check_near(f.sojourn, row.sojourn, 0.1);
    check_near(f.p95, row.p95, 0.1, 1.2);
  }
}

TEST_CASE("the table's Threshold goes down by one worker a minute; with that rule it is ours") {
  // Not on the two loads whose jobs may run for many minutes: what the table's simulator did with a
  // busy worker that it sent away cannot be told from its figures.
  for (const char* load : {"steady-10s", "spike-10s", "diurnal-10s", "onoff-10s"}) {
    std::vector<Figures> runs;
    const Load jobs = recorded(load);
    for (std::uint64_t seed = 1; seed <= kRuns; ++seed) {
      Surroundings around;
      around.seed = seed;
      OneDownAMinute sizer;
      runs.push_back(figures_of(jobs, play(jobs, sizer, around), play_oracle(jobs, around)));
    }
    const Figures f = mean_of(runs);
    const std::string line = beside("one down", load, f, kThreshold.at(load));
    CAPTURE(line);
    check_near(f.cost, kThreshold.at(load).cost, 0.1);
    check_near(f.sojourn, kThreshold.at(load).sojourn, 0.1);
  }
}

TEST_CASE("our Threshold, which jumps down as its golden vectors say, is nowhere dearer") {
  for (const std::string& load : recorded_names()) {
    const Figures f = run(load, {"Threshold", params_of(scaling::Policy::threshold), false});
    const Row& row = kThreshold.at(load);
    MESSAGE(beside("Threshold", load, f, row));
    CHECK(f.cost <= row.cost);
  }
}
