// The tables and lists of docs/handlers.md, held against the code that they describe: what stands
// in the page is so, and nothing is missing there.
#include <algorithm>
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <regex>
#include <set>

#include <nlohmann/json.hpp>

#include "runner/handlers/environment.h"
#include "runner/handlers/http/outcome.h"
#include "runner/handlers/http/request.h"
#include "runner/handlers/outcome.h"
#include "runner/handlers/stdio/protocol.h"
#include "tests/docs/page.h"
#include "tests/support/process.h"
#include "tests/support/temp_folder.h"

using namespace wp;
using namespace wp::runner;
using namespace wp::test;

namespace {

using Names = std::set<std::string>;
using Rows = std::vector<std::vector<std::string>>;

const Page& page() {
  static const Page the_page("handlers.md");
  return the_page;
}

Names matches(const std::string& text, const std::string& pattern) {
  const std::regex regex(pattern);
  Names all;
  for (std::sregex_iterator it(text.begin(), text.end(), regex), end; it != end; ++it) {
    all.insert(it->str());
  }
  return all;
}

// A job that has everything that a job can have.
Task full_task() {
  Task task;
  task.job.id = "id";
  task.job.type = "type";
  task.job.epoch = 17;
  task.job.payload = "1";
  task.job.session = "session";
  task.job.session_document = "{}";
  task.job.previous = "1";
  return task;
}

// What the page says of the job, as the verdict that it means.
std::optional<Verdict> verdict_of(const std::string& cell) {
  static const std::vector<std::pair<std::string, Verdict>> words = {
      {"is done", Verdict::complete},
      {"done", Verdict::complete},
      {"comes again", Verdict::defer},
      {"again later", Verdict::defer},
      {"is dead at once", Verdict::bury},
      {"dead at once", Verdict::bury},
      {"the program cannot run", Verdict::broken},
      {"the app is not what it should be", Verdict::broken},
      {"failed", Verdict::fail},
      {"crashed", Verdict::crash},
  };
  for (const auto& [begin, verdict] : words) {
    if (cell.starts_with(begin)) return verdict;
  }
  return std::nullopt;
}

// The row that names the number, or its hundred (4xx); else the one that says "another".
const std::vector<std::string>& row_of(const Rows& rows, int number) {
  const std::vector<std::string>* another = nullptr;
  for (const auto& row : rows) {
    const Names named = matches(row[0], R"(\b\d+(xx)?\b)");
    if (row[0].starts_with("another")) {
      another = &row;
    } else if (named.contains(std::to_string(number)) ||
               named.contains(std::to_string(number / 100) + "xx")) {
      return row;
    }
  }
  REQUIRE(another != nullptr);
  return *another;
}

const std::vector<std::string>& row_with(const Rows& rows, const std::string& words) {
  const auto found = std::find_if(rows.begin(), rows.end(), [&](const auto& row) {
    return row[0].find(words) != std::string::npos;
  });
  REQUIRE_MESSAGE(found != rows.end(), words);
  return *found;
}

Verdict answered(const std::string& head, bool cut = false) {
  HttpFacts facts;
  facts.answer.add(head);
  if (cut) facts.answer.cut();
  return classify_http(facts, {.url = "u"}, Millis{0}).verdict;
}

std::string help_of(const std::vector<std::string>& words) {
  const OwnFolder folder;
  Process help(words, folder.path() + "/help");
  REQUIRE(help.wait() == 0);
  return help.output();
}

bool has_flag(const std::string& help, const std::string& flag) {
  return std::regex_search(help, std::regex("(^|[ ,])" + flag + "([ \n=]|$)"));
}

}  // namespace

TEST_CASE("page: its table has the variables that a job's program gets, and no other") {
  JobFacts facts;
  facts.scratch = "/tmp/x";
  Names set;
  for (const std::string& entry : job_environment({}, full_task(), facts)) {
    set.insert(entry.substr(0, entry.find('=')));
  }
  Names named;
  for (const auto& row : page().table("### What a program is told")) {
    named.merge(matches(row[0], "WP_[A-Z_]+"));
  }
  CHECK(named == set);

  // Elsewhere also the runner's own settings.
  const std::string help = help_of({program("workerpool-runner"), "--help"});
  for (const std::string& name : matches(page().text(), "WP_[A-Z_]*[A-Z]")) {
    CHECK_MESSAGE((set.contains(name) || help.find(name) != std::string::npos), name);
  }
}

TEST_CASE("page: every exit code means what its row says") {
  const Rows rows = page().table("### What a program answers");
  for (int code = 0; code < 256; ++code) {
    ExitFacts facts;
    facts.status = code;
    const auto& row = row_of(rows, code);
    CAPTURE(row[0]);
    CHECK(verdict_of(row[1]) == classify_exit(facts, {}).verdict);
  }
  ExitFacts killed;
  killed.signalled = true;
  killed.status = 11;
  CHECK(verdict_of(row_with(rows, "signal")[1]) == classify_exit(killed, {}).verdict);
}

TEST_CASE("page: every HTTP status means what its row says") {
  const Rows rows = page().table("## http: an app beside");
  for (int status = 200; status < 600; ++status) {
    const auto& row = row_of(rows, status);
    CAPTURE(status);
    CAPTURE(row[0]);
    CHECK(verdict_of(row[1]) ==
          answered(fmt::format("HTTP/1.1 {} x\r\nContent-Length: 0\r\n\r\n", status)));
  }
  CHECK(verdict_of(row_with(rows, "breaks off")[1]) ==
        answered("HTTP/1.1 200 x\r\nContent-Length: 5\r\n\r\nab", true));
  HttpFacts unreachable;
  unreachable.error = ECONNREFUSED;
  CHECK(verdict_of(row_with(rows, "no connection")[1]) ==
        classify_http(unreachable, {.url = "u"}, Millis{0}).verdict);
}

TEST_CASE("page: every line of a long-lived program means what its row says") {
  for (const auto& row : page().table("## stdio: long-lived processes")) {
    for (std::string line : code_spans(row[0])) {
      // What the page leaves to the reader is a text, an object or any value.
      line = std::regex_replace(line, std::regex(R"(\{…\})"), "{}");
      line = std::regex_replace(line, std::regex(R"(: …)"), ": 1");
      CAPTURE(line);
      const StdioMessage message = parse_stdio_line(line);
      if (message.kind == StdioMessage::Kind::answer) {
        CHECK(verdict_of(row[1]) == message.answer.verdict);
      } else if (message.kind == StdioMessage::Kind::ready) {
        CHECK(row[1].starts_with("once"));
      } else {
        CHECK(message.kind == StdioMessage::Kind::progress);
        CHECK(row[1].starts_with("any number"));
      }
    }
  }
}

TEST_CASE("page: it names the members of a job's line, and no other") {
  Names members;
  for (const char* payload : {"1", "\xFF"}) {
    Task task = full_task();
    task.job.payload = payload;
    const auto line = nlohmann::json::parse(stdio_job_line(task, {"q", "/tmp/x", Millis{1}}));
    for (const auto& [name, value] : line.items()) members.insert(name);
  }
  const std::string& text = page().text();
  const std::size_t begin = text.find("A job's line has ");
  REQUIRE(begin != std::string::npos);
  Names named;
  for (const std::string& span : code_spans(text.substr(begin, text.find("\n\n", begin) - begin))) {
    named.insert(span);
  }
  CHECK(named == members);
}

TEST_CASE("page: it names the headers of a job's request, and no other") {
  const std::string head =
      make_job_request(full_task(), parse_http_url("http://127.0.0.1:1/"), "q", Millis{1}).head;
  const std::string section = page().section("## http: an app beside");
  CHECK(matches(section, "WP-[A-Za-z-]+") == matches(head, "WP-[A-Za-z-]+"));
  CHECK(section.find("`WP-Envelope: job`") != std::string::npos);
  CHECK(head.find("WP-Envelope: job\r\n") != std::string::npos);
}

TEST_CASE("page: every flag exists") {
  const std::string runner = help_of({program("workerpool-runner"), "--help"});
  std::string ctl = help_of({program("workerpoolctl"), "--help"});
  for (const char* verb : {"enqueue", "jobs show", "jobs cancel"}) {
    ctl += help_of({"sh", "-c", program("workerpoolctl") + " " + verb + " --help"});
  }
  for (const FencedBlock& block : page().blocks()) {
    if (block.language != "console") continue;
    for (const std::string& line : block.lines) {
      const bool runs_runner = line.starts_with("$ workerpool-runner ");
      if (!runs_runner && !line.starts_with("$ workerpoolctl ")) continue;
      for (const std::string& flag : matches(line.substr(0, line.find(" -- ")), "--[a-z][a-z-]*")) {
        CHECK_MESSAGE(has_flag(runs_runner ? runner : ctl, flag), flag);
      }
    }
  }
  for (const std::string& span : code_spans(page().text())) {
    for (const std::string& flag : matches(span, "--[a-z][a-z-]*")) {
      CHECK_MESSAGE((has_flag(runner, flag) || has_flag(ctl, flag)), flag);
    }
  }
}

TEST_CASE("page: every field of a pool exists") {
  std::ifstream in(std::string(std::getenv("WORKERPOOL_SOURCE")) + "/crds/workerpools.yaml");
  const std::string resource{std::istreambuf_iterator<char>(in), {}};
  REQUIRE_FALSE(resource.empty());
  int found = 0;
  static const std::regex field(
      R"((?:(?:jobs|health|workers)\.)?((?:[a-z]+[A-Z]\w*|timeout))(?::.*)?)");
  for (const std::string& span : code_spans(page().text())) {
    std::smatch match;
    if (!std::regex_match(span, match, field)) continue;
    if (page().text().find("`type`, `queue`, `attempt`, `" + span) != std::string::npos) continue;
    CHECK_MESSAGE(resource.find(" " + match[1].str() + ":\n") != std::string::npos, span);
    ++found;
  }
  CHECK(found >= 8);
}
