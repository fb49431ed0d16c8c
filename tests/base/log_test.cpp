#include "base/log.h"

#include <cmath>
#include <doctest/doctest.h>
#include <limits>

#include <nlohmann/json.hpp>

using namespace wp;
using log::format_line;
using log::Level;

namespace {

constexpr const char* kTime = "2026-11-21T06:32:38.123Z";

}  // namespace

TEST_CASE("a line is one JSON object: time, level, message, then the fields in their order") {
  CHECK(format_line(kTime, Level::info, "worker registered",
                    {{"worker", "w/1"}, {"slots", 4}, {"share", 0.5}, {"alone", true}}) ==
        R"({"ts":"2026-11-21T06:32:38.123Z","level":"info","msg":"worker registered",)"
        R"("worker":"w/1","slots":4,"share":0.5,"alone":true})");
  CHECK(format_line(kTime, Level::error, "x", {}) ==
        R"({"ts":"2026-11-21T06:32:38.123Z","level":"error","msg":"x"})");
}

TEST_CASE("whatever the text holds, the line stays one line and parses back") {
  const std::string nasty("a\"b\\c\nd\re\tf\0g\x01h\x7f", 16);
  const std::string line = format_line(kTime, Level::warn, nasty, {{nasty, nasty}});
  CHECK(line.find('\n') == std::string::npos);
  CHECK(line.find('\r') == std::string::npos);
  const auto parsed = nlohmann::json::parse(line);
  CHECK(parsed.at("msg") == nasty);
  CHECK(parsed.at(nasty) == nasty);
}

TEST_CASE("broken UTF-8 is replaced, never thrown on") {
  for (const std::string text : {"\xff", "caf\xe9", "\xe2\x82", "\xc0\xaf", "\xed\xa0\x80"}) {
    const auto parsed = nlohmann::json::parse(format_line(kTime, Level::info, "m", {{"f", text}}));
    CHECK(parsed.at("f").get<std::string>().find("\xEF\xBF\xBD") != std::string::npos);
  }
  const auto whole =
      nlohmann::json::parse(format_line(kTime, Level::info, "m", {{"f", "größe €"}}));
  CHECK(whole.at("f") == "größe €");
}

TEST_CASE("numbers that JSON does not know are null, large ones are whole") {
  CHECK(format_line(kTime, Level::info, "m", {{"f", std::nan("")}}).ends_with(R"("f":null})"));
  CHECK(format_line(kTime, Level::info, "m", {{"f", std::numeric_limits<std::int64_t>::min()}})
            .ends_with(R"("f":-9223372036854775808})"));
}

TEST_CASE("levels by name") {
  Level level = Level::off;
  for (const auto& [name, expected] :
       {std::pair{"debug", Level::debug}, std::pair{"info", Level::info},
        std::pair{"warn", Level::warn}, std::pair{"error", Level::error},
        std::pair{"off", Level::off}}) {
    CHECK(log::parse_level(name, level));
    CHECK(level == expected);
  }
  level = Level::warn;
  for (const char* name : {"", "INFO", "warning", "infos"}) {
    CHECK_FALSE(log::parse_level(name, level));
  }
  CHECK(level == Level::warn);
}
