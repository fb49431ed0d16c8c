#include "operator/scaling/wording.h"

#include <cmath>
#include <fmt/format.h>

namespace wp::scaling {
namespace {

constexpr double kMinute = 60;
constexpr double kHour = 3600;

// One digit behind the point, unless it is a zero.
std::string tenths(double value, std::string_view unit) {
  const double rounded = std::round(value * 10) / 10;
  return rounded == std::floor(rounded) ? fmt::format("{:.0f} {}", rounded, unit)
                                        : fmt::format("{:.1f} {}", rounded, unit);
}

}  // namespace

std::string spell_time(double seconds) {
  if (seconds <= 0) return "0 s";
  if (seconds < 0.0995) return fmt::format("{:.0f} ms", std::ceil(seconds * 1000));
  if (seconds < 0.995) return fmt::format("{:.2g} s", seconds);
  if (seconds < 10) return tenths(seconds, "s");
  if (seconds < 2 * kMinute) return fmt::format("{:.0f} s", seconds);
  if (seconds < 10 * kMinute) return tenths(seconds / kMinute, "min");
  if (seconds < 2 * kHour) return fmt::format("{:.0f} min", seconds / kMinute);
  return tenths(seconds / kHour, "h");
}

std::string spell_time(Millis time) {
  return spell_time(static_cast<double>(time.count()) / 1000.0);
}

std::string spell_number(double value) {
  if (value < 0.095) return fmt::format("{:.2f}", value);
  if (value < 9.95) return fmt::format("{:.2g}", value);
  return fmt::format("{:.0f}", value);
}

std::string spell_workers(int count) {
  return fmt::format("{} {}", count, count == 1 ? "worker" : "workers");
}

std::string spell_slots(std::int64_t slots, int per_worker, int count) {
  if (per_worker == 1) return spell_workers(count);
  return fmt::format("{} {} / {} = {}", slots, slots == 1 ? "slot" : "slots", per_worker,
                     spell_workers(count));
}

}  // namespace wp::scaling
