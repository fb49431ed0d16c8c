#include "operator/fleet/doubt.h"

#include <utility>

namespace wp::fleet {

void Doubt::look(const Sight& sight, Millis now) {
  // In a rollout there are more than asked for anyway.
  const bool given = !sight.rollout && sight.active > sight.replicas && sight.marked > 0;
  const bool raised = sight.replicas > std::exchange(replicas_, sight.replicas);
  const bool begins = !std::exchange(rollout_, sight.rollout) && sight.rollout;
  // What is seen next after our lowering is neither that nor its beginning.
  const auto from = std::exchange(lowered_from_, std::nullopt);
  const bool overtaken = from && *from != sight.replicas && !given;
  // A lowering of an earlier leader, and taken back since, may still be on its way.
  const bool inherited = !std::exchange(looked_, true) && !sight.current;
  if (sight.marked > 0 && (begins || overtaken || inherited)) doubt_since_ = now;
  if (given_since_) {
    taken_back_ = taken_back_ || raised;
    // Somebody else may have deleted others, and the picker, before it saw that, a marked one.
    const bool others_went = sight.marked > 0;
    if (!given && (taken_back_ || sight.rollout || others_went)) doubt_since_ = now;
  }
  if (!given) {
    given_since_.reset();
    taken_back_ = false;
  } else if (!given_since_) {
    given_since_ = now;
  }
  if (!doubt_since_) return;
  if (!sight.current && !sight.rollout) doubt_since_ = now;
  if (now - *doubt_since_ >= kCarriedOut && (sight.agree || sight.rollout)) doubt_since_.reset();
}

std::optional<Millis> Doubt::given_for(Millis now) const {
  return given_since_ ? std::optional<Millis>(now - *given_since_) : std::nullopt;
}

std::optional<Millis> Doubt::changes_in(Millis now) const {
  if (!doubt_since_ || now - *doubt_since_ >= kCarriedOut) return std::nullopt;
  return kCarriedOut - (now - *doubt_since_);
}

}  // namespace wp::fleet
