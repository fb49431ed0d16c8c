// Jobs that arrive per second: an exponentially weighted average, time constant 30 s, of
// (jobs started + growth of those waiting) / time. A retry arrives again; what is purged arrives
// never, so that a negative sum counts as 0. Pure; one pool's.
#pragma once

namespace wp::scaling {

class ArrivalRate {
 public:
  /// `seconds` > 0 went by, in which `started` jobs started and the waiting ones grew by `growth`.
  void tick(double seconds, double started, double growth);
  double per_second() const { return rate_; }

 private:
  double rate_ = 0;
};

}  // namespace wp::scaling
