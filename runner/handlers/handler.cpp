#include "runner/handlers/handler.h"

namespace wp::runner {

std::string_view to_string(StopCause cause) {
  switch (cause) {
    case StopCause::none:
      return "none";
    case StopCause::timeout:
      return "timeout";
    case StopCause::stalled:
      return "stalled";
    case StopCause::memory:
      return "memory";
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
    case Verdict::stall:
      return "stalled";
    case Verdict::crash:
      return "crashed";
    case Verdict::defer:
      return "deferred";
    case Verdict::bury:
      return "dead";
    case Verdict::rejected:
      return "rejected";
    case Verdict::broken:
      return "broken";
    case Verdict::unstarted:
      return "unstarted";
    case Verdict::interrupted:
      return "interrupted";
  }
  return "failed";
}

Ending ending_with(Verdict verdict, std::string text) {
  Ending ending;
  ending.verdict = verdict;
  ending.text = std::move(text);
  return ending;
}

Ending stopped_ending(const Stop& stop) {
  Ending ending;
  ending.text = stop.text;
  switch (stop.cause) {
    case StopCause::timeout:
    case StopCause::memory:
      ending.verdict = Verdict::fail;
      break;
    case StopCause::stalled:
      ending.verdict = Verdict::stall;
      break;
    case StopCause::cancelled:
      ending.verdict = Verdict::bury;
      ending.text = "cancelled";
      break;
    default:
      ending.verdict = Verdict::interrupted;
      ending.text = to_string(stop.cause);
  }
  return ending;
}

}  // namespace wp::runner
