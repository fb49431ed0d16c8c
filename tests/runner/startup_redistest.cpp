// What a user sees when something is wrong at the start.
#include <algorithm>
#include <doctest/doctest.h>
#include <filesystem>
#include <httplib.h>
#include <signal.h>

#include "tests/runner/runner_process.h"

using namespace wp;
using namespace wp::test;
using queue::JobState;

namespace {

// What the only worker says of itself.
std::string winfo(QueueClient& queue) {
  const auto workers = queue->counts({.worker_info = true}).workers;
  return workers.size() == 1 ? workers[0].info : std::string();
}

bool says(QueueClient& queue, const std::string& part) {
  return eventually([&] { return winfo(queue).find(part) != std::string::npos; });
}

// A program that is put there when the worker has been up for a while.
void late_program(const std::vector<std::string>& kind, const std::string& script) {
  RedisServer redis;
  QueueClient queue(redis);
  queue.configure(1500);
  Folder folder;
  const std::string id = queue.enqueue("1");
  RunnerSetup setup{redis.url(), "q", kind, {}};
  setup.arguments.insert(setup.arguments.end(), {"--", folder / "late-program"});
  RunnerProcess runner(setup);
  CHECK(says(queue, "\"broken\":true"));
  CHECK(says(queue, "late-program\\\" is no executable file\""));
  CHECK(runner.logged("the handler cannot run"));
  httplib::Client probes("127.0.0.1", runner.probe_port());
  const auto answer = probes.Get("/readyz");
  REQUIRE(answer);
  CHECK(answer->status == 503);
  CHECK(probes.Get("/healthz")->status == 200);
  CHECK(queue->job(id).state == JobState::ready);
  CHECK(queue->counts().stat["started"] == 0);

  write_file(folder / "new", script);
  std::filesystem::permissions(folder / "new", std::filesystem::perms::owner_all);
  std::filesystem::rename(folder / "new", folder / "late-program");
  const auto view = queue.wait_state(id, JobState::done);
  CHECK(view.failures + view.crashes + view.losses == 0);
  CHECK(eventually([&] { return probes.Get("/readyz")->status == 200; }));
  CHECK(says(queue, "\"broken\":false"));
  CHECK(winfo(queue).find("late-program") == std::string::npos);
  CHECK(queue->check().empty());
}

}  // namespace

TEST_CASE("exec: a program that is absent breaks the handler, claims nothing, and may come later") {
  late_program({}, "#!/bin/sh\ncat\n");
}

TEST_CASE("stdio: a program that is absent breaks the handler, claims nothing, and may come") {
  late_program({"--handler", "stdio"},
               "#!/bin/sh\nwhile read -r line; do echo '{\"result\": 1}'; done\n");
}

TEST_CASE("stdio: who can run some of its processes is ready, however late Redis is") {
  RedisServer redis;
  QueueClient queue(redis);
  queue.configure(15000);
  redis.stop();
  Folder folder;
  write_file(folder / "program",
             "#!/bin/sh\nmkdir $HERE/taken 2>/dev/null || exit 3\n"
             "while read -r line; do echo '{\"result\": 1}'; done\n");
  std::filesystem::permissions(folder / "program", std::filesystem::perms::owner_all);
  RunnerProcess runner({redis.url(),
                        "q",
                        {"--handler", "stdio", "--concurrency", "2", "--", folder / "program"},
                        {{"HERE", folder.path()}}});
  REQUIRE(runner.logged("did not come to work"));
  REQUIRE(runner.logged("\"class\":\"Refused\""));
  redis.start();
  REQUIRE(runner.logged("\"msg\":\"registered\""));
  httplib::Client probes("127.0.0.1", runner.probe_port());
  CHECK(eventually([&] { return probes.Get("/readyz")->status == 200; }));
  CHECK(runner.log().find("the handler runs again") == std::string::npos);
}

TEST_CASE("a worker without its program leaves when it is told to") {
  RedisServer redis;
  RunnerProcess runner({redis.url(), "q", {"--", "no-such-program"}, {}});
  REQUIRE(runner.logged("\"msg\":\"registered\""));
  runner.signal(SIGTERM);
  CHECK(runner.wait() == 0);
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
