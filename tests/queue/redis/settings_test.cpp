// From flags and WP_REDIS_* to an endpoint, and back to the variables of a child.
#include "queue/redis/settings.h"

#include <map>

#include "tests/queue/redis/support.h"

using namespace wp;
using namespace wp::redis;
using test::contains;

namespace {

std::string refusal(const Settings& settings) {
  try {
    (void)make_endpoint(settings, "redis://default:1");
  } catch (const UsageError& e) {
    return e.what();
  }
  return "";
}

// What a child makes of the variables, by the very table that it is told by.
Endpoint seen_by_child(const Endpoint& endpoint) {
  const auto variables = to_environment(endpoint);
  for (const auto& [name, value] : variables) setenv(name.c_str(), value.c_str(), 1);
  Settings settings;
  Options options("child", "");
  declare_settings(options, settings, "");
  declare_sentinel_settings(options, settings);
  const char* const words[] = {"child"};
  (void)options.parse(1, words);
  for (const auto& [name, value] : variables) unsetenv(name.c_str());
  return make_endpoint(settings, "redis://none");
}

}  // namespace

TEST_CASE("the URL, and what stands beside it") {
  CHECK(make_endpoint({}, "redis://default:1").describe() == "redis://default:1/0");
  const Endpoint endpoint = make_endpoint({.url = "rediss://a:b@host",
                                           .username = "u",
                                           .password = "p",
                                           .password_file = "pw",
                                           .ca_file = "/x/../ca.pem",
                                           .cert_file = "/c",
                                           .key_file = "/k",
                                           .server_name = "s",
                                           .insecure_skip_verify = true},
                                          "redis://default:1");
  CHECK(endpoint.username == "u");
  CHECK(endpoint.password == "p");
  CHECK(endpoint.password_file.starts_with('/'));
  REQUIRE(endpoint.tls);
  CHECK(endpoint.tls->ca_file == "/ca.pem");
  CHECK(endpoint.tls->cert_file == "/c");
  CHECK(endpoint.tls->key_file == "/k");
  CHECK(endpoint.tls->server_name == "s");
  CHECK(endpoint.tls->insecure_skip_verify);
}

TEST_CASE("sentinels: by the URL or by name, with TLS like Redis, of their own, or without") {
  Settings settings{.url = "rediss+sentinel://a,b/main", .ca_file = "/ca"};
  settings.sentinel_username = "watcher";
  settings.sentinel_password = "spw";
  Endpoint endpoint = make_endpoint(settings, "");
  REQUIRE(endpoint.sentinel);
  CHECK(endpoint.sentinel->username == "watcher");
  CHECK(endpoint.sentinel->password == "spw");
  CHECK(endpoint.sentinel->tls == endpoint.tls);
  settings.sentinel_tls = "off";
  CHECK_FALSE(make_endpoint(settings, "").sentinel->tls);
  settings.sentinel_tls = "own";
  settings.sentinel_ca_file = "/other";
  CHECK(make_endpoint(settings, "").sentinel->tls->ca_file == "/other");

  Settings apart{.url = "rediss://ignored:1/3"};
  apart.sentinel_master = "main";
  apart.sentinel_nodes = {"a", "b:7"};
  endpoint = make_endpoint(apart, "");
  CHECK(endpoint.describe() == "rediss+sentinel://a:26379,b:7/main/3");
}

TEST_CASE("settings that do not fit are refused by name") {
  CHECK(refusal({.url = "http://x"}).starts_with("redis: Redis URL: expected"));
  CHECK(refusal({.ca_file = "/ca"}).starts_with("redis-ca-file: is for TLS"));
  CHECK(refusal({.insecure_skip_verify = true}).starts_with("redis-insecure-skip-verify: "));
  CHECK(refusal({.server_name = "x"}).starts_with("redis-server-name: "));
  CHECK(refusal({.url = "rediss://h", .cert_file = "/c"}).starts_with("redis-key-file: "));
  CHECK(refusal({.url = "rediss://h", .key_file = "/k"}).starts_with("redis-cert-file: "));
  CHECK(refusal({.sentinel_password = "x"}).starts_with("redis-sentinel-password: "));
  Settings half;
  half.sentinel_master = "main";
  CHECK(contains(refusal(half), "redis-sentinel-nodes"));
  half.sentinel_nodes = {"a:b"};
  CHECK(refusal(half).starts_with("redis-sentinel-nodes: "));
  CHECK_FALSE(contains(refusal({.url = "redis://u:hunter2@h", .ca_file = "/ca"}), "hunter2"));
}

TEST_CASE("a child gets to the same place by the same way") {
  Endpoint plain = parse_endpoint("redis://u:p%40ss@host:7/2");
  Endpoint tls = parse_endpoint("rediss://host:7/2");
  tls.tls = Tls{.ca_file = "/ca",
                .ca_pem = {},
                .cert_file = "/c",
                .cert_pem = {},
                .key_file = "/k",
                .key_pem = {},
                .server_name = "s",
                .insecure_skip_verify = true};
  tls.password_file = "/pw";
  Endpoint watched = parse_endpoint("rediss+sentinel://a,b:1/main/4");
  watched.tls->ca_file = "/ca";
  watched.sentinel->tls = watched.tls;
  watched.sentinel->username = "watcher";
  watched.sentinel->password = "spw";
  Endpoint mixed = watched;
  mixed.sentinel->tls->ca_file = "/other";
  mixed.sentinel->password_file = "/spw";
  Endpoint bare = watched;
  bare.sentinel->tls.reset();
  Endpoint reverse = parse_endpoint("redis+sentinel://a/main");
  reverse.sentinel->tls.emplace();
  const Endpoint socket = parse_endpoint("unix:///run/r.sock?db=1");
  for (const Endpoint& endpoint : {plain, tls, watched, mixed, bare, reverse, socket}) {
    CAPTURE(endpoint.describe());
    CHECK(seen_by_child(endpoint) == endpoint);
  }
}
