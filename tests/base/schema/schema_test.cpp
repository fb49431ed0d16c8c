#include "base/schema/schema.h"

#include <chrono>
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <vector>

using namespace wp;

namespace {

std::string error_of(std::string_view schema) {
  try {
    (void)Schema::parse(schema);
  } catch (const SchemaError& e) {
    return e.what();
  }
  return "no error";
}

bool is_line(const std::string& text) {
  for (const char c : text) {
    if (c < ' ' || c > '~') return false;
  }
  return text.size() < 2000;
}

std::string nested(const std::string& open, const std::string& close, int depth,
                   const std::string& inner = "") {
  std::string text;
  for (int i = 0; i < depth; ++i) text += open;
  text += inner;
  for (int i = 0; i < depth; ++i) text += close;
  return text;
}

double seconds_of(const Schema& schema, const std::string& payload, std::string& problem) {
  const auto begun = std::chrono::steady_clock::now();
  problem = schema.problem_with(payload);
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
}

}  // namespace

TEST_CASE("each keyword: what passes, and the line that says what does not") {
  struct Row {
    const char* schema;
    const char* payload;
    const char* problem;  // "": fine
  };
  for (const Row& row : {
           // type
           Row{R"({"type":"object"})", "{}", ""},
           Row{R"({"type":"object"})", "[]", "payload: an array is not allowed: an object"},
           Row{R"({"type":"array"})", " [ ] ", ""},
           Row{R"({"type":"array"})", "{}", "payload: an object is not allowed: an array"},
           Row{R"({"type":"string"})", "\"\"", ""},
           Row{R"({"type":"string"})", "7", "payload: 7 is not allowed: a string"},
           Row{R"({"type":"null"})", "null", ""},
           Row{R"({"type":"null"})", "false", "payload: false is not allowed: null"},
           Row{R"({"type":"boolean"})", "true", ""},
           Row{R"({"type":"boolean"})", "0", "payload: 0 is not allowed: true or false"},
           Row{R"({"type":"number"})", "1", ""},
           Row{R"({"type":"number"})", "-1.5e3", ""},
           Row{R"({"type":"number"})", "\"1\"", "payload: \"1\" is not allowed: a number"},
           Row{R"({"type":"integer"})", "-3", ""},
           Row{R"({"type":"integer"})", "2.0", ""},
           Row{R"({"type":"integer"})", "1e3", ""},
           Row{R"({"type":"integer"})", "18446744073709551615", ""},
           Row{R"({"type":"integer"})", "123456789012345678901234567890", ""},
           Row{R"({"type":"integer"})", "12.5", "payload: 12.5 is not allowed: an integer"},
           Row{R"({"type":"integer"})", "true", "payload: true is not allowed: an integer"},
           Row{R"({"type":["integer","null"]})", "null", ""},
           Row{R"({"type":["integer","null"]})", "\"x\"",
               "payload: \"x\" is not allowed: null or an integer"},
           // properties, with the place
           Row{R"({"properties":{"width":{"type":"integer"}}})", R"({"width":12})", ""},
           Row{R"({"properties":{"width":{"type":"integer"}}})", R"({"height":1.5})", ""},
           Row{R"({"properties":{"width":{"type":"integer"}}})", "[1]", ""},
           Row{R"({"properties":{"width":{"type":"integer"}}})", R"({"width":12.5})",
               "/width: 12.5 is not allowed: an integer"},
           Row{R"({"properties":{"a":{"properties":{"b":{"type":"null"}}}}})", R"({"a":{"b":[]}})",
               "/a/b: an array is not allowed: null"},
           Row{R"({"properties":{"a/b~c":{"type":"null"}}})", R"({"a/b~c":1})",
               "/a~1b~0c: 1 is not allowed: null"},
           Row{R"({"properties":{"":{"type":"null"}}})", R"({"":1})", "/: 1 is not allowed: null"},
           Row{"{\"properties\":{\"\\u00e4\\n\":{\"type\":\"null\"}}}", "{\"\xC3\xA4\\n\":1}",
               "/\\u00e4\\n: 1 is not allowed: null"},
           // required
           Row{R"({"required":["a","b"]})", R"({"a":null,"b":1,"c":2})", ""},
           Row{R"({"required":["a","b"]})", R"({"a":1})", "/b: is missing"},
           Row{R"({"required":["a"]})", "[]", ""},
           Row{R"({"required":[]})", "{}", ""},
           // additionalProperties
           Row{R"({"additionalProperties":true})", R"({"x":1})", ""},
           Row{R"({"additionalProperties":false})", "{}", ""},
           Row{R"({"additionalProperties":false})", R"({"x":1})",
               "/x: is not allowed: no member at all"},
           Row{R"({"properties":{"a":{},"b":{}},"additionalProperties":false})",
               R"({"a":1,"b":[2]})", ""},
           Row{R"({"properties":{"a":{},"b":{}},"additionalProperties":false})", R"({"c":1})",
               "/c: is not allowed: only a, b"},
           // items
           Row{R"({"items":{"type":"integer"}})", "[1,2,3]", ""},
           Row{R"({"items":{"type":"integer"}})", "[]", ""},
           Row{R"({"items":{"type":"integer"}})", "{\"0\":\"x\"}", ""},
           Row{R"({"items":{"type":"integer"}})", "[1,2,\"x\"]",
               "/2: \"x\" is not allowed: an integer"},
           Row{R"({"items":{"items":{"required":["k"]}}})", "[[{\"k\":1}],[{}]]",
               "/1/0/k: is missing"},
           // enum
           Row{R"({"enum":["a",1,null,{"k":[1]}]})", "\"a\"", ""},
           Row{R"({"enum":["a",1,null,{"k":[1]}]})", "1.0", ""},
           Row{R"({"enum":["a",1,null,{"k":[1]}]})", "{\"k\": [1.0]}", ""},
           Row{R"({"enum":["a",1,null,{"k":[1]}]})", "null", ""},
           Row{R"({"enum":["a",1,null,{"k":[1]}]})", "{\"k\":[1,1]}",
               "payload: an object is not allowed: one of \"a\", 1, null, an object"},
           Row{R"({"enum":["a",1]})", "\"A\"", "payload: \"A\" is not allowed: one of \"a\", 1"},
           Row{R"({"enum":[1]})", "true", "payload: true is not allowed: only 1"},
           Row{R"({"enum":[0,1,2,3,4,5,6,7,8,9]})", "10",
               "payload: 10 is not allowed: one of 0, 1, 2, 3, 4, 5, 6, 7 and 2 more"},
           Row{R"({"enum":[9007199254740993]})", "9007199254740992.0",
               "payload: 9.007199254740992e+15 is not allowed: only 9007199254740993"},
           Row{R"({"enum":[{"a":1,"b":2}]})", R"({"b":2,"a":1})", ""},
           Row{R"({"enum":[{"a":1}]})", R"({"b":1})",
               "payload: an object is not allowed: only an object"},
           // minimum, maximum
           Row{R"({"minimum":1})", "1", ""},
           Row{R"({"minimum":1})", "1.0", ""},
           Row{R"({"minimum":1})", "\"\"", ""},
           Row{R"({"minimum":1})", "0.999", "payload: 0.999 is not allowed: at least 1"},
           Row{R"({"maximum":1.5})", "1.5", ""},
           Row{R"({"maximum":1.5})", "2", "payload: 2 is not allowed: at most 1.5"},
           Row{R"({"maximum":9007199254740992.0})", "9007199254740993",
               "payload: 9007199254740993 is not allowed: at most 9.007199254740992e+15"},
           Row{R"({"minimum":0})", "-9223372036854775808",
               "payload: -9223372036854775808 is not allowed: at least 0"},
           Row{R"({"minimum":-1})", "18446744073709551615", ""},
           Row{R"({"maximum":9223372036854775807})", "18446744073709551615",
               "payload: 18446744073709551615 is not allowed: at most 9223372036854775807"},
           // minLength, maxLength: characters, not bytes
           Row{R"({"minLength":2})", "\"\xC3\xA4\xC3\xA4\"", ""},
           Row{R"({"minLength":2})", "\"\xC3\xA4\"",
               "payload: \"\\u00e4\" is not allowed: at least 2 characters"},
           Row{R"({"maxLength":2})", "\"\xF0\x9F\x98\x80\xF0\x9F\x98\x80\"", ""},
           Row{R"({"maxLength":2.0})", "\"abc\"",
               "payload: \"abc\" is not allowed: at most 2 characters"},
           Row{R"({"maxLength":0})", "[1]", ""},
           // minItems, maxItems
           Row{R"({"minItems":2})", "[1,1]", ""},
           Row{R"({"minItems":2})", "[1]",
               "payload: an array of 1 is not allowed: at least 2 items"},
           Row{R"({"maxItems":1})", "[1]", ""},
           Row{R"({"maxItems":1})", "[1,2]",
               "payload: an array of 2 is not allowed: at most 1 items"},
           Row{R"({"maxItems":0})", "{\"a\":1}", ""},
           // pattern
           Row{R"({"pattern":"^[a-z]+$"})", "\"abc\"", ""},
           Row{R"({"pattern":"b"})", "\"abc\"", ""},
           Row{R"({"pattern":"^[a-z]+$"})", "7", ""},
           Row{R"({"pattern":"^[a-z]+$"})", "\"abC\"",
               "payload: \"abC\" is not allowed: what matches \"^[a-z]+$\""},
           // annotations mean nothing
           Row{R"({"title":"t","description":7,"default":{"x":1},"examples":[1],"$schema":"s",
                   "$id":"i"})",
               "1", ""},
       }) {
    CAPTURE(row.schema);
    CAPTURE(row.payload);
    CHECK(Schema::parse(row.schema).problem_with(row.payload) == row.problem);
  }
}

TEST_CASE("the empty schema lets everything pass, any other nothing that is no JSON") {
  const std::string bytes("\0\xff not JSON", 11);
  for (const char* empty : {"", "{}", " { } "}) {
    CHECK(Schema::parse(empty).empty());
    CHECK(Schema::parse(empty).problem_with(bytes).empty());
  }
  CHECK(Schema().empty());
  const Schema any = Schema::parse(R"({"description":"JSON"})");
  CHECK_FALSE(any.empty());
  CHECK(any.problem_with("{\"a\":[1]}").empty());
  struct Row {
    std::string payload;
    const char* why;
  };
  for (const Row& row : {
           Row{"", "it goes wrong at byte"},
           Row{"  ", "it goes wrong at byte"},
           Row{"plain text", "it goes wrong at byte"},
           Row{"{\"a\":1", "it goes wrong at byte"},
           Row{"{\"a\":1}}", "it goes wrong at byte"},
           Row{"{\"a\":1} {}", "it goes wrong at byte"},
           Row{"{'a':1}", "it goes wrong at byte"},
           Row{"[1,]", "it goes wrong at byte"},
           Row{"[NaN]", "it goes wrong at byte"},
           Row{"[01]", "it goes wrong at byte"},
           Row{"1 // no", "it goes wrong at byte"},
           Row{"\"a\nb\"", "it goes wrong at byte"},
           Row{"\"\\ud83d\"", "it goes wrong at byte"},
           Row{"\"\xFF\"", "it goes wrong at byte"},
           Row{"\"\xC0\x80\"", "it goes wrong at byte"},
           Row{"\"\xED\xA0\x80\"", "it goes wrong at byte"},
           Row{"{\"\xC3\":1}", "it goes wrong at byte"},
           Row{std::string("{}\0", 3), "NUL"},
           Row{std::string("{}\0{", 4), "NUL"},
           Row{std::string("\"a\0b\"", 5), "NUL"},
           Row{std::string("\0", 1), "NUL"},
           Row{"\xEF\xBB\xBF{}", "byte order mark"},
           Row{"1e999", "is too large"},
           Row{"[-1e400]", "is too large"},
           Row{"{\"a\":1,\"a\":2}", "the member \"a\" is there twice"},
           Row{"[{\"b\":{\"a\":1,\"\\u0061\":2}}]", "the member \"a\" is there twice"},
           Row{nested("[", "]", 129), "nested more than 128 deep"},
           Row{nested("{\"a\":", "}", 129, "1"), "nested more than 128 deep"},
           Row{std::string(500'000, '['), "nested more than 128 deep"},
           Row{nested("{\"a\":", "", 100'000), "nested more than 128 deep"},
           Row{std::string(1024 * 1024 + 1, ' '), "allowed are 1048576"},
       }) {
    const std::string problem = any.problem_with(row.payload);
    CAPTURE(row.payload.substr(0, 100));
    CAPTURE(problem);
    CHECK(problem.starts_with("payload: is no JSON: "));
    CHECK(problem.find(row.why) != std::string::npos);
    CHECK(is_line(problem));
  }
  CHECK(any.problem_with(nested("[", "]", 128)).empty());
  CHECK(any.problem_with("\"\\u0000\"").empty());
  CHECK(any.problem_with("{\"a\":{\"b\":1},\"b\":{\"a\":1}}").empty());
}

TEST_CASE("a schema is refused with the place, what is wrong, and what is allowed") {
  struct Row {
    std::string schema;
    const char* begin;
  };
  for (const Row& row : {
           Row{"[]", "is an array; allowed: a schema"},
           Row{"true", "is true; allowed: a schema"},
           Row{"nonsense", "is no JSON: it goes wrong at byte"},
           Row{"{\"type\":\"object\",\"type\":\"array\"}",
               "is no JSON: the member \"type\" is there"},
           Row{std::string("{}\0", 3), "is no JSON: it contains a NUL"},
           Row{"{\"title\":\"\xFF\"}", "is no JSON"},
           Row{"{\"maximum\":1e999}", "is no JSON"},
           Row{"{\"title\":\"" + std::string(64 * 1024, 'x') + "\"}", "is no JSON: 65548 bytes"},
           Row{nested("{\"items\":", "}", 65, "{}"), "is no JSON: it is nested more than 64 deep"},
           Row{std::string(60'000, '['), "is no JSON: it is nested"},
           Row{R"({"multipleOf":2})", "/multipleOf is not supported; allowed: type, enum,"},
           Row{R"({"Type":"object"})", "/Type is not supported; allowed: type,"},
           Row{R"({"$ref":"#"})", "/$ref is not supported"},
           Row{R"({"anyOf":[{}]})", "/anyOf is not supported"},
           Row{R"({"const":1})", "/const is not supported"},
           Row{R"({"format":"date"})", "/format is not supported"},
           Row{R"({"exclusiveMinimum":1})", "/exclusiveMinimum is not supported"},
           Row{R"({"properties":{"width":{"multipleOf":2}}})",
               "/properties/width/multipleOf is not supported"},
           Row{R"({"properties":{"a/b":{"items":{"x\ny":1}}}})",
               "/properties/a~1b/items/x\\ny is not supported"},
           Row{R"({"type":"int"})", "/type is \"int\"; allowed: null, boolean, integer"},
           Row{R"({"type":7})", "/type is 7; allowed: null"},
           Row{R"({"type":[]})", "/type is empty; allowed: null"},
           Row{R"({"type":["string","text"]})", "/type is \"text\"; allowed: null"},
           Row{R"({"enum":[]})", "/enum is an array; allowed: a list of at least one"},
           Row{R"({"enum":"a"})", "/enum is \"a\"; allowed: a list"},
           Row{R"({"required":"a"})", "/required is not a list of names"},
           Row{R"({"required":[1]})", "/required is not a list of names"},
           Row{R"({"required":true})", "/required is not a list of names"},
           Row{R"({"properties":[]})", "/properties is an array; allowed: an object of schemas"},
           Row{R"({"properties":{"a":true}})", "/properties/a is true; allowed: a schema"},
           Row{R"({"additionalProperties":{}})",
               "/additionalProperties is an object; allowed: true or false"},
           Row{R"({"items":[{}]})", "/items is an array; allowed: one schema for all items"},
           Row{R"({"items":false})", "/items is false; allowed: one schema"},
           Row{R"({"minimum":"1"})", "/minimum is \"1\"; allowed: a number"},
           Row{R"({"maximum":null})", "/maximum is null; allowed: a number"},
           Row{R"({"minimum":2,"maximum":1})", "/minimum is above maximum"},
           Row{R"({"minLength":-1})", "/minLength is -1; allowed: an integer from 0 on"},
           Row{R"({"maxLength":1.5})", "/maxLength is 1.5; allowed: an integer"},
           Row{R"({"minItems":"1"})", "/minItems is \"1\"; allowed: an integer"},
           Row{R"({"maxItems":1e300})", "/maxItems is 1e+300; allowed: an integer"},
           Row{R"({"minLength":2,"maxLength":1})", "/minLength is above maxLength"},
           Row{R"({"items":{"minItems":2,"maxItems":1}})", "/items/minItems is above maxItems"},
           Row{R"({"pattern":1})", "/pattern is 1; allowed: a regular expression"},
           Row{R"({"pattern":"a("})", "/pattern is \"a(\": ( without its ) (at byte 2); allowed"},
           Row{R"({"pattern":"(a)\\1"})", "/pattern is \"(a)\\\\1\": \\1 is not supported"},
       }) {
    CAPTURE(row.schema.substr(0, 200));
    const std::string error = error_of(row.schema);
    CAPTURE(error);
    CHECK(error.starts_with(row.begin));
    CHECK(is_line(error));
  }
  CHECK(error_of(nested("{\"items\":", "}", 63, "{}")) == "no error");
  try {
    (void)Schema::parse(R"({"items":{"type":"x"}})");
    FAIL("no error");
  } catch (const SchemaError& e) {
    CHECK(e.place() == "/items/type");
    CHECK(e.problem() == "is \"x\"");
    CHECK(e.allowed().starts_with("null, boolean"));
  }
}

TEST_CASE("a problem is one short line, whatever the payload holds") {
  const Schema schema =
      Schema::parse(R"({"properties":{"n":{"type":"null"}},"additionalProperties":false})");
  const std::string many(300'000, 'x');
  for (const std::string& payload :
       {"{\"n\":\"" + many + "\"}", "{\"" + many + "\":1}",
        std::string("{\"n\":\"\\u001b[31m\\n\xE2\x80\xAE\"}"), std::string("{\"\\u001b\\n\":1}"),
        "{\"n\":\"" + nested("\\u0000", "", 1000) + "\"}",
        "{\"" + nested("~", "", 1000) + "\":1}"}) {
    const std::string problem = schema.problem_with(payload);
    CAPTURE(problem);
    CHECK_FALSE(problem.empty());
    CHECK(is_line(problem));
    CHECK(problem.size() < 400);
  }
}

TEST_CASE("no payload takes long to be checked") {
  struct Row {
    const char* what;
    std::string schema, payload;
    bool costly;  // more than a check may cost
  };
  const auto list = [](const std::string& item, std::size_t bytes) {
    std::string text = "[" + item;
    while (text.size() + item.size() + 2 < bytes) text += "," + item;
    return text + "]";
  };
  constexpr std::size_t kMiB = 1024 * 1024;
  std::string values = "{\"items\":{\"enum\":[0";
  for (int i = 1; i < 10'000; ++i) values += "," + std::to_string(i);
  values += "]}}";
  std::string names = "{\"items\":{\"properties\":{\"a0\":{}";
  for (int i = 1; i < 4000; ++i) names += ",\"a" + std::to_string(i) + "\":{}";
  names += "}}}";
  for (const Row& row : {
           Row{"small objects", R"({"items":{"type":"object"}})", list("{}", kMiB), false},
           Row{"a text for a plain pattern", R"({"pattern":"^[A-Za-z0-9+/]*={0,2}$"})",
               "\"" + std::string(kMiB - 10, 'A') + "\"", false},
           Row{"a text for a pattern that holds many places", R"({"pattern":"(.{0,30}){30}b"})",
               "\"" + std::string(kMiB - 10, 'a') + "\"", true},
           Row{"texts for a long pattern", R"({"items":{"pattern":"^(a{900}b{900}c{900}|a)$"}})",
               list("\"a\"", kMiB), true},
           Row{"numbers for an enum", values, list("10001", kMiB), false},
           Row{"the last of an enum", values, list("9999", kMiB), true},
           Row{"members", names, list("{\"a3999\":1}", kMiB), false},
       }) {
    const Schema schema = Schema::parse(row.schema);
    std::string problem;
    const double took = seconds_of(schema, row.payload, problem);
    MESSAGE(fmt::format("{}: {:.0f} ms, \"{}\"", row.what, took * 1000, problem));
    CHECK((problem.find("takes too long") != std::string::npos) == row.costly);
    CHECK(took < 20);
  }
}
