#include "runner/handlers/outcome.h"

#include <cerrno>
#include <cstring>
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/trim.h"
#include "runner/handlers/json_text.h"

namespace wp::runner {
namespace {

constexpr std::size_t kMaxPatchDepth = 500;  // merging goes down level by level, on the stack

}  // namespace

// What was said on stderr explains more than the code; the code goes first so that it survives
// cuts.
std::string with_errors(std::string head, std::string_view errors) {
  const std::string_view said = trim(errors);
  if (!said.empty()) head += fmt::format(": {}", said);
  if (head.size() > queue::kMaxErrorBytes) {
    // The end of what was said is where the cause stands.
    const std::size_t colon = head.find(": ") + 2;
    head.erase(colon, head.size() - queue::kMaxErrorBytes);
  }
  return head;
}

std::string to_json_document(std::string_view bytes) {
  const std::string_view text = trim(bytes);
  if (text.empty()) return "null";
  if (is_json(text)) return std::string(text);
  if (bytes.ends_with('\n')) bytes.remove_suffix(1);
  return nlohmann::json(bytes).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

Ending complete_with(std::string document, std::string session_patch) {
  if (!session_patch.empty() && !json_members(session_patch)) {
    return ending_with(Verdict::fail,
                       "the session's patch is no JSON object (RFC 7396) of at most 16 MiB");
  }
  if (json_depth(session_patch) > kMaxPatchDepth) {
    return ending_with(
        Verdict::fail,
        fmt::format("the session's patch is nested deeper than {} levels", kMaxPatchDepth));
  }
  if (document.size() > queue::kMaxResultBytes) {
    return ending_with(
        Verdict::bury,
        fmt::format("ResultTooLarge: the result has {} bytes, the queue keeps {}; store it "
                    "elsewhere and answer a reference",
                    document.size(), queue::kMaxResultBytes));
  }
  Ending complete = ending_with(Verdict::complete, std::move(document));
  complete.session_patch = std::move(session_patch);
  return complete;
}

Ending classify_exit(const ExitFacts& facts, const ExitRules& rules) {
  if (facts.spawn_error != 0) {
    const char* const hint =
        facts.spawn_error == ENOENT ? ": it, or the interpreter that its first line names" : "";
    return ending_with(Verdict::broken, fmt::format("cannot start {}: {}{}", facts.command,
                                                    std::strerror(facts.spawn_error), hint));
  }
  if (facts.stopped.cause != StopCause::none) {
    Ending stopped = stopped_ending(facts.stopped);
    if (!facts.stopped.text.empty()) stopped.text = with_errors(stopped.text, facts.errors);
    return stopped;
  }
  if (facts.output_too_large) {
    return ending_with(Verdict::bury, fmt::format("ResultTooLarge: more than {} bytes on stdout",
                                                  kMaxOutputBytes));
  }
  if (facts.signalled) {
    const char* name = sigabbrev_np(facts.status);
    return ending_with(
        Verdict::crash,
        with_errors(fmt::format("killed by SIG{}", name != nullptr ? name : "?"), facts.errors));
  }
  if (facts.status == 0) {
    return complete_with(to_json_document(facts.output),
                         facts.session_patch.value_or("unreadable"));
  }
  if (facts.status == rules.defer_code) {
    Ending deferred =
        ending_with(Verdict::defer, with_errors("deferred by the handler", facts.errors));
    deferred.delay = rules.defer_delay;
    return deferred;
  }
  const std::string text = with_errors(fmt::format("exit code {}", facts.status), facts.errors);
  if (facts.status == rules.dead_code) return ending_with(Verdict::bury, text);
  // What a shell and env(1) answer when there is no such program, or it can't be executed.
  if (facts.status == 126 || facts.status == 127) {
    Ending broken = ending_with(Verdict::broken, text);
    broken.answered = true;
    return broken;
  }
  return ending_with(Verdict::fail, text);
}

}  // namespace wp::runner
