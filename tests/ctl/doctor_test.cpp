// workerpoolctl doctor: as a user runs it, on real servers of several kinds.
#include <doctest/doctest.h>

#include "ctl/doctor/queue.h"
#include "ctl/doctor/server.h"
#include "tests/ctl/fixture.h"
#include "tests/support/free_port.h"
#include "tests/support/sentinel_server.h"
#include "tests/support/temp_folder.h"
#include "tests/support/tls_files.h"
#include "tests/support/wait.h"

using namespace wp;
using namespace wp::test;

namespace {

// check → level, of one queue or (empty) of the server.
std::map<std::string, std::string> levels(const nlohmann::json& document,
                                          const std::string& queue = "") {
  std::map<std::string, std::string> out;
  for (const auto& finding : document["findings"]) {
    const std::string of = finding["queue"].is_null() ? "" : finding["queue"].get<std::string>();
    if (of == queue) out[finding["check"]] = finding["level"];
  }
  return out;
}

std::string found(const nlohmann::json& document, const std::string& check) {
  for (const auto& finding : document["findings"]) {
    if (finding["check"] == check) return finding["found"];
  }
  return {};
}

// A document, whatever the exit code is; errors of doctor are findings on stdout.
nlohmann::json doctor(const std::vector<std::string>& words,
                      std::map<std::string, std::string> environment, int exit) {
  std::vector<std::string> all{"doctor", "-o", "json"};
  all.insert(all.end(), words.begin(), words.end());
  const Ran ran = run_ctl(all, {}, std::move(environment));
  CHECK(ran.exit == exit);
  CHECK(ran.err.empty());
  CHECK_MESSAGE(nlohmann::json::accept(ran.out), ran.out);
  return nlohmann::json::parse(ran.out, nullptr, false);
}

bool holds_status(const std::string& info, const std::string& status) {
  return info.find("rdb_last_bgsave_status:" + status) != std::string::npos;
}

}  // namespace

TEST_CASE("doctor: a fine server and queue have nothing but ok") {
  const RedisServer redis({"maxmemory 100mb", "appendonly yes", "zset-max-listpack-entries 16"});
  redis::Connection connection(redis.endpoint());
  connection.connect();
  queue::Queue queue(connection, "q");
  (void)queue.write_config({}, "hash", "uid@ns/pool", 1);
  const auto document = doctor({}, {{"WP_REDIS_URL", redis.url()}}, 0);
  CHECK(document["failed"] == 0);
  CHECK(document["warnings"] == 0);
  CHECK(document["unknown"] == 0);
  CHECK(levels(document).size() == 8);
  CHECK(levels(document, "q").size() == 8);
  const Ran table = run_ctl({"doctor"}, {}, {{"WP_REDIS_URL", redis.url()}});
  CHECK(holds(table.out, "STATE"));
  CHECK(holds(table.out, "0 failed, 0 warnings, 0 unknown, 16 ok\n"));
}

TEST_CASE("doctor: what is wrong with a server fails or warns, and says what to do") {
  const RedisServer redis({"maxmemory 1mb", "maxmemory-policy allkeys-lru", "save \"\""});
  const auto document = doctor({}, {{"WP_REDIS_URL", redis.url()}}, 1);
  const auto all = levels(document);
  CHECK(all.at("eviction") == "fail");
  CHECK(all.at("persistence") == "warn");
  CHECK(all.at("listpacks") == "warn");
  CHECK(all.at("queues") == "warn");
  CHECK(found(document, "persistence") == "none: a restart loses every job");
  for (const auto& finding : document["findings"]) {
    if (finding["level"] != "ok") CHECK_FALSE(finding["advice"].is_null());
  }
}

TEST_CASE("doctor: a Redis that can't write its disk is found out, though it refuses a PING") {
  const RedisServer redis({"save 900 1", "enable-protected-configs yes"});
  redis::Connection connection(redis.endpoint());
  connection.connect();
  (void)connection.execute({"SET", "a", "b"});
  (void)connection.execute({"CONFIG", "SET", "dbfilename", "."});
  (void)connection.execute({"BGSAVE"});
  REQUIRE(eventually([&] {
    return holds_status(connection.execute({"INFO", "persistence"}).text(), "err");
  }));
  const auto document = doctor({}, {{"WP_REDIS_URL", redis.url()}}, 1);
  CHECK(levels(document).at("redis") == "ok");
  CHECK(levels(document).at("persistence") == "fail");
  (void)connection.execute({"CONFIG", "SET", "save", ""});  // else it does not end
}

TEST_CASE("doctor: a replica fails, Redis away is a finding, too") {
  const RedisServer redis({"replicaof 127.0.0.1 1"});
  CHECK(levels(doctor({}, {{"WP_REDIS_URL", redis.url()}}, 1)).at("role") == "fail");
  const auto away = doctor({"--redis", "redis://127.0.0.1:1"}, {}, 1);
  CHECK(levels(away) == std::map<std::string, std::string>{{"redis", "fail"}});
}

TEST_CASE("doctor: a server that tells nothing is unknown, and never fails for it") {
  const RedisServer redis({"user default on nopass ~* &* +@all -config -info -acl"});
  const auto document = doctor({}, {{"WP_REDIS_URL", redis.url()}}, 0);
  const auto all = levels(document);
  for (const char* check : {"version", "role", "eviction", "memory", "persistence", "listpacks"}) {
    CHECK_MESSAGE(all.at(check) == "unknown", check);
  }
  CHECK(all.at("rights") == "ok");
  CHECK(holds(found(document, "rights"), "by trying"));
}

TEST_CASE("doctor: a Sentinel is no Redis, and says what to write instead") {
  const RedisServer master;
  const SentinelServer sentinel(master.port());
  for (const char* database : {"/0", "/3"}) {
    const auto document =
        doctor({}, {{"WP_REDIS_URL", "redis://" + sentinel.node() + database}}, 1);
    CHECK(levels(document) == std::map<std::string, std::string>{{"redis", "fail"}});
    CHECK(holds(found(document, "redis"), "this is a Sentinel"));
    CHECK(document["findings"][0]["advice"] ==
          "use redis+sentinel://" + sentinel.node() + "/main" + database);
  }
}

TEST_CASE("doctor: TLS where none is spoken, and none where it is") {
  const Authority authority;
  const Certificate certificate = authority.issue("redis", "IP:127.0.0.1");
  const OwnFolder folder;
  folder.write("ca.pem", authority.pem());
  folder.write("server.pem", certificate.pem);
  folder.write("server.key", certificate.key);
  const int port = free_port();
  const RedisServer redis({"tls-port " + std::to_string(port),
                           "tls-cert-file " + folder.path() + "/server.pem",
                           "tls-key-file " + folder.path() + "/server.key",
                           "tls-ca-cert-file " + folder.path() + "/ca.pem", "tls-auth-clients no"});
  const std::string there = "://127.0.0.1:" + std::to_string(port) + "/0";
  auto document = doctor({}, {{"WP_REDIS_URL", "redis" + there}}, 1);
  CHECK(holds(found(document, "redis"), "this port speaks TLS"));
  CHECK(holds(document["findings"][0]["advice"].get<std::string>(), "use rediss" + there));
  const std::string plain = "://127.0.0.1:" + std::to_string(redis.port()) + "/0";
  document = doctor({}, {{"WP_REDIS_URL", "rediss" + plain}}, 1);
  CHECK(holds(found(document, "redis"), "this port speaks no TLS"));
  CHECK(holds(document["findings"][0]["advice"].get<std::string>(), "use redis" + plain));
}

TEST_CASE("doctor: rights that are lacking are named, by DRYRUN or by trying") {
  const std::string all = " on >pw ~wp:{q}:* ~other +@all ";
  RedisServer redis({"user dry" + all + "-hdel resetchannels", "user tried" + all + "-acl -hdel",
                     "user other" + all + "&*"});
  redis::Connection connection(redis.endpoint());
  connection.connect();
  (void)queue::Queue(connection, "q").write_config({}, "hash", "uid@ns/pool", 1);
  for (const char* user : {"dry", "tried"}) {
    CAPTURE(user);
    const auto document =
        doctor({"q", "--as", "worker", "--redis-username", user, "--redis-password", "pw"},
               {{"WP_REDIS_URL", redis.url()}}, 1);
    CHECK(levels(document, "q").at("rights") == "fail");
    CHECK(holds(found(document, "rights"), "HDEL wp:{q}:body"));
    CHECK(holds(found(document, "rights"), "PUBLISH wp:{q}:events"));
    CHECK(found(document, "rights").find("BLPOP") == std::string::npos);
  }
  // Another queue than the keys that the user may touch.
  const auto document = doctor({"else", "--redis-username", "other", "--redis-password", "pw"},
                               {{"WP_REDIS_URL", redis.url()}}, 1);
  CHECK(levels(document, "else").at("rights") == "fail");
  CHECK(levels(document, "else").at("queue") == "unknown");
}

TEST_CASE("doctor: a queue that is not served, paused, or broken") {
  CtlFixture f;
  f.put("a");
  f.put("b");
  (void)f.queue.cancel({"b"});
  (void)f.queue.pause("alice");
  auto all = levels(doctor({"q"}, f.environment(), 0), "q");
  CHECK(all.at("configuration") == "ok");
  CHECK(all.at("paused") == "warn");
  CHECK(all.at("dead jobs") == "warn");
  CHECK(all.at("workers") == "ok");
  (void)f.queue.resume();
  all = levels(doctor({"q"}, f.environment(), 0), "q");
  CHECK(all.at("workers") == "warn");
  (void)f.queue.beat("w/1", {}, {}, "", false);
  CHECK(levels(doctor({"q"}, f.environment(), 0), "q").at("handlers") == "ok");
  (void)f.queue.beat("w/1", {}, {}, R"({"broken":true,"trouble":"no such program"})", false);
  const auto broken = doctor({"q"}, f.environment(), 1);
  CHECK(levels(broken, "q").at("handlers") == "fail");
  CHECK(found(broken, "handlers") == "the handler of 1 of 1 workers cannot run: no such program");
  (void)f.queue.beat("w/1", {}, {}, R"({"broken":false})", false);
  (void)f.queue.retire({"v"}, queue::RetiredBy::person, 0);
  const auto drained = doctor({"q"}, f.environment(), 0);
  CHECK(found(drained, "workers") == "1 beat; drained by a person: 1 pods");
  (void)f.raw.execute({"ZADD", queue::key_name("q", "dead"), "1", "ghost"});
  CHECK(levels(doctor({"q"}, f.environment(), 1), "q").at("invariants") == "fail");
  (void)f.raw.execute({"FLUSHALL"});
  CHECK(levels(doctor({"q"}, f.environment(), 1), "q").at("configuration") == "fail");
}

TEST_CASE("doctor: large queues are checked when asked for; newer formats and old waits are told") {
  queue::Counts counts;
  counts.config_present = true;
  counts.config_owner = "uid@ns/pool";
  counts.now = Millis{1'000'000'000};
  counts.waiting = 5;
  counts.oldest_wait = Millis{120'000};
  counts.workers.push_back({"w/1", Millis{1}, 0, false, ""});
  queue::Config config;
  config.fields["format"] = "2";
  const auto findings = ctl::judge_queue("q", counts, config);
  CHECK(findings[0].level == ctl::Level::fail);
  CHECK(findings[2].found == "0 beat, 1 silent, 5 jobs wait");
  CHECK(findings[5].level == ctl::Level::warn);
  CHECK(holds(ctl::check_left_away("q", 30000).advice, "--deep"));
  ctl::ServerFacts facts;
  facts.info = ctl::parse_info("# Server\r\nredis_version:6.0.16\r\nrole:master\r\n");
  facts.skew = Millis{-5000};
  const auto server = ctl::judge_server(facts);
  CHECK(server[0].level == ctl::Level::fail);
  CHECK(server[1].level == ctl::Level::ok);
  CHECK(server[6].level == ctl::Level::warn);
  facts.info["valkey_version"] = "7.2.5";
  CHECK(ctl::judge_server(facts)[0].level == ctl::Level::ok);
}
