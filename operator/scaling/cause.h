// The words for why a number of workers is what it is. The same words stand in status.decision and
// in the condition ScalingLimited (operator/pool/event_reasons.h lists them for the docs). Pure.
#pragma once

#include <string_view>

namespace wp::scaling {

/// The first four say what is demanded, the others what capped or replaced it.
enum class Cause {
  backlog,
  idle,
  schedule,
  below_threshold,
  at_max,
  at_min,
  ramp_step,
  rate_limited,
  cooldown,
  window,
  budget,
  unschedulable,
  handlers_broken,
  unknown,
  paused,
  fixed,
  clamped
};
std::string_view to_string(Cause cause);

}  // namespace wp::scaling
