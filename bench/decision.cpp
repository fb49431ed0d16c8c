// What a decision costs: scaling::decide() is pure, so this is all that the formula takes of a
// reconcile.
#include <array>
#include <fmt/format.h>
#include <stdexcept>
#include <string_view>
#include <vector>

#include "bench/allocations.h"
#include "bench/load.h"
#include "bench/measures.h"
#include "bench/resources.h"
#include "operator/scaling/decide.h"

namespace wp::bench {
namespace {

constexpr int kDecisions = 100000;  // of a round

struct Named {
  std::string_view name;
  scaling::Policy policy;
};
constexpr std::array<Named, 4> kPolicies = {{{"look_ahead", scaling::Policy::look_ahead},
                                             {"slot_per_job", scaling::Policy::slot_per_job},
                                             {"threshold", scaling::Policy::threshold},
                                             {"target_depth", scaling::Policy::target_depth}}};

// A pool that is decided each second while its load goes up and down by itself.
class Case {
 public:
  Case(scaling::Policy policy, int number) : time_(number * 37) {
    params_.policy = policy;
    params_.concurrency = 4;
    params_.max_replicas = 100;
    snapshot_.workers.ready = 10;
    snapshot_.workers.serving_slots = 40;
    snapshot_.current = 10;
  }

  int decide() {
    ++time_;
    const std::int64_t wave = time_ % 600 < 300 ? time_ % 300 : 300 - time_ % 300;
    scaling::Demand demand;
    demand.waiting = wave;
    demand.active_serving = demand.active_all = 40;
    started_ += wave / 10;
    demand.counters = scaling::Counters{started_, started_ - 40, 0, (started_ - 40) * 800};
    snapshot_.demand = demand;
    snapshot_.now = Millis{1000 * time_};
    const scaling::Decision decision = scaling::decide(state_, params_, snapshot_);
    if (decision.replicas > snapshot_.current) {
      scaling::record_up(state_, snapshot_.now, decision.replicas - snapshot_.current);
    }
    snapshot_.current = decision.replicas;
    return decision.replicas;
  }

 private:
  scaling::State state_;
  scaling::Params params_;
  scaling::Snapshot snapshot_;
  std::int64_t time_;
  std::int64_t started_ = 40;
};

// Decides each pool in turn, so many times in all. Answers microseconds of a sweep over all pools.
double sweep(std::vector<Case>& pools, Figure& figure) {
  const auto sweeps = static_cast<int>(kDecisions / pools.size());
  std::int64_t sum = 0;  // so that nothing is left out
  const std::int64_t allocated = allocations();
  const double begin = own_cpu_us();
  for (int i = 0; i < sweeps; ++i) {
    for (Case& pool : pools) sum += pool.decide();
  }
  const double took = own_cpu_us() - begin;
  const double decisions = sweeps * static_cast<double>(pools.size());
  if (sum == 0) throw std::runtime_error("every decision was 0");
  figure.details["allocations/decision"] =
      static_cast<double>(allocations() - allocated) / decisions;
  return took / sweeps;
}

}  // namespace

void measure_decisions(const Effort& effort, Report& report) {
  for (const auto& [name, policy] : kPolicies) {
    Figure one{fmt::format("decide_{}", name), "CPU ns", "", {}, {}};
    Figure all{fmt::format("decide_{}_{}", name, effort.pools), "CPU us", "", {}, {}};
    for (int round = 0; round < effort.rounds; ++round) {
      std::vector<Case> pools = {Case(policy, 0)};
      one.ours.push_back(sweep(pools, one) * 1000);
      for (int i = 1; i < effort.pools; ++i) pools.emplace_back(policy, i);
      all.ours.push_back(sweep(pools, all));
    }
    report.add(std::move(one));
    report.add(std::move(all));
  }
}

}  // namespace wp::bench
