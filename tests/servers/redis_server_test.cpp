// What RedisServer promises, on each server of the matrix.
#include "tests/support/redis_server.h"

#include <cstdint>
#include <cstdlib>
#include <doctest/doctest.h>
#include <string>

#include "queue/redis/connection.h"

using namespace wp;
using wp::test::RedisServer;

namespace {

redis::Reply ask(const RedisServer& server, const redis::Command& command) {
  redis::Connection connection(server.endpoint());
  connection.connect();
  return connection.execute(command);
}

std::int64_t seconds(const redis::Reply& time) {
  return std::stoll(time.array().at(0).text());
}

}  // namespace

TEST_CASE("the server is the one that was chosen") {
  const RedisServer server;
  const std::string info = ask(server, {"INFO", "server"}).text();
  CAPTURE(info);
  const char* variable = std::getenv("WORKERPOOL_REDIS_SERVER");
  const std::string chosen = variable == nullptr ? "" : variable;
  if (chosen.ends_with("redis-8/redis-server")) {
    CHECK(info.find("redis_version:8.") != std::string::npos);
  } else if (chosen.ends_with("valkey-8/valkey-server")) {
    CHECK(info.find("valkey_version:8.") != std::string::npos);
  } else {
    CHECK(info.find("redis_version:") != std::string::npos);
  }
}

TEST_CASE("a persistent server keeps what it acknowledged through a kill, unless it is wiped") {
  RedisServer server(RedisServer::persistent());
  (void)ask(server, {"SET", "k", "v"});
  server.kill9();
  server.start();
  CHECK(ask(server, {"GET", "k"}).text() == "v");
  server.kill9();
  server.wipe();
  server.start();
  CHECK(ask(server, {"EXISTS", "k"}).integer() == 0);
}

TEST_CASE("any other server comes back empty") {
  RedisServer server;
  (void)ask(server, {"SET", "k", "v"});
  server.stop();
  server.start();
  CHECK(ask(server, {"EXISTS", "k"}).integer() == 0);
}

TEST_CASE("a stepped clock is TIME's, in scripts too, forth and back, and through a restart") {
  RedisServer server({}, RedisServer::Clock::steppable);
  redis::Connection connection(server.endpoint());
  connection.connect();
  const redis::Command in_script{"EVAL", "return redis.call('TIME')", "0"};
  const std::int64_t before = system_clock().wall().count() / 1000;
  const auto close_to = [&](std::int64_t offset, const redis::Reply& time) {
    const std::int64_t off = seconds(time) - before - offset;
    CAPTURE(off);
    CHECK(off >= 0);
    CHECK(off < 60);
  };
  close_to(0, connection.execute({"TIME"}));
  server.step_clock(Millis{3600'000});
  close_to(3600, connection.execute({"TIME"}));
  close_to(3600, connection.execute(in_script));
  server.step_clock(Millis{-7200'000});
  close_to(-3600, connection.execute({"TIME"}));
  close_to(-3600, connection.execute(in_script));
  server.kill9();
  server.start();
  close_to(-3600, ask(server, {"TIME"}));
}

TEST_CASE("a server with a configuration that is none says why it ended") {
  CHECK_THROWS_WITH(RedisServer({"no-such-directive yes"}), doctest::Contains("ended at once"));
}
