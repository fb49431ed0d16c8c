// How long to wait before the next try: exponential, capped, with jitter so that a crowd does not
// come back at once. Pure; the caller brings the chance.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/clock.h"

namespace wp {

class Backoff {
 public:
  struct Limits {
    Millis initial{100};
    Millis max{30000};
    int jitter_percent = 50;  // added on top, 0..100
  };

  explicit Backoff(Limits limits) : limits_(limits), next_(limits.initial) {}

  /// The wait before the next try; each call doubles the following one. `chance` is any random
  /// number.
  Millis next(std::uint64_t chance) {
    const Millis base = next_;
    next_ = std::min(limits_.max, next_ * 2);
    const std::uint64_t span =
        static_cast<std::uint64_t>(base.count() * limits_.jitter_percent / 100) + 1;
    return base + Millis{static_cast<std::int64_t>(chance % span)};
  }

  void reset() { next_ = limits_.initial; }

 private:
  Limits limits_;
  Millis next_;
};

}  // namespace wp
