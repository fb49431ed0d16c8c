#include "ctl/batch.h"

#include <doctest/doctest.h>

using namespace wp;
using namespace wp::ctl;

namespace {

constexpr std::int64_t kMax = 1024 * 1024;

queue::NewJob parse(std::string_view line) {
  return parse_batch_line(line, {}, kMax);
}

std::string error_of(std::string_view line, std::int64_t max = kMax) {
  try {
    (void)parse_batch_line(line, {}, max);
  } catch (const BadLine& e) {
    return e.what();
  }
  return "no error";
}

bool holds(const std::string& text, std::string_view part) {
  const bool found = text.find(part) != std::string::npos;
  if (!found) MESSAGE("\"", text, "\" lacks \"", part, "\"");
  return found;
}

}  // namespace

TEST_CASE("a line with every key") {
  const auto job =
      parse(R"({"type":"thumb","payload":"a\nb","id":"x-1","priority":200,"delay":"5m"})");
  CHECK(job.type == "thumb");
  CHECK(job.payload == "a\nb");
  CHECK(job.id == "x-1");
  CHECK(job.priority == 200);
  CHECK(job.delay == Millis{300'000});
}

TEST_CASE("what a line leaves away is the defaults', but never their id or payload") {
  queue::NewJob defaults;
  defaults.type = "mail";
  defaults.priority = 7;
  defaults.delay = Millis{1000};
  defaults.id = "not-this";
  defaults.payload = "nor this";
  const auto job = parse_batch_line("{}", defaults, kMax);
  CHECK(job.type == "mail");
  CHECK(job.priority == 7);
  CHECK(job.delay == Millis{1000});
  CHECK(job.id.empty());
  CHECK(job.payload.empty());
  CHECK(parse("{}").type == "default");
}

TEST_CASE("payloads: a text is its bytes, other JSON its own text without blanks") {
  struct Row {
    const char* json;
    const char* payload;
  };
  for (const Row& row : {
           Row{R"("")", ""},
           Row{R"("{\"a\": 1}")", R"({"a": 1})"},
           Row{R"("gr\u00fc\u00dfe")",
               "gr\xC3\xBC\xC3\x9F"
               "e"},
           Row{"null", "null"},
           Row{"true", "true"},
           Row{" 7 ", "7"},
           Row{"[ ]", "[]"},
           Row{R"({ "b" : [ 1 , 2 ], "a" : "x y" })", R"({"b":[1,2],"a":"x y"})"},
           // Parsing and writing anew would change each of these.
           Row{"12345678901234567890123.10", "12345678901234567890123.10"},
           Row{R"([1.0, 1e2, -0.0])", "[1.0,1e2,-0.0]"},
           Row{R"({"k":"\u00e9 } , ] \" \\"})", R"({"k":"\u00e9 } , ] \" \\"})"},
           Row{R"({"a":1,"a":2})", R"({"a":1,"a":2})"},
       }) {
    CAPTURE(row.json);
    CHECK(parse(std::string("{\"id\":\"a\", \"payload\" : ") + row.json + ", \"type\":\"t\"}")
              .payload == row.payload);
    CHECK(parse(std::string("{\"payload\":") + row.json + "}").payload == row.payload);
  }
}

TEST_CASE("the payload is found by its key, wherever and however that is written") {
  CHECK(parse(R"({"p\u0061yload":[1, 2]})").payload == "[1,2]");
  CHECK(parse("\xEF\xBB\xBF{\"payload\":[1, 2]}").payload == "[1,2]");
  CHECK(parse("  {\"payload\" :\t{} }\r").payload == "{}");
  // Twice the same key: the last one counts, as in every JSON reader that keeps one.
  CHECK(parse(R"({"payload":[1],"payload":[2]})").payload == "[2]");
  CHECK(holds(error_of(R"({"type":{"payload":[3]},"payload":[4]})"), "type"));
}

TEST_CASE("depth does not matter, neither in a payload nor in a line that is none") {
  const std::string deep = std::string(200'000, '[') + std::string(200'000, ']');
  CHECK(parse("{\"payload\":" + deep + "}").payload == deep);
  CHECK(holds(error_of(deep), "a list is not a JSON object"));
}

TEST_CASE("bad lines say what is wrong and what is allowed") {
  struct Row {
    const char* line;
    const char* what;
    const char* allowed;
  };
  for (const Row& row : {
           Row{R"({"typ":"x"})", R"(unknown key "typ")", "type, payload, id, priority, delay"},
           Row{R"({"Type":"x"})", R"(unknown key "Type")", "allowed keys"},
           Row{R"(["x"])", "a list", "allowed keys"},
           Row{R"("x")", "\"x\"", "allowed keys"},
           Row{"7", "7", "allowed keys"},
           Row{R"({"type":7})", "type: 7 is not a text", ""},
           Row{R"({"type":""})", "type \"\"", "1 to 64 characters"},
           Row{R"({"type":"a b"})", "type \"a b\"", "A-Z a-z 0-9"},
           Row{R"({"id":""})", "id \"\"", "leave the key away"},
           Row{R"({"id":"a/b"})", "id \"a/b\"", "1 to 64 characters"},
           Row{R"({"id":null})", "id: null", ""},
           Row{R"({"priority":256})", "priority 256", "0 to 255"},
           Row{R"({"priority":-1})", "priority -1", "0 to 255"},
           Row{R"({"priority":1.5})", "priority 1.5", "0 to 255"},
           Row{R"({"priority":"7"})", "priority \"7\"", "0 to 255"},
           Row{R"({"priority":18446744073709551615})", "priority", "0 to 255"},
           Row{R"({"delay":5})", "delay 5", "\"90s\" or \"5m\""},
           Row{R"({"delay":"5"})", "delay \"5\"", "10 years"},
           Row{R"({"timeout":30})", "timeout 30", "30 days"},
           Row{R"({"timeout":"721h"})", "timeout 2595600000 ms", "1 ms to 30 days"},
           Row{R"({"delay":"-5s"})", "delay \"-5s\"", "10 years"},
           Row{R"({"delay":"100000h"})", "delay \"100000h\"", "10 years"},
           Row{R"({"type":"x")", "not JSON", ""},
           Row{R"({"type":"x"} {})", "not JSON", ""},
           Row{"{type:1}", "not JSON", ""},
           Row{"{\"payload\":\"\xff\"}", "not JSON", ""},
           Row{R"({"payload":1e999})", "not JSON", ""},
       }) {
    CAPTURE(row.line);
    const std::string error = error_of(row.line);
    CHECK(holds(error, row.what));
    CHECK(holds(error, row.allowed));
    CHECK(error.find('\n') == std::string::npos);
  }
}

TEST_CASE("an error stays one short printable line, whatever the line holds") {
  for (const std::string& line :
       {std::string("{\"type\":\"") + std::string(1'000'000, 'x') + "\"}",
        std::string("{\"") + std::string(1'000'000, 'k') + "\":1}", std::string("\0\0\0", 3),
        std::string("{\"id\":\"\\u001b[31m\"}"), std::string("\x1b[31m")}) {
    const std::string error = error_of(line);
    CHECK(error != "no error");
    CHECK(error.size() < 400);
    for (const char c : error) CHECK(static_cast<unsigned char>(c) >= 0x20);
  }
}

TEST_CASE("the payload's bound counts bytes as the job has them") {
  CHECK(error_of(R"({"payload":"1234"})", 4) == "no error");
  CHECK(holds(error_of(R"({"payload":"12345"})", 4), "payload of 5 bytes: allowed are 4"));
  CHECK(error_of(R"({"payload":[1, 2]})", 5) == "no error");
}

TEST_CASE("blank lines") {
  for (const char* line : {"", " ", "\t\r", "  \r"}) CHECK(is_blank(line));
  for (const char* line : {"{}", " x", "\xEF\xBB\xBF"}) CHECK_FALSE(is_blank(line));
}
