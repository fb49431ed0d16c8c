// What a pool learns from its counters, tick by tick: the service time, the arrival rate and the
// start time of its pods. In memory; a loss costs a minute of worse sizes, and what status keeps
// (Measured) is put back by seed(). Pure: time comes in with the readings.
#pragma once

#include <optional>
#include <vector>

#include "base/clock.h"
#include "operator/scaling/arrival_rate.h"
#include "operator/scaling/pod_start.h"
#include "operator/scaling/service_time.h"
#include "operator/scaling/snapshot.h"

namespace wp::scaling {

/// What status keeps for a restart; absent: not measured yet.
struct Measured {
  std::optional<Millis> service_time;
  std::optional<Millis> pod_start;
  bool operator==(const Measured&) const = default;
};

class Estimators {
 public:
  void seed(const Measured& known);
  Measured measured() const;

  /// A reading of the queue. The first one, and one whose counters went backwards (another queue's,
  /// or a Redis without its data), only set the baseline; without counters all stands still.
  /// `expected` is lookAhead.expectedDuration.
  void tick(Millis now, const Demand& demand, Millis expected);
  /// The queue could not be read: what happened meanwhile is not attributed to any time.
  void stand_still() { last_.reset(); }
  void add_starts(Millis now, const std::vector<Millis>& created_to_ready);

  double service_seconds() const { return service_.seconds(); }
  double arrivals_per_second() const { return arrivals_.per_second(); }
  double start_seconds() const { return start_.seconds(); }
  Millis start_time() const { return start_.time(); }

 private:
  struct Reading {
    Millis now{0};
    std::int64_t waiting = 0;
    Counters counters;
  };
  std::optional<Reading> last_;
  ServiceTime service_;
  ArrivalRate arrivals_;
  PodStart start_;
};

}  // namespace wp::scaling
