#include "operator/scaling/arrival_rate.h"

#include <algorithm>
#include <cmath>

namespace wp::scaling {
namespace {

constexpr double kMemory = 30;  // seconds

}  // namespace

void ArrivalRate::tick(double seconds, double started, double growth) {
  const double seen = std::max(0.0, started + growth) / seconds;
  rate_ += (seen - rate_) * -std::expm1(-seconds / kMemory);
}

}  // namespace wp::scaling
