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

TEST_CASE("TLS and sentinels") {
  const Endpoint tls = parse_endpoint("rediss://user:pw@cache:6380/1");
  REQUIRE(tls.tls);
  CHECK_FALSE(tls.tls->insecure_skip_verify);
  CHECK(tls.password == "pw");
  CHECK(tls.describe() == "rediss://cache:6380/1");
  CHECK_FALSE(parse_endpoint("redis://cache").tls);

  const Endpoint watched = parse_endpoint("redis+sentinel://u:pw@a,b:1,[::1]:2/main/3");
  REQUIRE(watched.sentinel);
  CHECK_FALSE(watched.tls);
  CHECK_FALSE(watched.sentinel->tls);
  REQUIRE(watched.sentinel->nodes.size() == 3);
  CHECK(watched.sentinel->nodes[0].port == 26379);
  CHECK(watched.sentinel->nodes[2].host == "::1");
  CHECK(watched.sentinel->master_name == "main");
  CHECK(watched.database == 3);
  CHECK(watched.username == "u");
  CHECK(watched.sentinel->password.empty());  // they have credentials of their own
  CHECK(watched.describe() == "redis+sentinel://a:26379,b:1,[::1]:2/main/3");

  const Endpoint both = parse_endpoint("rediss+sentinel://a/main");
  CHECK(both.tls);
  CHECK(both.sentinel->tls);
  for (const Endpoint& endpoint : {tls, watched, both}) {
    Endpoint bare = endpoint;
    bare.username.clear();
    bare.password.clear();
    CHECK(parse_endpoint(endpoint.describe()) == bare);
  }
}

TEST_CASE("bad URLs say what is allowed and never repeat a password") {
  for (const char* url :
       {"", "http://x", "redis://", "redis://h:99999", "redis://h/x", "unix://relative",
        "rediss://", "redis://u:hunter2@h:port", "redis://[::1", "redis://[::1]x",
        "redis+sentinel://h", "redis+sentinel://h/", "redis+sentinel://,/main",
        "redis+sentinel://h:0/main", "redis+sentinel://u:hunter2@h/main/x"}) {
    try {
      (void)parse_endpoint(url);
      FAIL("accepted " << url);
    } catch (const std::invalid_argument& e) {
      CHECK(std::string(e.what()).starts_with("Redis URL: "));
      CHECK(std::string(e.what()).find("hunter2") == std::string::npos);
    }
  }
}
