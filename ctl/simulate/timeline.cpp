#include "ctl/simulate/timeline.h"

#include <algorithm>
#include <array>

#include "base/units.h"

namespace wp::simulate {
namespace {

std::vector<int> binned(const std::vector<Sample>& samples, int Sample::*field, Micros end,
                        std::size_t bins) {
  std::vector<int> values(bins, 0);
  std::size_t next = 0;
  int last = 0;
  for (std::size_t bin = 0; bin < bins; ++bin) {
    const Micros until = end * static_cast<std::int64_t>(bin + 1) / static_cast<std::int64_t>(bins);
    int most = -1;
    for (; next < samples.size() && samples[next].at < until; ++next) {
      last = samples[next].*field;
      most = std::max(most, last);
    }
    // A bin between two snapshots, or behind the last.
    values[bin] = most >= 0 ? most : next < samples.size() ? last : 0;
  }
  return values;
}

Line line_of(const Result& result, Micros end, std::size_t bins) {
  return {result.name, binned(result.outcome.samples, &Sample::workers, end, bins),
          binned(result.outcome.samples, &Sample::waiting, end, bins)};
}

Micros busy_until(const Outcome& outcome) {
  for (auto it = outcome.samples.rbegin(); it != outcome.samples.rend(); ++it) {
    if (it->workers > 0 || it->waiting > 0) return it->at;
  }
  return Micros{0};
}

}  // namespace

Timeline timeline_of(const Comparison& comparison, std::size_t bins) {
  Timeline timeline;
  timeline.end = busy_until(comparison.oracle.outcome);
  for (const Result& result : comparison.results) {
    timeline.end = std::max(timeline.end, busy_until(result.outcome));
  }
  timeline.end += Micros{1'000'000};
  timeline.load = line_of(comparison.oracle, timeline.end, bins);
  const auto most = [](const std::vector<int>& values) {
    return *std::max_element(values.begin(), values.end());
  };
  timeline.most_workers = std::max(1, most(timeline.load.workers));
  for (const Result& result : comparison.results) {
    timeline.policies.push_back(line_of(result, timeline.end, bins));
    const Line& line = timeline.policies.back();
    timeline.most_workers = std::max(timeline.most_workers, most(line.workers));
    timeline.most_waiting = std::max(timeline.most_waiting, most(line.waiting));
  }
  return timeline;
}

int round_up(int value) {
  std::int64_t power = 1;
  for (;; power *= 10) {
    for (const int digit : {1, 2, 4, 6, 8}) {
      if (digit * power >= value) return static_cast<int>(digit * power);
    }
  }
}

Micros mark_distance(Micros end, int marks) {
  constexpr std::array<std::int64_t, 19> kSeconds = {1,     2,     5,     10,    15,    30,   60,
                                                     120,   300,   600,   900,   1800,  3600, 7200,
                                                     14400, 21600, 43200, 86400, 172800};
  for (const std::int64_t seconds : kSeconds) {
    if (end / std::chrono::seconds{seconds} <= marks) return std::chrono::seconds{seconds};
  }
  return std::chrono::seconds{604800};
}

std::string mark_text(Micros at) {
  return at == Micros{0} ? "0" : format_duration(std::chrono::duration_cast<Millis>(at));
}

}  // namespace wp::simulate
