#include "base/units.h"

#include <doctest/doctest.h>

using namespace wp;

TEST_CASE("durations: what is one, and how much") {
  struct Row {
    const char* text;
    std::int64_t ms;
  };
  for (const Row& row : {Row{"0", 0}, Row{"0s", 0}, Row{"250ms", 250}, Row{"90s", 90'000},
                         Row{"5m", 300'000}, Row{"1h30m", 5'400'000}, Row{"1m1s1ms", 61'001},
                         Row{"30m1h", 5'400'000}, Row{"87600h", 315'360'000'000}}) {
    CAPTURE(row.text);
    const auto parsed = parse_duration(row.text);
    REQUIRE(parsed.has_value());
    CHECK(parsed->count() == row.ms);
  }
}

TEST_CASE("durations: what is none") {
  for (const char* text :
       {"", "5", "s", "-1s", "-0s", "+1s", "1.5s", "1d", "1 s", " 1s", "1s ", "1s5", "1sm", "1S",
        "87600h1ms", "9223372036854775807h", "99999999999999999999s", "0x10s"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_duration(text).has_value());
  }
}

TEST_CASE("durations: the shortest notation parses back") {
  CHECK(format_duration(Millis{0}) == "0s");
  CHECK(format_duration(Millis{90'000}) == "1m30s");
  CHECK(format_duration(Millis{3'600'000}) == "1h");
  CHECK(format_duration(Millis{1}) == "1ms");
  for (const std::int64_t ms : {0L, 1L, 999L, 1000L, 61'001L, 86'400'000L, 315'360'000'000L}) {
    CHECK(parse_duration(format_duration(Millis{ms})) == Millis{ms});
  }
}

TEST_CASE("bytes: what is a quantity, and how much") {
  struct Row {
    const char* text;
    std::int64_t bytes;
  };
  for (const Row& row :
       {Row{"0", 0}, Row{"1000", 1000}, Row{"64Ki", 65536}, Row{"512Mi", 536870912},
        Row{"1Gi", 1073741824}, Row{"1k", 1000}, Row{"2M", 2'000'000}, Row{"1T", 1'000'000'000'000},
        Row{"8192Ti", std::int64_t{1} << 53}}) {
    CAPTURE(row.text);
    CHECK(parse_bytes(row.text) == row.bytes);
  }
  for (const char* text : {"", "Ki", "-1", "-0", "1.5Gi", "1K", "1KB", "64ki", "1 Ki", "8193Ti",
                           "9007199254740993", "1Kii", "99999999999999999999"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_bytes(text).has_value());
  }
}

TEST_CASE("bytes: the largest binary suffix that divides") {
  CHECK(format_bytes(65536) == "64Ki");
  CHECK(format_bytes(1073741824) == "1Gi");
  CHECK(format_bytes(1000) == "1000");
  CHECK(format_bytes(1025) == "1025");
  CHECK(format_bytes(0) == "0");
  for (const std::int64_t bytes : {0L, 1L, 1024L, 1536L, 1L << 30, (1L << 53) - 1}) {
    CHECK(parse_bytes(format_bytes(bytes)) == bytes);
  }
}
