// Loads from a seed: Poisson arrivals whose rate has a shape, log-normal service times. The same
// options give the same load on every machine. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ctl/simulate/load.h"

namespace wp::simulate {

/// steady: one rate. spike: three quarters of the jobs evenly, the others in two bursts of ten
/// seconds. diurnal: from nothing to twice the rate and back, once. onoff: three times the rate for
/// two minutes of six, else nothing. heavy: steady, with service times of a heavy tail.
enum class Shape { steady, spike, diurnal, onoff, heavy };

struct Generated {
  Shape shape = Shape::steady;
  double rate = 2;             // jobs per second, on average
  Micros service{10'000'000};  // mean
  double sigma = 1;            // of the service time's logarithm
  Micros duration{3600'000'000};
  std::uint64_t seed = 1;
};

/// Throws UsageError when that makes no job, or too many.
Load generate(const Generated& options);

const std::vector<std::string>& shape_names();
/// One of shape_names().
Shape parse_shape(const std::string& name);
/// Rate and sigma where the user names none.
double usual_rate(Shape shape);
double usual_sigma(Shape shape);

}  // namespace wp::simulate
