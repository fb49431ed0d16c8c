#include <cmath>
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "ctl/output/document.h"
#include "ctl/output/format.h"
#include "ctl/output/table.h"

using namespace wp;
using namespace wp::ctl;

TEST_CASE("columns align, numbers to the right, absent is a dash, no trailing blanks") {
  Table table({{"NAME"}, {"JOBS", Align::right}, {"NOTE"}});
  table.row({"a", "7", "x"});
  table.row({"longer-name", "1234567", ""});
  table.row({"b"});
  table.row({"größe", "1", "y", "dropped"});
  CHECK(table.text() ==
        "NAME            JOBS  NOTE\n"
        "a                  7  x\n"
        "longer-name  1234567  -\n"
        "b                  -  -\n"
        "größe              1  y\n");
}

TEST_CASE("without titles there is no header") {
  Table table({{""}, {""}});
  table.row({"state", "ready"});
  table.row({"id", "a"});
  CHECK(table.text() == "state  ready\nid     a\n");
  CHECK(Table({{"ONLY"}}).text() == "ONLY\n");
}

TEST_CASE("a cell can't break the layout nor talk to the terminal") {
  Table table({{"A"}, {"B"}});
  table.row({"x\ny\tz", "\x1b[31mred"});
  CHECK(table.text() == "A        B\nx\\ny\\tz  \\x1b[31mred\n");
  CHECK(printable("caf\xe9") == "caf\\xe9");
  CHECK(printable("\xc0\xaf") == "\\xc0\\xaf");
  CHECK(printable("\xe2\x82") == "\\xe2\\x82");
  CHECK(printable("\xed\xa0\x80") == "\\xed\\xa0\\x80");
  CHECK(printable("\xf4\x90\x80\x80") == "\\xf4\\x90\\x80\\x80");
  CHECK(printable("\xc2\x9b") == "\\xc2\\x9b");  // CSI as one character
  CHECK(printable(std::string_view("\0\x7f", 2)) == "\\x00\\x7f");
  CHECK(printable("größe € 😀") == "größe € 😀");
}

TEST_CASE("bytes and durations for people") {
  for (const auto& [bytes, text] : {std::pair<std::int64_t, const char*>{0, "0"},
                                    {1023, "1023"},
                                    {1024, "1.0Ki"},
                                    {1536, "1.5Ki"},
                                    {10240, "10Ki"},
                                    {1023 * 1024, "1.0Mi"},
                                    {500 * 1024 * 1024, "500Mi"},
                                    {std::int64_t{3} << 40, "3.0Ti"}}) {
    CHECK(human_bytes(bytes) == text);
  }
  for (const auto& [ms, text] : {std::pair<std::int64_t, const char*>{-5, "0ms"},
                                 {0, "0ms"},
                                 {999, "999ms"},
                                 {1000, "1.0s"},
                                 {4234, "4.2s"},
                                 {9949, "9.9s"},
                                 {9950, "10s"},
                                 {59'400, "59s"},
                                 {59'600, "1m00s"},
                                 {192'000, "3m12s"},
                                 {7'500'000, "2h05m"},
                                 {273'600'000, "3d04h"}}) {
    CHECK(human_duration(Millis{ms}) == text);
  }
}

TEST_CASE("shares sum to exactly 100.0, absent stays absent") {
  using Parts = std::vector<std::optional<std::int64_t>>;
  for (const Parts& parts :
       {Parts{1, 1, 1}, Parts{1, 0, 0}, Parts{2, 3, 7, 11, 13, 17}, Parts{1, std::nullopt, 2},
        Parts{999'999'999'999, 1, 1}, Parts{1, 1, 1, 1, 1, 1, 1}}) {
    const auto result = shares(parts);
    std::int64_t tenths = 0;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      CHECK(result[i].has_value() == parts[i].has_value());
      if (result[i]) tenths += std::llround(*result[i] * 10);
    }
    CHECK(tenths == 1000);
  }
  CHECK(percent(shares({1, 1, 1})[0]) == "33.4");
  CHECK(percent(shares({1, 1, 1})[2]) == "33.3");
  CHECK(percent(shares({0, 0})[0]).empty());
  CHECK(shares({}).empty());
}

TEST_CASE("YAML: what any reader takes for the same document") {
  const nlohmann::ordered_json document = {{"name", "no"},
                                           {"no", 1},
                                           {"a-b", nullptr},
                                           {"list", {1, "x"}},
                                           {"empty", nlohmann::ordered_json::array()},
                                           {"deep", {{"k", {{"l", true}}}}}};
  CHECK(render(document, Format::yaml) ==
        "name: \"no\"\n"
        "\"no\": 1\n"
        "\"a-b\": null\n"
        "list:\n"
        "  - 1\n"
        "  - \"x\"\n"
        "empty: []\n"
        "deep:\n"
        "  k:\n"
        "    l: true\n");
}

TEST_CASE("broken UTF-8 is replaced in documents") {
  const nlohmann::ordered_json document = {{"k", "caf\xe9"}};
  CHECK(render(document, Format::json).find("caf\xEF\xBF\xBD") != std::string::npos);
  CHECK(render(document, Format::yaml).find("caf\xEF\xBF\xBD") != std::string::npos);
}
