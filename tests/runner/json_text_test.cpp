#include "runner/handlers/json_text.h"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <nlohmann/json.hpp>

#include "runner/handlers/printable.h"

using namespace wp::runner;
using nlohmann::json;

TEST_CASE("what is JSON and what only looks like it") {
  for (const char* good :
       {"1", " {} ", "\"x\"", "null", "[1, 2]\n", "-0.5e7", "\"\\ud83d\\ude00\""}) {
    CAPTURE(good);
    CHECK(is_json(good));
  }
  for (const std::string& bad :
       {std::string(""), std::string("1\0rest", 6), std::string("\xEF\xBB\xBF{}"),
        std::string("{} {}"), std::string("\"\xFF\""), std::string("'x'"), std::string("nul"),
        std::string("[1,]"), std::string("\"a\nb\"")}) {
    CAPTURE(bad);
    CHECK_FALSE(is_json(bad));
  }
}

TEST_CASE("a document on one line keeps what is in its strings, and every digit") {
  CHECK(compact_json(" { \"a b\" : [ 1 ,\n 2 ] ,\t\"q\\\" \" : \" \\\\\" }\r\n") ==
        "{\"a b\":[1,2],\"q\\\" \":\" \\\\\"}");
  CHECK(compact_json("[123456789012345678901234567890, 1.10]") ==
        "[123456789012345678901234567890,1.10]");
}

TEST_CASE("members of an object, as they stand there") {
  const auto members =
      json_members(" {\"a\" : {\"b\": \"}\"} , \"\\u0063\":[1, [2]],\"d\":-1.50 , \"\":\"\\\"\"}");
  REQUIRE(members);
  REQUIRE(members->size() == 4);
  CHECK((*members)[0].name == "a");
  CHECK((*members)[0].value == "{\"b\": \"}\"}");
  CHECK((*members)[1].name == "c");
  CHECK((*members)[1].value == "[1, [2]]");
  CHECK((*members)[2].value == "-1.50");
  CHECK((*members)[3].value == "\"\\\"\"");
  CHECK(json_members("{}")->empty());
  CHECK_FALSE(json_members("[1]"));
  CHECK_FALSE(json_members("{"));
  CHECK_FALSE(json_members(""));
}

TEST_CASE("no nesting is too deep") {
  const std::size_t depth = 1000000;
  const std::string deep = std::string(depth, '[') + std::string(depth, ']');
  CHECK(is_json(deep));
  CHECK(json_depth(deep) == depth);
  CHECK(json_members("{\"a\":" + deep + "}")->at(0).value == deep);
  CHECK(json_depth("{\"[[[\":[{}]}") == 3);
  CHECK(json_depth("7") == 0);
}

TEST_CASE("escaped bytes are short, and UTF-8 whatever they were") {
  CHECK(escaped("plain ä", 100) == "plain ä");
  CHECK(escaped(std::string("a\0\n\t\x1b\xFF", 6), 100) == "a\\x00\\n\\t\\x1b\\xff");
  CHECK(escaped("\xC2\x9B", 100) == "\\xc2\\x9b");
  CHECK(escaped("äää", 4) == "ää…");
  CHECK(escaped(std::string(1000000, 'x'), 10) == "xxxxxxxxxx…");
}

TEST_CASE("any text survives its JSON string, any bytes are told from text as the library does") {
  CHECK(rc::check([](const std::string& bytes) {
    const bool text = is_utf8(bytes);
    bool library = true;
    try {
      (void)json(bytes).dump();
    } catch (const json::exception&) {
      library = false;
    }
    RC_ASSERT(text == library);
    RC_ASSERT(is_utf8(escaped(bytes, 40)));
    if (!text) return;
    RC_ASSERT(json::parse(json_string(bytes)).get<std::string>() == bytes);
    RC_ASSERT(text_of_json(json_string(bytes)) == bytes);
  }));
}

namespace {

// Any document, from dice.
json document(const std::vector<int>& dice, std::size_t& at, int depth) {
  const int roll = at < dice.size() ? dice[at++] : 0;
  const auto next = [&] { return document(dice, at, depth + 1); };
  switch (roll % (depth > 4 ? 5 : 7)) {
    case 0:
      return nullptr;
    case 1:
      return roll;
    case 2:
      return roll / 7.0;
    case 3:
      return std::string("\"\\\n{}[],: ä") + std::to_string(roll);
    case 4:
      return roll % 2 == 0;
    case 5: {
      json made = json::array();
      for (int i = 0; i < roll % 4; ++i) made.push_back(next());
      return made;
    }
    default: {
      json made = json::object();
      for (int i = 0; i < roll % 4; ++i) made["k \"" + std::to_string(i)] = next();
      return made;
    }
  }
}

}  // namespace

TEST_CASE("members and the compact form agree with a parser, however a document is laid out") {
  CHECK(rc::check([](const std::vector<unsigned short>& seed) {
    const std::vector<int> dice(seed.begin(), seed.end());
    std::size_t at = 0;
    json object = json::object();
    for (int i = 0; i < 3; ++i) object["m" + std::to_string(i)] = document(dice, at, 0);
    for (const int indent : {-1, 0, 3}) {
      const std::string text = object.dump(indent);
      RC_ASSERT(compact_json(text) == object.dump());
      const auto members = json_members(text);
      RC_ASSERT(members.has_value());
      RC_ASSERT(members->size() == object.size());
      for (const JsonMember& member : *members) {
        RC_ASSERT(json::parse(member.value) == object.at(member.name));
      }
    }
  }));
}
