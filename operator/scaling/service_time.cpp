#include "operator/scaling/service_time.h"

#include <algorithm>
#include <cmath>

namespace wp::scaling {
namespace {

constexpr double kAttemptsMemory = 120;  // seconds
constexpr double kPrior = 3;             // attempts
constexpr double kShortest = 1e-3;       // seconds
constexpr double kLongest = 1e7;

double clamped(double seconds) {
  return std::clamp(seconds, kShortest, kLongest);
}

double seconds_of(Millis time) {
  return static_cast<double>(time.count()) / 1000.0;
}

}  // namespace

void ServiceTime::seed(Millis known) {
  if (measured_) return;
  busy_ = kPrior * clamped(seconds_of(known));
  ended_ = kPrior;
  measured_ = true;
}

void ServiceTime::expect(Millis duration) {
  const double expected = clamped(seconds_of(duration));
  if (!measured_) busy_ += kPrior * (expected - expected_);
  expected_ = expected;
}

void ServiceTime::learn_history(std::int64_t ended, std::int64_t busy_ms) {
  // A queue that counts what ended and not how long it ran has no history to tell.
  if (measured_ || ended <= 0 || busy_ms <= 0) return;
  const double average = static_cast<double>(busy_ms) / 1000.0 / static_cast<double>(ended);
  const double weight = std::min(kPrior, static_cast<double>(ended));
  busy_ += weight * (clamped(average) - expected_);
  measured_ = true;
}

void ServiceTime::tick(double seconds, double running, double ended) {
  if (ended_ > kPrior) {
    const double kept = std::exp(-seconds / kAttemptsMemory);
    busy_ *= kept;
    ended_ *= kept;
  }
  busy_ += running * seconds;
  ended_ += ended;
  if (ended > 0) measured_ = true;
}

double ServiceTime::seconds() const {
  return clamped(busy_ / ended_);
}

}  // namespace wp::scaling
