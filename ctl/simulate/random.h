// Random numbers that are the same on every machine: the standard fixes the engine's numbers but
// not what its distributions make of them. One object per purpose, so that a load and the start
// delays do not move each other. Not shared between threads.
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>
#include <random>

namespace wp::simulate {

class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}

  /// In (0, 1]: its logarithm is finite.
  double uniform() {
    constexpr double kStep = 1.0 / 9007199254740992.0;  // 2^-53
    return static_cast<double>((engine_() >> 11) + 1) * kStep;
  }
  double exponential(double mean) { return -mean * std::log(uniform()); }
  /// Box-Muller; half of each pair is thrown away, which keeps the object without memory.
  double normal() {
    const double radius = std::sqrt(-2.0 * std::log(uniform()));
    return radius * std::cos(2.0 * std::numbers::pi * uniform());
  }
  /// With this mean; `sigma` is that of the logarithm.
  double log_normal(double mean, double sigma) {
    return mean * std::exp(sigma * normal() - sigma * sigma / 2);
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace wp::simulate
