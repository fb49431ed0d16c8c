// What a policy answers: how many workers the demand asks for, and the arithmetic in words. What
// the pool's bounds, rates and windows make of it comes afterwards (decide.h).
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.h"
#include "operator/scaling/cause.h"

namespace wp::scaling {

struct Want {
  int workers = 0;
  Cause cause = Cause::idle;
  std::string reason;            // up to and including "= 8 workers"
  std::optional<Cause> limited;  // of the policy's own: a cooldown
  std::optional<Millis> recheck;
};

/// More than any pool may have; keeps every sum far from an overflow.
inline constexpr int kMostWorkers = 1000000;
/// More jobs than any queue holds; what is said to be above it is cut.
inline constexpr std::int64_t kMostJobs = 1000000000000;

/// Workers for so many slots, from 0 to kMostWorkers. `per` >= 1.
inline int ceil_div(std::int64_t value, std::int64_t per) {
  if (value <= 0) return 0;
  return static_cast<int>(std::min<std::int64_t>((value - 1) / per + 1, kMostWorkers));
}

}  // namespace wp::scaling
