#include "operator/pool/yaml.h"

#include "tests/operator/pool/support.h"

using namespace wp::pool;
using nlohmann::json;

namespace {

std::string failure(const std::string& text, const YamlBounds& bounds = {}) {
  try {
    const json value = yaml_document(text, bounds);
    return "";
  } catch (const YamlError& error) {
    return error.what();
  }
}

}  // namespace

TEST_CASE("plain scalars follow the core schema of YAML 1.2") {
  struct Case {
    const char* text;
    json value;
  };
  const Case cases[] = {
      {"12", 12},
      {"-7", -7},
      {"+7", 7},
      {"0o17", 15},
      {"0x1F", 31},
      {"010", 10},
      {"1.5", 1.5},
      {".5", 0.5},
      {"1.", 1.0},
      {"1e3", 1000.0},
      {"true", true},
      {"FALSE", false},
      {"~", nullptr},
      {"null", nullptr},
      {"", nullptr},
      {"no", "no"},
      {"on", "on"},
      {"y", "y"},
      {"08:30", "08:30"},
      {"1_000", "1_000"},
      {"2026-01-01", "2026-01-01"},
      {"64Ki", "64Ki"},
      {"0s", "0s"},
      {"1.2.3", "1.2.3"},

      {"\"12\"", "12"},
      {"'true'", "true"},
      {"'null'", "null"},
      {"\"\"", ""},
      {"!!str 12", "12"},
      {"!!int 12", 12},
      {"9223372036854775807", 9223372036854775807},
      {"18446744073709551615", 18446744073709551615U},
  };
  for (const Case& one : cases) {
    CAPTURE(one.text);
    CHECK(yaml_document(std::string("a: ") + one.text).at("a") == one.value);
  }
  CHECK(yaml_document("a: 12").at("a").is_number_integer());
  CHECK(yaml_document("a: |\n  x\n  1\n").at("a") == "x\n1\n");
  CHECK(yaml_document("a: |\n  12\n").at("a") == "12\n");
  CHECK(yaml_document("a: \"\\x06\\x16\"").at("a") == "\x06\x16");
}

TEST_CASE("maps, lists, anchors and JSON") {
  CHECK(yaml_document("a: [1, {b: c}]\n") == json::parse(R"({"a": [1, {"b": "c"}]})"));
  CHECK(yaml_document("x: &one {k: v}\ny: *one\n").at("y") == json{{"k", "v"}});
  CHECK(yaml_document(R"({"a": {"b": [true, null]}})") ==
        json::parse(R"({"a": {"b": [true, null]}})"));
  CHECK(yaml_document("1: x\n") == json{{"1", "x"}});
  CHECK(yaml_documents("---\n# only a comment\n---\na: 1\n---\nb: 2\n").size() == 2);
}

TEST_CASE("an error names its line") {
  CHECK(failure("a: 1\nb: [1\nc: 2\n").starts_with("line "));
  CHECK(failure("a: 1\nb: 2\na: 3\n") == "line 3: \"a\" stands twice");
  CHECK(failure("a: 1\nb:\n  <<: {c: 1}\n") ==
        "line 3: merge keys (<<) are not supported: write the fields out");
  CHECK(failure("a: 1\nb: .inf\n") == "line 2: .inf is not a number that is allowed here");
  CHECK(failure("a: 1e999\n") == "line 1: the number is too large");
  CHECK(failure("a: !!int x\n") == "line 1: \"x\" is no int");
  CHECK(failure("a: !custom x\n") == "line 1: the tag !custom is not supported");
  CHECK(failure("? [1]\n: 2\n") == "line 1: a key has to be a text");
  CHECK(failure("a: \"\xff\"\n") == "line 1: not UTF-8");
  CHECK(failure("a: *nowhere\n").starts_with("line 1: "));
  CHECK(failure("\ta: 1\n").starts_with("line 1: "));
}

TEST_CASE("size, depth and aliases are bounded") {
  CHECK(failure(std::string(200, '[') + std::string(200, ']')) ==
        "line 1: nested deeper than 64 levels");
  CHECK(failure(std::string(100000, '[')).starts_with("line "));
  CHECK(failure("a: 1\n", {.bytes = 3}) == "line 1: larger than 3 bytes");
  CHECK(failure("&a [*a]\n").starts_with("line "));
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 9; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before;
    for (int k = 0; k < 9; ++k) bomb += ", " + before;
    bomb += "]\n";
  }
  CHECK(failure(bomb).find("more than 200000 values") != std::string::npos);
}
