// How long a job takes, S = b / n: b, the time that jobs ran (running ones × time), and n, the
// attempts that ended. It is the maximum-likelihood estimate for exponential service under
// right-censoring: right while long jobs still run, where an average of finished jobs has seen only
// the short ones, and it grows by itself when nothing ends.
//
// Both are forgotten with a time constant of 120 s, but only while n > 3, so that an idle queue
// keeps what it knew. Failed attempts end a service as completed ones do. Pure; one pool's.
#pragma once

#include <cstdint>

#include "base/clock.h"

namespace wp::scaling {

class ServiceTime {
 public:
  /// What was measured before a restart. Without effect after the first tick.
  void seed(Millis known);

  /// lookAhead.expectedDuration: the prior's three attempts, while nothing is measured.
  void expect(Millis duration);

  /// The queue's own history, for a cold start: `ended` attempts of `busy_ms` in all replace as
  /// many of the prior's three. Without effect once anything is measured.
  void learn_history(std::int64_t ended, std::int64_t busy_ms);

  /// `seconds` went by with `running` jobs at their end; `ended` attempts ended meanwhile.
  void tick(double seconds, double running, double ended);

  /// Never zero: at least a millisecond.
  double seconds() const;
  /// Whether it rests on anything but expectedDuration.
  bool measured() const { return measured_; }

 private:
  double busy_ = 30;
  double ended_ = 3;
  double expected_ = 10;
  bool measured_ = false;
};

}  // namespace wp::scaling
