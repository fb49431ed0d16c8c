// Times of a test, for people: printed, and asserted only generously, as machines differ.
#pragma once

#include <algorithm>
#include <iostream>
#include <string>
#include <vector>

#include "base/clock.h"

namespace wp::test {

inline void print_times(const std::string& what, std::vector<Millis> times) {
  std::sort(times.begin(), times.end());
  std::cout << what << ", " << times.size() << " times: " << times.front().count() << " to "
            << times.back().count() << " ms, median " << times[times.size() / 2].count() << " ms"
            << std::endl;
}

}  // namespace wp::test
