#include "ctl/simulate/compare.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "ctl/simulate/sizer.h"

namespace wp::simulate {
namespace {

Result run_candidate(const Load& load, const Candidate& candidate, const Surroundings& surroundings,
                     int runs, const Outcome& oracle) {
  Result result;
  result.name = candidate.name;
  std::vector<Figures> all;
  for (int run = 0; run < runs; ++run) {
    Surroundings around = surroundings;
    around.seed += static_cast<std::uint64_t>(run);
    const std::unique_ptr<Sizer> sizer =
        candidate.hpa_like ? hpa_like_sizer(candidate.params) : operator_sizer(candidate.params);
    Outcome outcome = play(load, *sizer, around);
    all.push_back(figures_of(load, outcome, oracle));
    if (run == 0) result.outcome = std::move(outcome);
  }
  result.figures = mean_of(all);
  const auto [low, high] = std::minmax_element(
      all.begin(), all.end(),
      [](const Figures& a, const Figures& b) { return a.product() < b.product(); });
  result.product_low = low->product();
  result.product_high = high->product();
  return result;
}

}  // namespace

Comparison compare(const Load& load, const std::vector<Candidate>& candidates,
                   const Surroundings& surroundings, int runs,
                   const std::optional<Micros>& hpa_grace) {
  Comparison comparison;
  comparison.oracle.name = "oracle";
  comparison.oracle.outcome = play_oracle(load, surroundings);
  const Outcome& oracle = comparison.oracle.outcome;
  comparison.oracle.figures = figures_of(load, oracle, oracle);
  for (const Candidate& candidate : candidates) {
    Surroundings around = surroundings;
    around.concurrency = candidate.params.concurrency;
    around.max_active = candidate.params.max_active;
    if (candidate.hpa_like) {
      around.call_back = false;
      around.grace = hpa_grace;
    }
    comparison.results.push_back(run_candidate(load, candidate, around, runs, oracle));
  }
  return comparison;
}

}  // namespace wp::simulate
