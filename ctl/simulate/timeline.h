// Outcomes as a few numbers over time, for plots. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "ctl/simulate/compare.h"

namespace wp::simulate {

struct Line {
  std::string name;
  std::vector<int> workers;  // the most of each bin
  std::vector<int> waiting;
};

struct Timeline {
  Micros end{0};  // from 0; nobody works or waits afterwards
  Line load;      // what the oracle needs
  std::vector<Line> policies;
  int most_workers = 1;
  int most_waiting = 1;
};

Timeline timeline_of(const Comparison& comparison, std::size_t bins);

/// A round number at or above whose half is round, too: 1, 2, 4, 6, 8, 10, 20, …
int round_up(int value);
/// A round distance between marks, at most so many up to `end`.
Micros mark_distance(Micros end, int marks);
/// 45s, 10m, 1h30m: a mark's text.
std::string mark_text(Micros at);

}  // namespace wp::simulate
