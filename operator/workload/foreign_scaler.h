// Whether replicas that someone else set are taken back. Once or twice is a slip: repaired at once.
// The third time within five minutes somebody else means it (an autoscaler, a pipeline): from then
// on one repair after 1, 2, 4, 8, then every 15 minutes, so that two programs do not fight at the
// speed of two programs. An hour without a change by them ends it. Pure; not thread safe.
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"

namespace wp::workload {

class ForeignScaler {
 public:
  /// The replicas were found to be set by `manager`. The same find may be told again and again
  /// until it is repaired(): it counts once.
  void found(const std::string& manager, Millis now);
  void repaired(Millis now);

  /// Whom to name; empty while there is nothing to tell.
  std::string contender(Millis now) const;
  /// How long they are left alone; zero: not, or not any more.
  Millis left_alone_for(Millis now) const;

 private:
  bool quiet(Millis now) const;

  std::vector<Millis> changes_;  // of the last five minutes; below three when there is no fight
  Millis last_change_{0};
  bool standing_ = false;  // found and not repaired
  bool contended_ = false;
  std::string manager_;
  Millis step_{0};
  Millis next_repair_{0};
};

}  // namespace wp::workload
