// How long a pod takes from created to ready: an exponentially weighted average (α = 0.2) of those
// that were seen, 1..300 s; 5 s until one was. The first five count equally, so that a pool whose
// pods take a minute knows it from its first one. Pods that could not start are no part of it: the
// caller leaves them out (PodStarts does). Pure; one pool's.
#pragma once

#include "base/clock.h"

namespace wp::scaling {

class PodStart {
 public:
  /// What was measured before a restart. Without effect after the first measurement.
  void seed(Millis known);
  void add(Millis created_to_ready);
  Millis time() const;
  double seconds() const { return seconds_; }
  bool measured() const { return seen_ > 0; }

 private:
  double seconds_ = 5;
  int seen_ = 0;
};

}  // namespace wp::scaling
