#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <nlohmann/json.hpp>

#include "runner/handlers/stdio/protocol.h"

using namespace wp;
using namespace wp::runner;
using nlohmann::json;
using Kind = StdioMessage::Kind;

namespace {

Task task_with(std::string payload) {
  Task task;
  task.job.id = "j1";
  task.job.type = "mail";
  task.job.epoch = 17;
  task.job.failures = 2;
  task.job.payload = std::move(payload);
  task.max_attempts = 9;
  return task;
}

json job_line(const Task& task, Millis deadline = Millis{0}) {
  const std::string line = stdio_job_line(task, {"shop/mail", "/tmp/x", deadline});
  CHECK(line.find('\n') == line.size() - 1);
  return json::parse(line);
}

std::vector<std::string> lines_of(StdioLines& lines, std::string_view bytes) {
  std::vector<std::string> got;
  lines.add(bytes);
  while (const auto line = lines.next()) got.emplace_back(*line);
  return got;
}

}  // namespace

TEST_CASE("a job's line holds its facts") {
  const json line = job_line(task_with("{\"to\": \"x\"}"));
  CHECK(line == json::parse(R"({"id": "j1", "type": "mail", "attempt": 3, "maxAttempts": 9,
      "epoch": 17, "queue": "shop/mail", "payload": {"to": "x"}, "dir": "/tmp/x"})"));
  CHECK(job_line(task_with(""), Millis{1000})["deadline"] == "1970-01-01T00:00:01.000Z");
}

TEST_CASE("payloads: JSON as it is, text as a string, other bytes as base64") {
  struct Case {
    std::string payload;
    const char* name;
    json value;
  };
  const std::vector<Case> cases = {
      {"", "payload", ""},
      {"plain", "payload", "plain"},
      {"two\nlines\r\n", "payload", "two\nlines\r\n"},
      {"{\n  \"a\": [1,\r\n 2]\n}\n", "payload", {{"a", {1, 2}}}},
      {std::string("1\0x", 3), "payload", std::string("1\0x", 3)},
      {"\xEF\xBB\xBF{}", "payload", "\xEF\xBB\xBF{}"},
      {"\xFF\xFE", "payload_base64", "//4="},
      {"\"\xFF\"", "payload_base64", "Iv8i"},
      {"{\"a\": 1", "payload", "{\"a\": 1"},
      {"\xE2\x80\xA8", "payload", "\xE2\x80\xA8"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.payload);
    const json line = job_line(task_with(c.payload));
    CHECK(line.at(c.name) == c.value);
    CHECK(line.contains("payload") != line.contains("payload_base64"));
  }
  const std::string exact = stdio_job_line(task_with("12345678901234567890.10"), {"q", "/d", {}});
  CHECK(exact.find("\"payload\":12345678901234567890.10,") != std::string::npos);
}

TEST_CASE("a session and the result of the step before come along") {
  Task task = task_with("1");
  CHECK_FALSE(job_line(task).contains("session"));
  CHECK_FALSE(job_line(task).contains("previous"));
  task.job.session = "s";
  task.job.session_document = "{\n\"n\": 1}";
  task.job.previous = "[1,\n2]";
  CHECK(job_line(task)["session"] == json({{"name", "s"}, {"document", {{"n", 1}}}}));
  CHECK(job_line(task)["previous"] == json({1, 2}));
  task.job.session_document = "[no object]";
  CHECK(job_line(task)["session"]["document"] == json::object());
}

TEST_CASE("any payload survives its line") {
  CHECK(rc::check([](const std::string& payload) {
    const json line = job_line(task_with(payload));
    if (line.contains("payload")) {
      const json& value = line["payload"];
      if (value.is_string() && value.get<std::string>() == payload) return;
      RC_ASSERT(json::parse(payload) == value);
    } else {
      RC_ASSERT(line["payload_base64"].get<std::string>().size() == (payload.size() + 2) / 3 * 4);
    }
  }));
}

TEST_CASE("what a program may say") {
  CHECK(parse_stdio_line("").kind == Kind::empty);
  CHECK(parse_stdio_line(" \r").kind == Kind::empty);
  CHECK(parse_stdio_line("{\"ready\": true}\r").kind == Kind::ready);

  const StdioMessage progress =
      parse_stdio_line(R"({"id": "j1", "progress": 40.7, "message": "half"})");
  CHECK(progress.kind == Kind::progress);
  CHECK(progress.id == "j1");
  CHECK(progress.progress.percent == 40);
  CHECK(progress.progress.message == "half");

  struct Case {
    const char* line;
    Verdict verdict;
    const char* text;
  };
  for (const Case& c : std::vector<Case>{
           {R"({"result": {"a": [1, 2]}})", Verdict::complete, R"({"a": [1, 2]})"},
           {R"({"result": null})", Verdict::complete, "null"},
           {R"({"result": 12345678901234567890123, "error": null})", Verdict::complete,
            "12345678901234567890123"},
           {R"({"result": 1, "more": "is ignored"})", Verdict::complete, "1"},
           {R"({"error": "no \"luck\""})", Verdict::fail, "no \"luck\""},
           {R"({"error": ""})", Verdict::fail, "no message given"},
           {R"({"error": {"message": "m"}, "result": null})", Verdict::fail, "m"},
           {R"({"error": {"message": "m", "retry": true}})", Verdict::fail, "m"},
           {R"({"error": {"message": "m", "retry": false}})", Verdict::bury, "m"},
           {R"({"error": {"code": 7}})", Verdict::fail, R"({"code":7})"},
           {R"({"defer": "10s"})", Verdict::defer, "deferred by the handler"},
           {R"({"defer": "10s", "message": "busy"})", Verdict::defer, "busy"},
       }) {
    CAPTURE(c.line);
    const StdioMessage message = parse_stdio_line(c.line);
    CHECK(message.kind == Kind::answer);
    CHECK(message.answer.verdict == c.verdict);
    CHECK(message.answer.text == c.text);
  }
  CHECK(parse_stdio_line(R"({"defer": "1m30s"})").answer.delay == Millis{90000});
  CHECK(parse_stdio_line(R"({"result": 1, "session": {"a": null}})").answer.session_patch ==
        R"({"a": null})");
  CHECK(parse_stdio_line(R"({"result": 1, "session": null})").answer.session_patch.empty());
  CHECK(parse_stdio_line(R"({"result": 1, "session": 7})").answer.verdict == Verdict::fail);
}

TEST_CASE("what a program may not say") {
  for (const std::string& line : {
           std::string("Loading model..."),
           std::string("{\"result\": 1} x"),
           std::string("[]"),
           std::string("{}"),
           std::string("7"),
           std::string("{\"result\": "),
           std::string("{\"result\": 1, \"progress\": 2}"),
           std::string("{\"ready\": false}"),
           std::string("{\"ready\": 1}"),
           std::string("{\"progress\": \"much\"}"),
           std::string("{\"error\": 7}"),
           std::string("{\"error\": null}"),
           std::string("{\"error\": {\"retry\": 0}}"),
           std::string("{\"defer\": 10}"),
           std::string("{\"defer\": \"soon\"}"),
           std::string("{\"result\": 1, \"error\": \"x\"}"),
           std::string("{\"result\": 1, \"id\": 7}"),
           std::string("{\"result\": 1}\0", 14),
           std::string("{\"result\": \"\xFF\"}"),
       }) {
    CAPTURE(line);
    const StdioMessage message = parse_stdio_line(line);
    CHECK(message.kind == Kind::invalid);
    CHECK_FALSE(message.text.empty());
  }
}

TEST_CASE("a complaint quotes the line and says what is allowed") {
  const std::string said =
      stdio_complaint("is no JSON object", "Loading \x1b[1m" + std::string(5000, 'x'));
  CHECK(said.starts_with("Protocol: a line on stdout is no JSON object: \"Loading \\x1b[1mxxx"));
  CHECK(said.find("stderr") != std::string::npos);
  CHECK(said.find("{\"result\": …}") != std::string::npos);
  CHECK(said.size() < 600);
}

TEST_CASE("errors are cut to what the queue keeps, deep documents are no danger") {
  const std::string text(3 * queue::kMaxErrorBytes, 'e');
  CHECK(parse_stdio_line("{\"error\": \"" + text + "\"}").answer.text.size() ==
        queue::kMaxErrorBytes);
  const std::string deep = std::string(500000, '[') + std::string(500000, ']');
  CHECK(parse_stdio_line("{\"result\": " + deep + "}").answer.verdict == Verdict::bury);
  CHECK(parse_stdio_line("{\"error\": " + deep + "}").kind == Kind::invalid);
  CHECK(parse_stdio_line("{\"result\": 1, \"session\": {\"a\":" + deep + "}}").answer.verdict ==
        Verdict::fail);
  CHECK(parse_stdio_line(deep).kind == Kind::invalid);
}

TEST_CASE("any chunks give the same lines") {
  CHECK(
      rc::check([](const std::vector<std::string>& words, const std::vector<unsigned char>& cuts) {
        std::string stream;
        for (const std::string& word : words) stream += word + (word.size() % 3 == 0 ? "\n" : "");
        StdioLines whole;
        const std::vector<std::string> expected = lines_of(whole, stream);
        StdioLines lines;
        std::vector<std::string> got;
        std::string_view left = stream;
        for (const unsigned char cut : cuts) {
          const std::size_t n = std::min<std::size_t>(left.size(), cut % 7);
          for (std::string& line : lines_of(lines, left.substr(0, n)))
            got.push_back(std::move(line));
          left.remove_prefix(n);
        }
        for (std::string& line : lines_of(lines, left)) got.push_back(std::move(line));
        RC_ASSERT(got == expected);
        RC_ASSERT(lines.rest() == whole.rest());
      }));
}

TEST_CASE("the longest line passes, one byte more does not, and 100 MB are not kept") {
  const std::string longest(kMaxStdioLine, 'x');
  for (const std::size_t chunk : {kMaxStdioLine + 2, std::size_t{65536}, std::size_t{1000}}) {
    CAPTURE(chunk);
    for (const bool over : {false, true}) {
      StdioLines lines;
      std::vector<std::string> got;
      const std::string stream = longest + (over ? "y\n" : "\n");
      for (std::size_t at = 0; at < stream.size(); at += chunk) {
        for (auto& line : lines_of(lines, std::string_view(stream).substr(at, chunk))) {
          got.push_back(std::move(line));
        }
      }
      CHECK(got.size() == (over ? 0 : 1));
      CHECK(lines.too_long() == over);
    }
  }
  StdioLines lines;
  const std::string chunk(65536, 'z');
  for (int i = 0; i < 1600; ++i) CHECK(lines_of(lines, chunk).empty());
  CHECK(lines.too_long());
  CHECK(lines.rest().size() == kMaxStdioLine);
  CHECK(lines_of(lines, "\n{}\n").empty());
}
