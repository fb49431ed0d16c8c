// What a long-lived program says on its stdout, and the line that a job becomes.
#include <vector>

#include <nlohmann/json.hpp>

#include "runner/handlers/stdio/protocol.h"
#include "tests/fuzz/pieces.h"
#include "tests/fuzz/require.h"

using namespace wp;
using fuzz::require;
using nlohmann::json;
using Kind = runner::StdioMessage::Kind;

namespace {

bool is_text(const std::string& text) {
  return json::accept(json(text).dump(-1, ' ', false, json::error_handler_t::ignore)) &&
         json::parse(json(text).dump(-1, ' ', false, json::error_handler_t::ignore)) == text;
}

void check_answer(const runner::Ending& answer, const json& said) {
  require(is_text(answer.text), "what is told is UTF-8");
  if (answer.verdict == runner::Verdict::complete) {
    require(json::parse(answer.text) == said.at("result"), "the result is the result");
    require(answer.text.size() <= queue::kMaxResultBytes, "and not too large");
    require(answer.session_patch.empty() || json::parse(answer.session_patch) == said.at("session"),
            "the patch is the patch");
    return;
  }
  require(answer.text.size() <= queue::kMaxErrorBytes, "an error is cut");
  require(!answer.text.empty(), "and there is one");
  require(answer.session_patch.empty(), "without a completion there is no patch");
  require(answer.delay.count() >= 0, "later is not before");
}

void check_line(std::string_view line) {
  const runner::StdioMessage message = runner::parse_stdio_line(line);
  const std::string complaint = runner::stdio_complaint(message.text, line);
  require(is_text(complaint), "a complaint is UTF-8");
  require(complaint.size() <= queue::kMaxErrorBytes, "and short");
  if (message.kind == Kind::empty) return;
  const json said = json::parse(line, nullptr, false);
  if (message.kind == Kind::invalid) {
    require(!message.text.empty(), "what is wrong is said");
    return;
  }
  require(said.is_object(), "a message is an object");
  require(message.id.has_value() == said.contains("id"), "an id is heard");
  if (message.id) require(said.at("id") == *message.id, "as it is");
  if (message.kind == Kind::progress) {
    require(message.progress.percent >= 0 && message.progress.percent <= 100, "a percentage");
    require(is_text(message.progress.message), "a message is not torn");
  }
  if (message.kind == Kind::answer) check_answer(message.answer, said);
}

std::vector<std::string> lines_of(runner::StdioLines& lines) {
  std::vector<std::string> all;
  while (const auto line = lines.next()) all.emplace_back(*line);
  return all;
}

void check_lines(const fuzz::Pieces& pieces) {
  runner::StdioLines whole;
  whole.add(pieces.stream());
  const std::vector<std::string> expected = lines_of(whole);
  runner::StdioLines cut;
  std::vector<std::string> lines;
  pieces.each([&](std::string_view piece) {
    cut.add(piece);
    for (std::string& line : lines_of(cut)) lines.push_back(std::move(line));
  });
  require(lines == expected, "lines do not depend on the pieces they come in");
  require(cut.rest() == whole.rest(), "nor does what is left");
  for (const std::string& line : lines) check_line(line);
  check_line(cut.rest());
}

// As payload, as the result of the step before and as a session's document.
void check_job(const std::string& bytes) {
  runner::Task task;
  task.job.id = "j";
  task.job.payload = task.job.previous = task.job.session_document = bytes;
  task.job.session = "s";
  const std::string line = runner::stdio_job_line(task, {"q", "/dir", Millis{1}});
  require(line.find('\n') == line.size() - 1, "a job is one line");
  const json job = json::parse(line);
  require(job.at("dir") == "/dir", "nothing escapes from the payload");
  require(job.at("session").at("document").is_object(), "a document is an object");
  if (!job.contains("payload")) {
    require(!is_text(bytes), "only what is no text comes as base64");
    require(job.at("payload_base64").get<std::string>().size() == (bytes.size() + 2) / 3 * 4,
            "all of it");
    return;
  }
  const json& payload = job.at("payload");
  if (payload.is_string() && payload == bytes) return;
  require(json::parse(bytes) == payload, "the payload is the payload");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const fuzz::Pieces pieces(std::string_view(reinterpret_cast<const char*>(data), size));
  check_lines(pieces);
  check_job(pieces.stream());
  return 0;
}
