#include "operator/controller/status_pace.h"

#include <algorithm>

namespace wp::controller {
namespace {

constexpr Millis kNumbersGap{50};  // between the numbers of any two pools
constexpr Millis kStepAside{50};   // for those who wait to be decided
constexpr Millis kPatience{2000};  // that long; then the status is as important as they are

}  // namespace

Millis StatusPace::next_place(Millis now) {
  const std::lock_guard lock(mutex_);
  const Millis place = std::max(now, next_numbers_);
  next_numbers_ = place + kNumbersGap;
  return place;
}

std::optional<Millis> StatusPace::wait(Turn& turn, pool::Difference difference, bool crowded,
                                       Millis now) {
  if (difference == pool::Difference::urgent) {
    if (!crowded) return std::nullopt;
    if (!turn.owed_since) turn.owed_since = now;
    if (now - *turn.owed_since >= kPatience) return std::nullopt;
    return kStepAside;
  }
  if (turn.written_at && now - *turn.written_at < interval_) {
    return interval_ - (now - *turn.written_at);
  }
  if (!turn.numbers_at) turn.numbers_at = next_place(now);
  if (now < *turn.numbers_at) return *turn.numbers_at - now;
  return std::nullopt;
}

}  // namespace wp::controller
