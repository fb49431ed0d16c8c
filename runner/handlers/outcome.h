// What a process's end means for its job. Pure: facts in, ending out.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "runner/handlers/handler.h"

namespace wp::runner {

inline constexpr std::size_t kMaxOutputBytes = 1024 * 1024;  // of stdout

/// What the user may choose about exit codes.
struct ExitRules {
  int defer_code = 75;  // EX_TEMPFAIL of sysexits.h
  int dead_code = 65;   // EX_DATAERR
  Millis defer_delay{10000};
};

/// How a process ended, and what it said.
struct ExitFacts {
  int spawn_error = 0;  // errno; then nothing below counts
  std::string command;  // for messages
  bool signalled = false;
  int status = 0;  // exit code, or the signal's number
  Stop stopped;
  std::string output;  // stdout, up to the bound
  bool output_too_large = false;
  std::string errors;  // the tail of stderr
  /// What it left as its session's patch; empty: none. Absent: something that cannot be one.
  std::optional<std::string> session_patch = "";
};

Ending classify_exit(const ExitFacts& facts, const ExitRules& rules);

/// Bytes as a JSON document: as they are when they parse, else as a JSON string without the last
/// newline; null when empty.
std::string to_json_document(std::string_view bytes);

/// A complete ending, or ResultTooLarge when the queue could not keep the result; a failed one when
/// the patch is no JSON object.
Ending complete_with(std::string document, std::string session_patch = {});

/// `head`, and after a colon what a program said on stderr: its end, where the cause stands.
std::string with_errors(std::string head, std::string_view errors);

}  // namespace wp::runner
