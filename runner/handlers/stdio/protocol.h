// What the stdio handler and a long-lived program say to each other: one JSON object per line.
//
// To the program, a line per job:
//   {"id": "…", "type": "mail", "attempt": 1, "maxAttempts": 5, "epoch": 17, "queue": "q",
//    "deadline": "2026-11-21T06:32:38.123Z", "payload": …, "dir": "/tmp/wp-job-…",
//    "session": {"name": "…", "document": {…}}, "previous": …}
// `deadline`, `session` and `previous` only where there is one. The payload is a JSON value when it
// parses, else its text as a string; bytes that are no UTF-8 come as "payload_base64" instead.
//
// From the program, to its stdout and nothing else there:
//   {"ready": true}                            once, first; needed only where the pool says `ready`
//   {"progress": 40, "message": "half way"}    any number of them, while it has a job
// and then one of
//   {"result": …, "session": {merge patch of RFC 7396}}      done; `session` may be left out
//   {"error": "…"}                                           failed, to be retried
//   {"error": {"message": "…", "retry": false}}              failed; dead at once without retry
//   {"defer": "10s", "message": "…"}                         later, not counted as an attempt
// Each may carry the "id" of its job. That is good practice: an answer that names another job than
// the program has is refused, one without may be taken for the next job's. Empty lines, and members
// that are not named here, are ignored.
//
// Pure: no process, no clock.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "runner/handlers/handler.h"
#include "runner/handlers/outcome.h"

namespace wp::runner {

/// The longest line of a program: the largest result, and room for a session's patch beside it.
inline constexpr std::size_t kMaxStdioLine = kMaxOutputBytes + 256 * 1024;

struct StdioJobFacts {
  std::string queue;
  std::string scratch;
  Millis deadline{0};  // wall clock; 0: none
};

/// The line of a job, with its newline.
std::string stdio_job_line(const Task& task, const StdioJobFacts& facts);

/// One line of a program.
struct StdioMessage {
  enum class Kind { empty, ready, progress, answer, invalid };
  Kind kind = Kind::invalid;
  std::optional<std::string> id;  // the job that it names
  queue::Progress progress;
  Ending answer;     // without epoch and duration
  std::string text;  // invalid: what is wrong with it
};
StdioMessage parse_stdio_line(std::string_view line);

/// `what` is wrong with a line: a sentence that quotes it and says what is allowed.
std::string stdio_complaint(std::string_view what, std::string_view line);

/// Cuts what a program writes into lines, wherever the chunks end. Keeps no more than kMaxStdioLine
/// and a chunk.
class StdioLines {
 public:
  void add(std::string_view bytes);
  /// The next whole line without its newline, until the next call. Absent when there is none yet,
  /// and for good behind a line that is too long.
  std::optional<std::string_view> next();
  bool too_long() const { return too_long_; }
  /// What follows the last line: the beginning of one that is not whole, or is too long.
  std::string_view rest() const { return std::string_view(bytes_).substr(read_); }

 private:
  std::string bytes_;
  std::size_t read_ = 0;     // of bytes_, handed out already
  std::size_t scanned_ = 0;  // of bytes_, without a newline behind read_
  bool too_long_ = false;
};

}  // namespace wp::runner
