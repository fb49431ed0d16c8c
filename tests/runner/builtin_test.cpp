#include "runner/handlers/builtin.h"

#include <doctest/doctest.h>

using namespace wp;
using namespace wp::runner;

TEST_CASE("sleep: a duration or an object says how long") {
  CHECK(parse_sleep("500ms") == Millis{500});
  CHECK(parse_sleep("\"2s\"\n") == Millis{2000});
  CHECK(parse_sleep("{\"ms\": 250}") == Millis{250});
  CHECK_FALSE(parse_sleep("{\"ms\": -1}"));
  CHECK_FALSE(parse_sleep("{\"ms\": 9223372036854775807}"));  // no timer could be set
  CHECK_FALSE(parse_sleep("soon"));
  CHECK_FALSE(parse_sleep(""));
}

TEST_CASE("a payload may be nested as deep as it likes") {
  const std::string deep = std::string(300000, '[') + std::string(300000, ']');
  CHECK(parse_sleep("{\"ms\": 1, \"x\": " + deep + "}") == Millis{1});
  CHECK_FALSE(parse_memory(deep));
}

TEST_CASE("memory: MiB as a number or an object, bounded") {
  CHECK(parse_memory("64")->mib == 64);
  const auto order = parse_memory("{\"mib\": 8, \"ms\": 100}");
  REQUIRE(order);
  CHECK(order->mib == 8);
  CHECK(order->hold == Millis{100});
  CHECK_FALSE(parse_memory("-1"));
  CHECK_FALSE(parse_memory("99999999"));
  CHECK_FALSE(parse_memory("much"));
}

TEST_CASE("the six built-in names") {
  for (const char* name : {"noop", "echo", "sleep", "fail", "crash", "memory"}) {
    CHECK(parse_builtin(name).has_value());
  }
  CHECK_FALSE(parse_builtin("exec"));
}
