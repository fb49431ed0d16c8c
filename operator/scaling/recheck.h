// When a decision would change though nothing else does: the earliest of all reasons. Pure.
#pragma once

#include <algorithm>

#include "operator/scaling/decide.h"

namespace wp::scaling {

/// Never sooner than in a millisecond: a recheck is no busy loop.
inline void come_back(Decision& decision, Millis after) {
  const Millis wait = std::max(Millis{1}, after);
  decision.recheck = decision.recheck ? std::min(*decision.recheck, wait) : wait;
}

}  // namespace wp::scaling
