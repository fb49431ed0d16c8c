#include "operator/scaling/pod_start.h"

#include <algorithm>
#include <cmath>

namespace wp::scaling {
namespace {

constexpr int kEqual = 5;  // from then on α = 1/5

double clamped(Millis time) {
  return std::clamp(static_cast<double>(time.count()) / 1000.0, 1.0, 300.0);
}

}  // namespace

void PodStart::seed(Millis known) {
  if (seen_ > 0) return;
  seconds_ = clamped(known);
  seen_ = kEqual;
}

void PodStart::add(Millis created_to_ready) {
  seen_ = std::min(kEqual, seen_ + 1);
  seconds_ += (clamped(created_to_ready) - seconds_) / seen_;
}

Millis PodStart::time() const {
  return Millis{std::llround(seconds_ * 1000)};
}

}  // namespace wp::scaling
