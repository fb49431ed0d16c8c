// Grows when more jobs wait per worker than upAtPercent says, shrinks below downAtPercent, and
// changes once per cooldown. What it decided stands until the cooldown is over, so that a jump
// which the rate cut short goes on, and the same reading asked again gives the same number. Pure.
#pragma once

#include <optional>

#include "base/clock.h"
#include "operator/scaling/params.h"
#include "operator/scaling/snapshot.h"
#include "operator/scaling/want.h"

namespace wp::scaling {

/// The last change, in memory only.
struct ThresholdChange {
  Millis at{0};
  int workers = 0;
};

/// `current`: workers asked for; `absent` of them cannot start and do not count as workers.
Want threshold(std::optional<ThresholdChange>& last, const Params& params, const Snapshot& snapshot,
               const Demand& demand);

}  // namespace wp::scaling
