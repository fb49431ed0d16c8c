#include "ctl/simulate/generate.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <numbers>

#include "base/options.h"
#include "ctl/simulate/random.h"

namespace wp::simulate {
namespace {

constexpr double kMostGenerated = 1e6;
constexpr double kLongest = 366.0 * 24 * 3600;  // of a job, seconds: as of recorded ones
constexpr double kBurst = 10;                   // seconds
constexpr double kBurstShare = 1.0 / 8;         // of all jobs, in each of the two
constexpr double kCycle = 360;                  // on and off
constexpr double kOn = 120;

// How much of the average rate holds at this moment, and the most that ever holds.
double shape_at(const Generated& o, double at) {
  const double duration = to_seconds(o.duration);
  switch (o.shape) {
    case Shape::steady:
    case Shape::heavy:
      return 1;
    case Shape::diurnal:
      return 1 - std::cos(2 * std::numbers::pi * at / duration);
    case Shape::onoff:
      return std::fmod(at, kCycle) < kOn ? kCycle / kOn : 0;
    case Shape::spike: {
      double level = 1 - 2 * kBurstShare;
      for (const double start : {duration / 4, duration / 2}) {
        if (at >= start && at < start + kBurst) level += kBurstShare * duration / kBurst;
      }
      return level;
    }
  }
  return 1;
}

double highest(const Generated& o) {
  switch (o.shape) {
    case Shape::steady:
    case Shape::heavy:
      return 1;
    case Shape::diurnal:
      return 2;
    case Shape::onoff:
      return kCycle / kOn;
    case Shape::spike:
      return 1 - 2 * kBurstShare + kBurstShare * to_seconds(o.duration) / kBurst;
  }
  return 1;
}

}  // namespace

Load generate(const Generated& options) {
  const double duration = to_seconds(options.duration);
  if (options.rate * duration > kMostGenerated) {
    throw UsageError(fmt::format("rate and duration make {:.0f} jobs; allowed: {:.0f}",
                                 options.rate * duration, kMostGenerated));
  }
  Load load{shape_names()[static_cast<std::size_t>(options.shape)], {}};
  Random arrivals(options.seed);
  // Of its own, so that another service time leaves the arrivals where they are.
  Random services(options.seed ^ 0x9E3779B97F4A7C15ULL);
  // Thinning (Lewis and Shedler 1979): candidates at the highest rate, each kept with the share
  // that holds at its moment.
  const double peak = options.rate * highest(options);
  for (double at = arrivals.exponential(1 / peak); at < duration;
       at += arrivals.exponential(1 / peak)) {
    if (arrivals.uniform() * highest(options) > shape_at(options, at)) continue;
    const double service =
        std::min(kLongest, services.log_normal(to_seconds(options.service), options.sigma));
    load.jobs.push_back({from_seconds(at), std::max(Micros{1}, from_seconds(service))});
  }
  if (load.jobs.empty()) {
    throw UsageError("rate and duration make no job at all; allowed: more of either");
  }
  return load;
}

const std::vector<std::string>& shape_names() {
  static const std::vector<std::string> names = {"steady", "spike", "diurnal", "onoff", "heavy"};
  return names;
}

Shape parse_shape(const std::string& name) {
  const auto& names = shape_names();
  return static_cast<Shape>(std::find(names.begin(), names.end(), name) - names.begin());
}

double usual_rate(Shape shape) {
  return shape == Shape::spike ? 0.28 : shape == Shape::onoff ? 1.33 : 2;
}

double usual_sigma(Shape shape) {
  return shape == Shape::heavy ? 2 : 1;
}

}  // namespace wp::simulate
