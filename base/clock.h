// Time as an interface, so that decisions can be tested without waiting.
// `steady` measures intervals and never jumps; `wall` is for people and for other machines.
// Both may be called from any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace wp {

using Millis = std::chrono::milliseconds;

class Clock {
 public:
  virtual ~Clock() = default;
  virtual Millis steady() const = 0;
  virtual Millis wall() const = 0;  // since the Unix epoch
};

/// The machine's clocks. One instance serves the whole process.
const Clock& system_clock();
/// Its steady clock.
inline Millis steady_now() {
  return system_clock().steady();
}

/// RFC 3339 in UTC with milliseconds: 2026-11-21T06:32:38.123Z.
std::string format_time(Millis since_epoch);
/// RFC 3339 in UTC with whole seconds, as Kubernetes writes metav1.Time.
std::string format_time_seconds(Millis since_epoch);

}  // namespace wp
