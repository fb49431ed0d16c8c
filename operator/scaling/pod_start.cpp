#include "operator/scaling/pod_start.h"

#include <algorithm>
#include <cmath>

namespace wp::scaling {
namespace {

constexpr double kStartsMemory = 120;  // seconds
constexpr double kFewest = 5;          // that are never forgotten

double clamped(Millis time) {
  return std::clamp(static_cast<double>(time.count()) / 1000.0, 1.0, 300.0);
}

}  // namespace

void PodStart::seed(Millis known) {
  if (measured_) return;
  sum_ = kFewest * clamped(known);
  count_ = kFewest;
  measured_ = true;
}

void PodStart::forget(Millis now) {
  const double seconds = static_cast<double>((now - last_).count()) / 1000.0;
  last_ = std::max(last_, now);
  if (count_ <= kFewest || seconds <= 0) return;
  const double kept = std::max(kFewest / count_, std::exp(-seconds / kStartsMemory));
  sum_ *= kept;
  count_ *= kept;
}

void PodStart::add(Millis now, Millis created_to_ready) {
  forget(now);
  if (!measured_) sum_ = count_ = 0;  // the assumption
  measured_ = true;
  sum_ += clamped(created_to_ready);
  count_ += 1;
}

Millis PodStart::time() const {
  return Millis{std::llround(seconds() * 1000)};
}

}  // namespace wp::scaling
