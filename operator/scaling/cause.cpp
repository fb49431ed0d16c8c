#include "operator/scaling/cause.h"

namespace wp::scaling {

std::string_view to_string(Cause cause) {
  switch (cause) {
    case Cause::backlog:
      return "Backlog";
    case Cause::idle:
      return "Idle";
    case Cause::schedule:
      return "Schedule";
    case Cause::below_threshold:
      return "BelowThreshold";
    case Cause::at_max:
      return "AtMax";
    case Cause::at_min:
      return "AtMin";
    case Cause::ramp_step:
      return "RampStep";
    case Cause::rate_limited:
      return "RateLimited";
    case Cause::cooldown:
      return "Cooldown";
    case Cause::window:
      return "Window";
    case Cause::budget:
      return "Budget";
    case Cause::unschedulable:
      return "Unschedulable";
    case Cause::handlers_broken:
      return "HandlersBroken";
    case Cause::unknown:
      return "Unknown";
    case Cause::paused:
      return "Paused";
    case Cause::fixed:
      return "Fixed";
    case Cause::clamped:
      return "Clamped";
  }
  return "Unknown";
}

}  // namespace wp::scaling
