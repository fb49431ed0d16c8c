// plan() in a simulated cluster, driven by chance: thousands of runs, each with its own faults.
// A run that fails names its seed; WORKERPOOL_MODEL_SEED=<seed> runs that one alone,
// WORKERPOOL_MODEL_RUNS=<n> so many, WORKERPOOL_MODEL_FIRST=<seed> from that one on.
#include <algorithm>
#include <cstdlib>
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <iostream>

#include "tests/operator/fleet/model_operator.h"

using namespace wp;
using namespace wp::fleet;
using namespace wp::fleet::model;

namespace {

struct Totals {
  int runs = 0;
  int lowered = 0;
  int deletions = 0;  // for our number
  int flapped = 0;    // busy, and not ready after everybody had them ready
  int aborted = 0;
  std::int64_t plans = 0;
};

constexpr int kMost = 8;

class Run {
 public:
  Run(std::uint64_t seed, Totals& totals, bool traced) : chance_(seed), totals_(totals) {
    cluster_.traced = traced;
  }

  std::vector<std::string> play();

 private:
  void set_the_stage();
  void step();
  void disturb();
  void look_at_deletions();
  void settle();

  Chance chance_;
  Totals& totals_;
  Cluster cluster_{chance_, 1 + chance_.below(kMost)};
  Workers workers_{chance_, cluster_};
  Operator operator_{chance_, cluster_, workers_};
  bool calm_ = false;
  bool nervous_ = false;
  bool aliens_ = false;
  bool rollouts_ = false;
  bool stalls_ = false;
  bool persons_ = false;
  Millis back_at_{0};  // the queue
  std::vector<std::string> wrong_;
};

void Run::set_the_stage() {
  nervous_ = chance_.one_in(4);
  if (chance_.one_in(3)) workers_.habits.flap_in = nervous_ ? 40 : 400;
  workers_.habits.stuck = chance_.one_in(5);
  workers_.habits.busy_percent = 5 + chance_.below(60);
  workers_.habits.slots = chance_.one_in(3) ? 3 : 1;
  workers_.habits.longest_job = chance_.one_in(3) ? 40000 : 4000;
  aliens_ = chance_.one_in(4);
  rollouts_ = chance_.one_in(4);
  stalls_ = chance_.one_in(3);
  persons_ = chance_.one_in(5);
  if (chance_.one_in(2)) {
    operator_.faults.fail_in = nervous_ ? 4 : 8;
    operator_.faults.lose_in = nervous_ ? 3 : 6;
  }
  if (chance_.one_in(2)) operator_.faults.crash_in = 30;
  if (chance_.one_in(5)) operator_.max_jobs = 4 + chance_.below(20);
  if (chance_.one_in(8)) operator_.status_tells = false;
  const int lags[] = {0, 0, 300, 2000, 6000};
  cluster_.picker_pods.lag = Millis{lags[chance_.below(5)]};
  // Without the status nothing but the time that is waited protects.
  if (!operator_.status_tells) {
    cluster_.picker_pods.lag = std::min(cluster_.picker_pods.lag, Millis{300});
  }
  if (nervous_) operator_.faults.watch_lag = chance_.between(0, 1200);
  operator_.desired = cluster_.deployment.replicas;
}

void Run::step() {
  const Millis now = cluster_.now + chance_.between(20, calm_ ? 800 : 600);
  if (!calm_) disturb();
  cluster_.advance(now);
  look_at_deletions();
  workers_.advance(now);
  operator_.advance(now);
}

void Run::disturb() {
  if (chance_.one_in(nervous_ ? 8 : 30)) operator_.desired = chance_.below(kMost + 1);
  if (chance_.one_in(300)) operator_.may_shrink = !operator_.may_shrink;
  if (stalls_ && chance_.one_in(50)) {
    const int lags[] = {0, 300, 2000, 12000};
    if (operator_.status_tells) cluster_.picker_pods.lag = Millis{lags[chance_.below(4)]};
    cluster_.picker_sets.lag = chance_.between(0, 500);
    operator_.faults.watch_lag = chance_.between(0, 1200);
    if (operator_.status_tells) cluster_.stopped = chance_.one_in(6);
  }
  if (workers_.away) {
    if (cluster_.now < back_at_) return;
    workers_.away = false;
    cluster_.trace("the queue is back");
  } else if (stalls_ && chance_.one_in(150)) {
    workers_.away = true;
    cluster_.trace("the queue is away");
    back_at_ = cluster_.now + chance_.between(500, 90000);
  }
  if (stalls_ && chance_.one_in(150)) {
    workers_.clock_step += chance_.between(-30000, 15000);
    cluster_.trace(fmt::format("the queue's clock: {}", workers_.clock_step.count()));
  }
  if (rollouts_ && chance_.one_in(120)) cluster_.roll_out();
  if (aliens_ && chance_.one_in(60)) {
    cluster_.scale(chance_.below(kMost + 2), cluster_.deployment.version, Cause::alien, 0);
  }
  if (cluster_.pods.empty()) return;
  auto any = cluster_.pods.begin();
  std::advance(any, chance_.below(static_cast<int>(cluster_.pods.size())));
  Pod& pod = any->second;
  if (aliens_ && chance_.one_in(80) && !pod.terminating) {
    workers_.deleted_for[pod.uid] = Cause::alien;
    pod.terminating = true;
    cluster_.changed(pod);
  }
  if (aliens_ && chance_.one_in(100) && !pod.marked && !pod.terminating) {
    pod.cost = chance_.one_in(2) ? -2147483647 - 1 : -100;
    cluster_.changed(pod);
  }
  if (persons_ && chance_.one_in(60)) {
    if (chance_.one_in(2)) {
      workers_.retire({pod.uid}, queue::RetiredBy::person);
    } else if (!pod.marked) {
      workers_.unretire({pod.uid}, queue::RetiredBy::person);
    }
  }
}

void Run::look_at_deletions() {
  for (const Cluster::Deletion& one : cluster_.deletions) {
    if (one.cause != Cause::ours) continue;
    ++totals_.deletions;
    if (one.flapped) {
      totals_.flapped += workers_.held(one.uid) > 0 ? 1 : 0;
      continue;
    }
    workers_.deleted_for[one.uid] = one.cause;
    if (workers_.held(one.uid) > 0) {
      wrong_.push_back("a busy worker was deleted for our number: " + one.uid);
    }
  }
  cluster_.deletions.clear();
}

// Demand stands still and the faults stop: everything has to come to rest, as it should be.
void Run::settle() {
  calm_ = true;
  workers_.habits.flap_in = 0;
  workers_.habits.stuck = false;
  workers_.habits.longest_job = 3000;
  workers_.habits.busy_percent = std::min(workers_.habits.busy_percent, 40);
  workers_.away = false;
  cluster_.stopped = false;
  operator_.faults = {};
  operator_.may_shrink = true;
  operator_.max_jobs = 0;
  cluster_.picker_pods.lag = cluster_.picker_sets.lag = Millis{100};
  const auto active = [this] {
    return std::count_if(cluster_.pods.begin(), cluster_.pods.end(),
                         [](const auto& one) { return !one.second.terminating; });
  };
  const auto at_rest = [&] {
    const bool marks = std::any_of(cluster_.pods.begin(), cluster_.pods.end(), [](const auto& one) {
      return one.second.marked && !one.second.terminating;
    });
    return active() == operator_.desired && cluster_.deployment.replicas == operator_.desired &&
           !marks && workers_.retired_by_us() == 0;
  };
  // As long as the longest pause after marks that were given up.
  const Millis patience = cluster_.now + Millis{1300000};
  while (cluster_.now < patience && wrong_.empty() && operator_.wrong.empty()) {
    step();
    if (at_rest() && cluster_.now - operator_.last_write > Millis{60000}) break;
  }
  if (!wrong_.empty() || !operator_.wrong.empty()) return;
  if (!at_rest()) {
    wrong_.push_back(fmt::format("not at rest: {} of {} wanted are there, {} asked for, {} retired",
                                 active(), operator_.desired, cluster_.deployment.replicas,
                                 workers_.retired_by_us()));
  } else if (cluster_.now - operator_.last_write <= Millis{60000}) {
    wrong_.push_back("writes without an end");
  }
}

std::vector<std::string> Run::play() {
  set_the_stage();
  const int steps = 150 + chance_.below(350);
  for (int i = 0; i < steps && wrong_.empty() && operator_.wrong.empty(); ++i) step();
  if (wrong_.empty() && operator_.wrong.empty()) settle();
  wrong_.insert(wrong_.end(), operator_.wrong.begin(), operator_.wrong.end());
  if (workers_.claims_after_deletion > 0) {
    wrong_.push_back("a worker claimed a job though its pod was deleted for our number");
  }
  ++totals_.runs;
  totals_.lowered += operator_.lowered;
  totals_.plans += operator_.plans;
  totals_.aborted += operator_.aborted;
  return wrong_;
}

int from_environment(const char* name, int fallback) {
  const char* text = std::getenv(name);
  return text == nullptr ? fallback : std::atoi(text);
}

}  // namespace

TEST_CASE("by chance: no job is interrupted, and everything comes to rest") {
  const int only = from_environment("WORKERPOOL_MODEL_SEED", -1);
  const int runs = only >= 0 ? 1 : from_environment("WORKERPOOL_MODEL_RUNS", 1500);
  const int first = only >= 0 ? only : from_environment("WORKERPOOL_MODEL_FIRST", 0);
  Totals totals;
  int failed = 0;
  for (int i = 0; i < runs && failed < 5; ++i) {
    const int seed = first + i;
    const std::vector<std::string> wrong =
        Run(static_cast<std::uint64_t>(seed), totals, only >= 0).play();
    if (wrong.empty()) continue;
    ++failed;
    FAIL_CHECK("seed " << seed << ": " << fmt::format("{}", fmt::join(wrong, "; ")));
  }
  std::cout << fmt::format(
      "{} runs, {} plans, {} lowerings, {} pods deleted for them, none with a job but {} that "
      "became not ready meanwhile; {} aborted\n",
      totals.runs, totals.plans, totals.lowered, totals.deletions, totals.flapped, totals.aborted);
}
