// Claiming, waking, concurrency, retirement, probes: the program with the built-in handlers.
#include <doctest/doctest.h>
#include <httplib.h>
#include <signal.h>

#include <nlohmann/json.hpp>

#include "tests/runner/runner_process.h"

using namespace wp;
using namespace wp::test;
using queue::JobState;

namespace {

RunnerSetup builtin(const RedisServer& redis, const char* kind, int slots = 1) {
  return {redis.url(), "q", {"--handler", kind, "--concurrency", std::to_string(slots)}, {}};
}

std::int64_t calls(redis::Connection& connection, const std::string& command) {
  const std::string text = connection.execute({"INFO", "commandstats"}).text();
  const std::size_t at = text.find("cmdstat_" + command + ":calls=");
  if (at == std::string::npos) return 0;
  return std::stoll(text.substr(text.find('=', at) + 1));
}

}  // namespace

TEST_CASE("a job is executed, and its result is kept") {
  RedisServer redis;
  QueueClient queue(redis);
  queue.configure(15000);
  RunnerProcess runner(builtin(redis, "echo"));
  const std::string id = queue.enqueue("{\"n\": 1}");
  const auto view = queue.wait_state(id, JobState::done);
  CHECK(nlohmann::json::parse(view.result)["result"] == nlohmann::json{{"n", 1}});
  CHECK(queue->check().empty());
}

TEST_CASE("without any configuration the runner serves with the defaults") {
  RedisServer redis;
  QueueClient queue(redis);
  RunnerProcess runner(builtin(redis, "noop"));
  REQUIRE(runner.logged("\"msg\":\"registered\""));
  CHECK(queue->read_config().owner == "standalone");
  std::vector<queue::NewJob> jobs(1);
  const std::string id = queue->enqueue(jobs).at(0).id;  // not forced: producers are served
  queue.wait_state(id, JobState::done);
}

TEST_CASE("an idle worker is woken, not polled for") {
  RedisServer redis;
  QueueClient queue(redis);
  queue.configure(60000);  // no beat comes to help
  RunnerProcess runner(builtin(redis, "noop"));
  REQUIRE(runner.logged("\"msg\":\"registered\""));
  for (int i = 0; i < 50; ++i) queue.wait_state(queue.enqueue(""), JobState::done, Millis{10000});
  CHECK(calls(queue.connection(), "blpop") <= 60);
  CHECK(queue->check().empty());
}

TEST_CASE("a delayed job starts when it is due") {
  RedisServer redis;
  QueueClient queue(redis);
  queue.configure(60000);  // the next beat that would find it comes after 20 s
  RunnerProcess runner(builtin(redis, "noop"));
  REQUIRE(runner.logged("\"msg\":\"registered\""));
  const std::string id = queue.enqueue("", "default", Millis{400});
  const auto view = queue.wait_state(id, JobState::done);
  CHECK((view.finished - view.enqueued).count() >= 400);
  CHECK((view.finished - view.enqueued).count() < 10000);
}

TEST_CASE("as many at once as there are slots") {
  RedisServer redis;
  QueueClient queue(redis);
  queue.configure(15000);
  RunnerProcess runner(builtin(redis, "sleep", 5));
  REQUIRE(runner.logged("\"msg\":\"registered\""));
  for (int i = 0; i < 8; ++i) queue.enqueue("60s");
  CHECK(eventually([&] { return queue->counts().active == 5; }));
  CHECK(queue->counts().waiting == 3);
}

TEST_CASE("thousands of jobs on two workers: each is completed once") {
  RedisServer redis;
  QueueClient queue(redis);
  queue.configure(15000);
  std::vector<queue::NewJob> jobs(4000);
  queue->enqueue(jobs, true);
  RunnerProcess first(builtin(redis, "noop", 50));
  RunnerProcess second(builtin(redis, "noop", 50));
  CHECK(eventually([&] { return queue->counts().stat["completed"] == 4000; }, Millis{60000}));
  const auto counts = queue->counts();
  CHECK(counts.stat.at("started") == 4000);
  CHECK(counts.active == 0);
  CHECK(queue->check().empty());
}

TEST_CASE("a paused queue is not claimed from, and resumes") {
  RedisServer redis;
  QueueClient queue(redis);
  queue.configure(1500, {{"paused", "1"}});
  RunnerProcess runner(builtin(redis, "noop"));
  REQUIRE(runner.logged("\"msg\":\"registered\""));
  const std::string id = queue.enqueue("");
  CHECK(eventually([&] { return calls(queue.connection(), "evalsha") > 5; }));
  CHECK(queue->job(id).state == JobState::ready);
  queue.configure(1500, {{"paused", "0"}});
  queue.wait_state(id, JobState::done);
  CHECK(queue->check().empty());
}

TEST_CASE("failing jobs are retried and end dead; the metrics count them by type") {
  RedisServer redis;
  QueueClient queue(redis);
  queue.configure(15000, {{"max_attempts", "2"}, {"backoff_initial_ms", "20"}});
  RunnerProcess runner(builtin(redis, "fail"));
  const std::string id = queue.enqueue("no luck", "mail");
  const auto view = queue.wait_state(id, JobState::dead);
  CHECK(view.failures == 2);
  CHECK(view.result.find("no luck") != std::string::npos);

  httplib::Client probes("127.0.0.1", runner.probe_port());
  const auto metrics = probes.Get("/metrics");
  REQUIRE(metrics);
  CHECK(metrics->body.find("workerpool_runner_jobs_total{result=\"failed\",type=\"mail\"} 2") !=
        std::string::npos);
  CHECK(metrics->body.find("workerpool_runner_slots 1") != std::string::npos);
}

TEST_CASE("a crashing worker's job is taken back when the same pod registers again, as a crash") {
  RedisServer redis;
  QueueClient queue(redis);
  queue.configure(60000, {{"max_crashes", "0"}});
  RunnerSetup setup = builtin(redis, "crash");
  setup.arguments.insert(setup.arguments.end(), {"--pod-uid", "uid-1"});
  const std::string id = queue.enqueue("");
  RunnerProcess first(setup);
  CHECK(first.wait() == 1000 + SIGABRT);
  RunnerProcess second(setup);
  const auto view = queue.wait_state(id, JobState::dead);
  CHECK(view.crashes == 1);
  CHECK(queue->check().empty());
}

TEST_CASE("what a worker says of itself can be read in the queue") {
  RedisServer redis;
  QueueClient queue(redis);
  queue.configure(1500);
  RunnerSetup setup = builtin(redis, "sleep", 3);
  setup.environment = {{"WP_POD_NAME", "pod-a"}, {"WP_POD_UID", "uid-a"}, {"WP_NODE", "node-a"}};
  RunnerProcess runner(setup);
  const std::string id = queue.enqueue("60s");
  nlohmann::json info;
  CHECK(eventually([&] {
    const auto workers = queue->counts({.worker_info = true}).workers;
    if (workers.empty() || workers[0].info.empty()) return false;
    info = nlohmann::json::parse(workers[0].info);
    return info["running"].size() == 1;
  }));
  CHECK(info["running"][0]["id"] == id);
  CHECK(info["pod"] == "pod-a");
  CHECK(info["uid"] == "uid-a");
  CHECK(info["node"] == "node-a");
  CHECK(info["slots"] == 3);
  CHECK(info["pid"] == runner.pid());
  CHECK(queue->counts({.worker_info = true}).workers[0].worker.starts_with("uid-a/"));
}

TEST_CASE("probes: ready once registered, alive also without Redis") {
  RedisServer redis;
  QueueClient queue(redis);
  redis.stop();
  RunnerProcess runner(builtin(redis, "noop"));
  httplib::Client probes("127.0.0.1", runner.probe_port());
  auto answer = probes.Get("/readyz");
  REQUIRE(answer);
  CHECK(answer->status == 503);
  CHECK(probes.Get("/healthz")->status == 200);
  CHECK(runner.logged("\"class\":\"Refused\""));
  redis.start();
  CHECK(eventually([&] { return probes.Get("/readyz")->status == 200; }));
  redis.stop();
  CHECK(runner.logged("\"error\""));
  CHECK(probes.Get("/readyz")->status == 200);
  CHECK(probes.Get("/healthz?verbose")->status == 200);
}
