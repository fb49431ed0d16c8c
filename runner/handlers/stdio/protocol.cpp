#include "runner/handlers/stdio/protocol.h"

#include <fmt/format.h>

#include "base/base64.h"
#include "base/units.h"
#include "runner/handlers/json_text.h"
#include "runner/handlers/printable.h"
#include "runner/handlers/streams.h"

namespace wp::runner {
namespace {

constexpr std::size_t kQuoted = 160;  // bytes of a line that a complaint shows

void add_value(std::string& line, std::string_view name, std::string_view bytes) {
  if (is_json(bytes)) {
    line += fmt::format(",\"{}\":{}", name, compact_json(bytes));
  } else if (is_utf8(bytes)) {
    line += fmt::format(",\"{}\":{}", name, json_string(bytes));
  } else {
    line += fmt::format(",\"{}_base64\":\"{}\"", name, to_base64(bytes));
  }
}

// The members that mean something, as they stand in the line.
struct Members {
  std::optional<std::string_view> id, ready, progress, message, result, session, error, defer;
};

std::optional<Members> find_members(std::string_view line) {
  const auto members = json_members(line);
  if (!members) return std::nullopt;
  Members found;
  for (const JsonMember& member : *members) {
    if (member.name == "id") found.id = member.value;
    if (member.name == "ready") found.ready = member.value;
    if (member.name == "progress") found.progress = member.value;
    if (member.name == "message") found.message = member.value;
    if (member.name == "result") found.result = member.value;
    if (member.name == "session") found.session = member.value;
    if (member.name == "error") found.error = member.value;
    if (member.name == "defer") found.defer = member.value;
  }
  // Libraries that know of one reply with both write null for the one that it isn't.
  if (found.error == "null" && found.result) found.error.reset();
  if (found.error && found.result == "null") found.result.reset();
  if (found.session == "null") found.session.reset();
  return found;
}

StdioMessage invalid(std::string text) {
  StdioMessage message;
  message.text = std::move(text);
  return message;
}

StdioMessage answer(Verdict verdict, std::string text) {
  StdioMessage message;
  message.kind = StdioMessage::Kind::answer;
  message.answer.verdict = verdict;
  message.answer.text =
      text.empty() ? "no message given" : cut_text(std::move(text), queue::kMaxErrorBytes);
  return message;
}

StdioMessage parse_progress_line(std::string_view line) {
  auto progress = parse_progress(line);
  if (!progress) return invalid("\"progress\" is no number of percent");
  StdioMessage message;
  message.kind = StdioMessage::Kind::progress;
  message.progress = std::move(*progress);
  return message;
}

StdioMessage parse_result(const Members& members) {
  StdioMessage message;
  message.kind = StdioMessage::Kind::answer;
  message.answer = complete_with(std::string(*members.result),
                                 std::string(members.session.value_or(std::string_view())));
  return message;
}

StdioMessage parse_error(std::string_view error) {
  if (auto text = text_of_json(error)) return answer(Verdict::fail, std::move(*text));
  const auto members = json_members(error);
  if (!members) return invalid("\"error\" is neither a text nor an object");
  std::string text = compact_json(error);
  bool retry = true;
  for (const JsonMember& member : *members) {
    if (member.name == "message") {
      if (auto said = text_of_json(member.value)) text = std::move(*said);
    } else if (member.name == "retry") {
      if (member.value != "true" && member.value != "false") {
        return invalid("\"retry\" is neither true nor false");
      }
      retry = member.value == "true";
    }
  }
  return answer(retry ? Verdict::fail : Verdict::bury, std::move(text));
}

StdioMessage parse_defer(const Members& members) {
  const auto text = text_of_json(*members.defer);
  const auto delay = text ? parse_duration(*text) : std::nullopt;
  if (!delay) return invalid("has a \"defer\" that is no duration such as \"10s\"");
  const auto said = members.message ? text_of_json(*members.message) : std::nullopt;
  StdioMessage message = answer(Verdict::defer, said.value_or("deferred by the handler"));
  message.answer.delay = *delay;
  return message;
}

}  // namespace

std::string stdio_job_line(const Task& task, const StdioJobFacts& facts) {
  const queue::ClaimedJob& job = task.job;
  std::string line = fmt::format(
      "{{\"id\":{},\"type\":{},\"attempt\":{},\"maxAttempts\":{},\"epoch\":{},\"queue\":{}",
      json_string(job.id), json_string(job.type), job.failures + 1, task.max_attempts, job.epoch,
      json_string(facts.queue));
  if (facts.deadline.count() > 0) {
    line += fmt::format(",\"deadline\":\"{}\"", format_time(facts.deadline));
  }
  add_value(line, "payload", job.payload);
  line += fmt::format(",\"dir\":{}", json_string(facts.scratch));
  if (!job.session.empty()) {
    // A foreign writer's document may be anything; the patch will be merged into {} then, too.
    const bool object = json_members(job.session_document).has_value();
    line += fmt::format(",\"session\":{{\"name\":{},\"document\":{}}}", json_string(job.session),
                        object ? compact_json(job.session_document) : "{}");
  }
  if (!job.previous.empty()) add_value(line, "previous", job.previous);
  return line += "}\n";
}

StdioMessage parse_stdio_line(std::string_view line) {
  StdioMessage message;
  if (line.find_first_not_of(" \t\r") == std::string_view::npos) {
    message.kind = StdioMessage::Kind::empty;
    return message;
  }
  const auto members = find_members(line);
  if (!members) return invalid("is no JSON object");
  const int kinds = members->ready.has_value() + members->progress.has_value() +
                    members->result.has_value() + members->error.has_value() +
                    members->defer.has_value();
  if (kinds != 1) {
    return invalid(kinds == 0 ? "says nothing that is known" : "says more than one thing");
  }
  if (members->ready) {
    if (members->ready != "true") return invalid("\"ready\" is not true");
    message.kind = StdioMessage::Kind::ready;
  } else if (members->progress) {
    message = parse_progress_line(line);
  } else if (members->result) {
    message = parse_result(*members);
  } else if (members->error) {
    message = parse_error(*members->error);
  } else {
    message = parse_defer(*members);
  }
  if (members->id && message.kind != StdioMessage::Kind::invalid) {
    message.id = text_of_json(*members->id);
    if (!message.id) return invalid("\"id\" is no text");
  }
  return message;
}

std::string stdio_complaint(std::string_view what, std::string_view line) {
  return fmt::format(
      "Protocol: a line on stdout {}: \"{}\" (allowed there, one JSON object per line: "
      "{{\"result\": …}}, {{\"error\": …}}, {{\"defer\": \"10s\"}}, {{\"progress\": 40}}, "
      "{{\"ready\": true}}; all else, also what libraries print, belongs to stderr)",
      what, escaped(line, kQuoted));
}

void StdioLines::add(std::string_view bytes) {
  if (too_long_) return;
  if (read_ > 0) {
    bytes_.erase(0, read_);  // once per batch: per line it would be quadratic
    scanned_ -= read_;
    read_ = 0;
  }
  bytes_ += bytes;
}

std::optional<std::string_view> StdioLines::next() {
  if (too_long_) return std::nullopt;
  const std::size_t newline = bytes_.find('\n', scanned_);
  const std::size_t end = newline == std::string::npos ? bytes_.size() : newline;
  scanned_ = end;
  if (end - read_ > kMaxStdioLine) {
    too_long_ = true;
    bytes_.resize(read_ + kMaxStdioLine);
    return std::nullopt;
  }
  if (newline == std::string::npos) return std::nullopt;
  const std::string_view line = std::string_view(bytes_).substr(read_, newline - read_);
  read_ = scanned_ = newline + 1;
  return line;
}

}  // namespace wp::runner
