// A loop's sign of life: it beats on every turn, the liveness probe looks how long ago that was.
// Any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.h"

namespace wp::runner {

class Pulse {
 public:
  Pulse() { beat(); }
  void beat() { last_ = system_clock().steady().count(); }
  Millis age() const { return system_clock().steady() - Millis{last_.load()}; }

 private:
  std::atomic<std::int64_t> last_{0};
};

/// Every loop turns at least twice a minute; the rest is for slow and overcommitted machines.
inline constexpr Millis kPulseLimit{120000};

inline std::optional<std::string> pulse_problem(const Pulse& pulse) {
  const Millis age = pulse.age();
  if (age <= kPulseLimit) return std::nullopt;
  return "has not turned for " + std::to_string(age.count() / 1000) + " s";
}

}  // namespace wp::runner
