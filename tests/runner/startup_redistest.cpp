// What a user sees when something is wrong at the start.
#include <algorithm>
#include <doctest/doctest.h>
#include <signal.h>

#include "tests/runner/runner_process.h"

using namespace wp;
using namespace wp::test;
using queue::JobState;

TEST_CASE("a command that is not there: one line, exit 2, no job touched") {
  RedisServer redis;
  QueueClient queue(redis);
  queue.configure(15000);
  const std::string id = queue.enqueue("");
  RunnerProcess runner({redis.url(), "q", {"--", "no-such-program"}, {}});
  CHECK(runner.wait() == 2);
  const std::string log = runner.log();
  CHECK(log.find("no-such-program") != std::string::npos);
  CHECK(std::count(log.begin(), log.end(), '\n') == 1);
  CHECK(queue->job(id).state == JobState::ready);
}

TEST_CASE("a wrong password is said once, clearly, without the password, and tried again") {
  RedisServer redis({"requirepass right"});
  RunnerProcess runner(
      {redis.url(), "q", {"--handler", "noop"}, {{"WP_REDIS_PASSWORD", "wrong-one"}}});
  REQUIRE(runner.logged("\"class\":\"Auth\""));
  CHECK(runner.log().find("wrong-one") == std::string::npos);
  CHECK_FALSE(runner.wait(Millis{0}));
  runner.signal(SIGTERM);
  CHECK(runner.wait() == 0);
}

TEST_CASE("a rotated password file is read at the next connect") {
  RedisServer redis({"requirepass first"});
  Folder folder;
  write_file(folder / "password", "wrong\n");
  RunnerProcess runner(
      {redis.url(), "q", {"--handler", "noop", "--redis-password-file", folder / "password"}, {}});
  REQUIRE(runner.logged("\"class\":\"Auth\""));
  write_file(folder / "password", "first\n");
  CHECK(runner.logged("\"msg\":\"registered\""));
}

TEST_CASE("a queue of a newer format: exit 3 with a clear message") {
  RedisServer redis;
  QueueClient queue(redis);
  (void)queue.connection().execute(
      {"HSET", queue::key_name("q", "cfg"), "hash", "h", "format", "99"});
  RunnerProcess runner({redis.url(), "q", {"--handler", "noop"}, {}});
  CHECK(runner.wait() == 3);
  CHECK(runner.log().find("newer version") != std::string::npos);
}

TEST_CASE("a Redis that is late is waited for") {
  RedisServer redis;
  redis.stop();
  RunnerProcess runner({redis.url(), "q", {"--handler", "noop"}, {}});
  REQUIRE(runner.logged("\"class\":\"Refused\""));
  redis.start();
  CHECK(runner.logged("\"msg\":\"registered\""));
}

TEST_CASE("every setting that was set is logged at the start with its source, all for debug") {
  RedisServer redis;
  RunnerProcess runner(
      {redis.url(), "q", {"--handler", "noop", "--log-level", "info"}, {{"WP_CONCURRENCY", "3"}}});
  REQUIRE(runner.logged("\"msg\":\"starting\""));
  const std::string log = runner.log();
  CHECK(log.find(
            "\"name\":\"concurrency\",\"value\":\"3\",\"source\":\"environment WP_CONCURRENCY\"") !=
        std::string::npos);
  CHECK(log.find("\"source\":\"default\"") == std::string::npos);  // they would bury the others
  // What a worker is, whether somebody set it or not.
  const std::size_t at = log.find("\"msg\":\"starting\"");
  const std::string starting = log.substr(at, log.find('\n', at) - at);
  for (const std::string& fact :
       {"\"redis\":\"" + redis.url(), std::string("\"database\":0"), std::string("\"queue\":\"q\""),
        std::string("\"concurrency\":3"), std::string("\"handler\":\"noop\"")}) {
    CHECK_MESSAGE(starting.find(fact) != std::string::npos, fact);
  }
  CHECK(runner.logged("\"lease_ms\":15000"));

  RunnerProcess all({redis.url(), "q", {"--handler", "noop", "--log-level", "debug"}, {}});
  REQUIRE(all.logged("\"msg\":\"starting\""));
  CHECK(all.log().find("\"name\":\"redis-password\",\"value\":\"(not set)\"") != std::string::npos);
}

TEST_CASE("a Redis that cannot serve: what is wrong, and what to do about it") {
  RedisServer master;
  RedisServer replica({"replicaof 127.0.0.1 " + std::to_string(master.port())});
  redis::Connection admin(master.endpoint());
  admin.connect();
  (void)admin.execute({"ACL", "SETUSER", "poor", "reset", "on", ">x", "~*", "+ping", "+select"});
  const auto says = [](const std::string& url, const std::string& error_class,
                       const std::string& advice) {
    RunnerProcess runner({url, "q", {"--handler", "noop"}, {}});
    CHECK(runner.logged("\"class\":\"" + error_class + "\""));
    CHECK_MESSAGE(runner.logged(advice), runner.log());
  };
  says(replica.url(), "ReadOnly", "name the master with --redis");
  says("rediss://127.0.0.1:" + std::to_string(master.port()), "Timeout",
       "does the port speak TLS?");
  says("redis://poor:x@127.0.0.1:" + std::to_string(master.port()), "Permission",
       "workerpoolctl doctor QUEUE");
}

TEST_CASE("a port of the probes that is taken: the line names the setting, exit 2") {
  RedisServer redis;
  const std::string taken = "127.0.0.1:" + std::to_string(redis.port());
  RunnerProcess runner({redis.url(), "q", {"--probe-addr", taken, "--handler", "noop"}, {}});
  CHECK(runner.wait() == 2);
  const std::string log = runner.log();
  CHECK(log.find("workerpool-runner: probe-addr: cannot listen on " + taken) == 0);
  CHECK(log.find("choose another, or off") != std::string::npos);
}
