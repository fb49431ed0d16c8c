// What RedisMonitor promises, on each server of the matrix.
#include "tests/support/redis_monitor.h"

#include <doctest/doctest.h>
#include <stdexcept>
#include <string>

using namespace wp;
using wp::test::parse_monitor_line;
using wp::test::RedisMonitor;
using wp::test::RedisServer;

TEST_CASE("a monitor sees commands, those of scripts too, byte by byte") {
  const RedisServer server;
  redis::Connection connection(server.endpoint());
  connection.connect();
  RedisMonitor monitor(server);
  const redis::Command set{"SET", "k", std::string("\n\r\t\a\b\x00\x01\xff ", 9)};
  (void)connection.execute(set);
  (void)connection.execute({"EVAL", "return redis.call('GET', KEYS[1])", "1", "k"});
  const auto seen = monitor.take();
  REQUIRE(seen.size() == 3);
  CHECK(seen[0].words == set);
  CHECK_FALSE(seen[0].by_script);
  CHECK(seen[1].words.at(0) == "EVAL");
  CHECK_FALSE(seen[1].by_script);
  CHECK(seen[2].words == redis::Command{"GET", "k"});
  CHECK(seen[2].by_script);
  CHECK(monitor.take().empty());
}

TEST_CASE("quotes and backslashes: as Redis escapes them, and as Valkey 8.1 does not") {
  CHECK(parse_monitor_line(R"(+1.5 [0 lua] "SET" "\"\\n" "a b")").words ==
        redis::Command{"SET", "\"\\n", "a b"});
  CHECK(parse_monitor_line(R"(+1.5 [0 unix:/s] "SET" ""quoted"\q" "")").words ==
        redis::Command{"SET", "\"quoted\"\\q", ""});
}

TEST_CASE("what is no line of MONITOR is refused") {
  CHECK_THROWS_AS((void)parse_monitor_line("-ERR no"), std::runtime_error);
  CHECK_THROWS_AS((void)parse_monitor_line("+1.5 [0 lua] GET"), std::runtime_error);
}
