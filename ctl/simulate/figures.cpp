#include "ctl/simulate/figures.h"

#include <algorithm>
#include <cmath>

namespace wp::simulate {
namespace {

double sum_of(const std::vector<Micros>& times) {
  double sum = 0;
  for (const Micros time : times) sum += to_seconds(time);
  return sum;
}

}  // namespace

Micros percentile(std::vector<Micros> values, double percent) {
  if (values.empty()) return Micros{0};
  const double rank = std::ceil(percent / 100 * static_cast<double>(values.size()));
  const auto index = static_cast<std::ptrdiff_t>(std::max(1.0, rank)) - 1;
  std::nth_element(values.begin(), values.begin() + index, values.end());
  return values[static_cast<std::size_t>(index)];
}

Figures figures_of(const Load& load, const Outcome& outcome, const Outcome& oracle) {
  Figures figures;
  const double waited = sum_of(outcome.waits);
  figures.worker_seconds = to_seconds(outcome.worker_time);
  figures.cost = figures.worker_seconds / to_seconds(oracle.worker_time);
  figures.sojourn = sum_of(outcome.sojourns) / to_seconds(load.total_service());
  figures.mean_wait = waited / static_cast<double>(outcome.waits.size());
  figures.p50 = to_seconds(percentile(outcome.waits, 50));
  figures.p95 = to_seconds(percentile(outcome.waits, 95));
  figures.p99 = to_seconds(percentile(outcome.waits, 99));
  figures.longest = to_seconds(percentile(outcome.waits, 100));
  figures.started = outcome.started;
  figures.peak = outcome.peak;
  figures.operations = outcome.scale_operations;
  figures.interrupted = outcome.interrupted;
  return figures;
}

Figures mean_of(const std::vector<Figures>& runs) {
  constexpr double Figures::*kAll[] = {&Figures::worker_seconds,
                                       &Figures::cost,
                                       &Figures::sojourn,
                                       &Figures::mean_wait,
                                       &Figures::p50,
                                       &Figures::p95,
                                       &Figures::p99,
                                       &Figures::longest,
                                       &Figures::started,
                                       &Figures::peak,
                                       &Figures::operations,
                                       &Figures::interrupted};
  Figures mean;
  for (double Figures::*figure : kAll) {
    double sum = 0;
    for (const Figures& run : runs) sum += run.*figure;
    mean.*figure = sum / static_cast<double>(runs.size());
  }
  return mean;
}

}  // namespace wp::simulate
