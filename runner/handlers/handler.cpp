#include "runner/handlers/handler.h"

#include "base/units.h"

namespace wp::runner {

std::string_view to_string(StopCause cause) {
  switch (cause) {
    case StopCause::none:
      return "none";
    case StopCause::timeout:
      return "timeout";
    case StopCause::cancelled:
      return "cancelled";
    case StopCause::lost:
      return "lost";
    case StopCause::partition:
      return "partition";
    case StopCause::interrupted:
      return "interrupted";
  }
  return "none";
}

std::string_view to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::complete:
      return "completed";
    case Verdict::fail:
      return "failed";
    case Verdict::crash:
      return "crashed";
    case Verdict::defer:
      return "deferred";
    case Verdict::bury:
      return "dead";
    case Verdict::broken:
      return "broken";
    case Verdict::interrupted:
      return "interrupted";
  }
  return "failed";
}

Ending stopped_ending(StopCause cause, Millis timeout) {
  Ending ending;
  switch (cause) {
    case StopCause::timeout:
      ending.verdict = Verdict::fail;
      ending.text = "Timeout: stopped after " + format_duration(timeout);
      break;
    case StopCause::cancelled:
      ending.verdict = Verdict::bury;
      ending.text = "cancelled";
      break;
    default:
      ending.verdict = Verdict::interrupted;
      ending.text = to_string(cause);
  }
  return ending;
}

}  // namespace wp::runner
