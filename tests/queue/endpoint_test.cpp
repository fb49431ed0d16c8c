#include "queue/redis/endpoint.h"

#include <doctest/doctest.h>
#include <stdexcept>

using wp::redis::Endpoint;
using wp::redis::parse_endpoint;

TEST_CASE("URLs of all forms") {
  const Endpoint plain = parse_endpoint("redis://cache");
  CHECK(plain.host == "cache");
  CHECK(plain.port == 6379);
  const Endpoint full = parse_endpoint("redis://user:p%40ss@[::1]:7000/3");
  CHECK(full.host == "::1");
  CHECK(full.port == 7000);
  CHECK(full.database == 3);
  CHECK(full.username == "user");
  CHECK(full.password == "p@ss");
  CHECK(full.describe() == "redis://[::1]:7000/3");
  const Endpoint socket = parse_endpoint("unix:///run/r.sock?db=2");
  CHECK(socket.socket_path == "/run/r.sock");
  CHECK(socket.database == 2);
}

TEST_CASE("bad URLs say what is allowed and never repeat a password") {
  for (const char* url : {"", "http://x", "redis://", "redis://h:99999", "redis://h/x",
                          "unix://relative", "rediss://h", "redis://u:hunter2@h:port"}) {
    try {
      (void)parse_endpoint(url);
      FAIL("accepted " << url);
    } catch (const std::invalid_argument& e) {
      CHECK(std::string(e.what()).starts_with("Redis URL: "));
      CHECK(std::string(e.what()).find("hunter2") == std::string::npos);
    }
  }
}
