// How long a pod takes from created to ready: the mean of those that were seen, 1..300 s; 5 s until
// one was. Forgotten with a time constant of 120 s, but never below five, so that a pool which
// rests keeps what it knew and one whose pods slow down notices within five. By time and not by
// count: of a burst the slow ones become ready last, and an average that gives the latest ones more
// weight took a burst's slowest for all (5 s read as 12 s, and the window grew with it). Pods that
// could not start are no part of it: the caller leaves them out (PodStarts does). Pure; one pool's.
#pragma once

#include "base/clock.h"

namespace wp::scaling {

class PodStart {
 public:
  /// What was measured before a restart. Without effect after the first measurement.
  void seed(Millis known);
  void add(Millis now, Millis created_to_ready);
  Millis time() const;
  double seconds() const { return sum_ / count_; }
  bool measured() const { return measured_; }

 private:
  void forget(Millis now);

  double sum_ = 5;
  double count_ = 1;
  bool measured_ = false;
  Millis last_{0};  // when the last one was added
};

}  // namespace wp::scaling
