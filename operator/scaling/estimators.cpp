#include "operator/scaling/estimators.h"

#include <algorithm>
#include <cmath>

namespace wp::scaling {
namespace {

// Running jobs are known at the ends of a tick only: a longer one says little about its middle.
constexpr double kLongestTick = 10;  // seconds

std::int64_t ended(const Counters& counters) {
  return counters.completed + counters.failed;
}

bool went_backwards(const Counters& before, const Counters& after) {
  return after.started < before.started || after.completed < before.completed ||
         after.failed < before.failed;
}

}  // namespace

void Estimators::seed(const Measured& known) {
  if (known.service_time) service_.seed(*known.service_time);
  if (known.pod_start) start_.seed(*known.pod_start);
}

Measured Estimators::measured() const {
  Measured known;
  if (service_.measured()) {
    known.service_time = Millis{std::max(1LL, std::llround(service_.seconds() * 1000))};
  }
  if (start_.measured()) known.pod_start = start_.time();
  return known;
}

void Estimators::tick(Millis now, const Demand& demand, Millis expected) {
  if (!demand.counters) return stand_still();
  const Counters& counters = *demand.counters;
  service_.expect(expected);
  if (!last_) service_.learn_history(ended(counters), counters.busy_ms);
  const Reading reading{now, demand.waiting, counters};
  if (!last_ || now < last_->now || went_backwards(last_->counters, counters)) {
    last_ = reading;
    return;
  }
  const double seconds = static_cast<double>((now - last_->now).count()) / 1000.0;
  if (seconds == 0) return;  // the same moment again
  const auto started = static_cast<double>(counters.started - last_->counters.started);
  const auto growth = static_cast<double>(demand.waiting - last_->waiting);
  arrivals_.tick(seconds, started, growth);

  // What ended in the part of a long tick that does not count does not count either.
  const double counted = std::min(seconds, kLongestTick);
  const auto ends = static_cast<double>(ended(counters) - ended(last_->counters));
  service_.tick(counted, static_cast<double>(demand.active_all), ends * counted / seconds);
  last_ = reading;
}

void Estimators::add_starts(Millis now, const std::vector<Millis>& created_to_ready) {
  for (const Millis time : created_to_ready) start_.add(now, time);
}

}  // namespace wp::scaling
