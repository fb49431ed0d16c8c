// The http handler with a queue behind it and a real app beside it.
#include <cstdlib>
#include <doctest/doctest.h>
#include <filesystem>
#include <fstream>
#include <memory>
#include <signal.h>

#include <nlohmann/json.hpp>

#include "tests/runner/runner_process.h"
#include "tests/support/free_port.h"
#include "tests/support/process.h"

using namespace wp;
using namespace wp::test;
using nlohmann::json;
using queue::JobState;

namespace {

using Config = std::map<std::string, std::string>;

// Redis, an app that can be started, killed and started again, and a runner in front of it.
struct World {
  explicit World(Config config = {}, std::int64_t lease_ms = 15000) : queue(redis) {
    queue.configure(lease_ms, std::move(config));
  }

  void start_app() {
    const char* source = std::getenv("WORKERPOOL_SOURCE");
    REQUIRE(source != nullptr);
    app = std::make_unique<Process>(
        std::vector<std::string>{"/usr/bin/env", "python3",
                                 std::string(source) + "/tests/runner/http_app.py",
                                 std::to_string(port), folder.path()},
        folder / "app.log");
  }
  void start_runner(std::vector<std::string> more = {}) {
    RunnerSetup setup{
        redis.url(), "q", {"--http-url", "http://127.0.0.1:" + std::to_string(port) + "/jobs"}, {}};
    setup.arguments.insert(setup.arguments.end(), more.begin(), more.end());
    runner = std::make_unique<RunnerProcess>(setup);
  }
  void start_both(std::vector<std::string> more = {}) {
    start_app();
    start_runner(std::move(more));
  }
  std::string enqueue(const json& order) { return queue.enqueue(order.dump()); }
  int runs() const { return count_lines(folder / "runs"); }
  void uncounted(const std::string& id) {
    const auto view = queue->job(id);
    CHECK(view.failures == 0);
    CHECK(view.crashes == 0);
    CHECK(view.losses == 0);
  }
  // What the app was sent: result of a job that it completed.
  json sent(const std::string& id) {
    return json::parse(queue.wait_state(id, JobState::done).result).at("result");
  }

  RedisServer redis;
  Folder folder;
  QueueClient queue;
  const int port = free_port();
  std::unique_ptr<Process> app;
  std::unique_ptr<RunnerProcess> runner;
};

}  // namespace

TEST_CASE("a job reaches the app with its facts, and the answer is its result") {
  World world(Config{{"timeout_ms", "60000"}});
  world.start_both();
  const std::string id = world.queue.enqueue(R"({"n": 1})", "mail");
  const json sent = world.sent(id);
  CHECK(sent["body"] == json{{"n", 1}});
  CHECK(sent["headers"]["wp-job-id"] == id);
  CHECK(sent["headers"]["wp-job-type"] == "mail");
  CHECK(sent["headers"]["wp-queue"] == "q");
  CHECK(sent["headers"]["wp-attempt"] == "1");
  CHECK(sent["headers"].contains("wp-deadline"));
  CHECK(sent["headers"]["host"] == "127.0.0.1:" + std::to_string(world.port));
  CHECK(world.queue->check().empty());
}

TEST_CASE("statuses end jobs as the contract says") {
  World world(Config{{"backoff_initial_ms", "20"}, {"max_attempts", "2"}});
  world.start_both();
  const std::string refused = world.enqueue({{"status", 422}});
  const std::string fails = world.enqueue({{"status", 500}});
  const std::string flaky = world.enqueue({{"status", 500}, {"only-first", true}});
  const auto dead = world.queue.wait_state(refused, JobState::dead);
  CHECK(dead.result.find("HTTP 422: as asked") != std::string::npos);
  CHECK(world.queue.wait_state(fails, JobState::dead).failures == 2);
  CHECK(world.queue.wait_state(flaky, JobState::done).failures == 1);
  CHECK(world.queue->check().empty());
}

TEST_CASE("Retry-After is honoured, and counts nothing") {
  World world;
  world.start_both();
  const std::string id = world.enqueue({{"later", "1"}, {"once", "was-later"}});
  const auto view = world.queue.wait_state(id, JobState::done);
  CHECK(view.deferrals == 1);
  world.uncounted(id);
  std::ifstream runs(world.folder / "runs");
  double first = 0, second = 0;
  std::string word;
  runs >> first >> word >> word >> second;
  CHECK(second - first >= 0.9);
}

TEST_CASE("a cancelled job's request is closed") {
  World world(Config{}, 4000);
  world.start_both();
  const std::string id = world.enqueue({{"wait", true}});
  REQUIRE(eventually([&] { return world.runs() == 1; }));
  world.queue->cancel({id});
  CHECK(eventually([&] { return count_lines(world.folder / "closed") == 1; }));
  CHECK(world.queue.wait_state(id, JobState::dead).result.find("cancelled") != std::string::npos);
}

TEST_CASE("the pool's time limit closes the request") {
  World world(Config{{"timeout_ms", "200"}, {"max_attempts", "1"}});
  world.start_both();
  const auto view = world.queue.wait_state(world.enqueue({{"wait", true}}), JobState::dead);
  CHECK(view.failures == 1);
  CHECK(view.result.find("Timeout") != std::string::npos);
  CHECK(eventually([&] { return count_lines(world.folder / "closed") == 1; }));
}

TEST_CASE("two jobs change a session at once: both changes are kept") {
  World world;
  world.start_both({"--concurrency", "2"});
  std::vector<queue::NewJob> jobs(2);
  jobs[0].payload = json{{"wait", true}, {"patch", {{"a", 1}}}}.dump();
  jobs[1].payload = json{{"wait", true}, {"patch", {{"b", json::array()}}}}.dump();
  for (queue::NewJob& job : jobs) job.session = "cart";
  const auto made = world.queue->enqueue(jobs, true);
  REQUIRE(eventually([&] { return world.runs() == 2; }));
  write_file(world.folder / "go", "");
  for (const auto& job : made) world.queue.wait_state(job.id, JobState::done);

  std::vector<queue::NewJob> reader(1);
  reader[0].payload = "{\"n\": 1}";
  reader[0].session = "cart";
  const json sent = world.sent(world.queue->enqueue(reader, true).at(0).id);
  CHECK(sent["headers"]["wp-session"] == "cart");
  CHECK(sent["body"]["payload"] == json{{"n", 1}});
  CHECK(sent["body"]["session"] ==
        json{{"name", "cart"}, {"document", {{"a", 1}, {"b", json::array()}}}});
  CHECK(world.queue->check().empty());
}

TEST_CASE("each step of a chain gets the result of the one before") {
  World world;
  world.start_both();
  std::vector<queue::NewJob> jobs(1);
  jobs[0].payload = "{\"step\": 1}";
  jobs[0].chain = {{"second", "default", "{\"step\": 2}", 100}};
  world.queue->enqueue(jobs, true);
  REQUIRE(eventually([&] { return world.queue->job("second").state == JobState::done; }));
  const json sent = world.sent("second");
  CHECK(sent["headers"]["wp-envelope"] == "job");
  CHECK(sent["body"]["payload"] == json{{"step", 2}});
  CHECK(sent["body"]["previous"]["body"] == json{{"step", 1}});
}

TEST_CASE("nothing is claimed before the app is up") {
  World world(Config{}, 1500);
  world.start_runner();
  const std::string id = world.enqueue(json::object());
  REQUIRE(world.runner->logged("\"msg\":\"registered\""));
  // Six beats long.
  CHECK_FALSE(
      eventually([&] { return world.queue->job(id).state != JobState::ready; }, Millis{3000}));
  CHECK(world.runner->log().find("the handler cannot run") == std::string::npos);
  world.start_app();
  world.queue.wait_state(id, JobState::done);
  world.uncounted(id);
}

TEST_CASE("an app that has no path for a while buries nothing and runs everything later") {
  World world(Config{{"max_attempts", "1"}, {"max_crashes", "0"}}, 4000);
  write_file(world.folder / "404", "");
  world.start_both({"--concurrency", "4"});
  std::vector<std::string> ids;
  for (int i = 0; i < 20; ++i) ids.push_back(world.enqueue({{"n", i}}));
  // At most four together, and then one at a time, after each pause.
  CHECK(eventually([&] { return count_lines(world.folder / "refused") >= 6; }));
  CHECK(world.runner->logged("answers HTTP 404: no such path yet"));
  CHECK(eventually([&] {
    const auto workers = world.queue->counts({.worker_info = true}).workers;
    return !workers.empty() && workers[0].info.find("\"broken\":true") != std::string::npos;
  }));
  CHECK(world.runs() == 0);
  std::filesystem::remove(world.folder / "404");
  // Those that found out that it was no use are set aside for half a minute.
  for (const std::string& id : ids) {
    world.queue.wait_state(id, JobState::done, Millis{90000});
    world.uncounted(id);
  }
  CHECK(world.runs() == 20);
  CHECK(world.queue->check().empty());
}

TEST_CASE("with a ready path, an app that is up but not ready gets no job") {
  World world(Config{}, 1500);
  write_file(world.folder / "not-ready", "");
  world.start_app();
  world.start_runner({"--http-ready-path", "/ready"});
  const std::string id = world.enqueue(json::object());
  REQUIRE(world.runner->logged("\"msg\":\"registered\""));
  CHECK_FALSE(
      eventually([&] { return world.queue->job(id).state != JobState::ready; }, Millis{2000}));
  std::filesystem::remove(world.folder / "not-ready");
  world.queue.wait_state(id, JobState::done);
}

TEST_CASE("an app killed in a job: a crash of that job, and the rest waits until it is back") {
  World world(Config{{"max_crashes", "3"}});
  world.start_both();
  const std::string victim = world.enqueue({{"wait", true}});
  REQUIRE(eventually([&] { return world.runs() == 1; }));
  std::vector<std::string> others;
  for (int i = 0; i < 5; ++i) others.push_back(world.enqueue({{"n", i}}));
  world.app->signal(SIGKILL);
  CHECK(world.app->wait() == 1000 + SIGKILL);
  CHECK(eventually([&] { return world.queue->job(victim).crashes == 1; }));
  write_file(world.folder / "go", "");
  world.start_app();
  for (const std::string& id : others) {
    world.queue.wait_state(id, JobState::done);
    world.uncounted(id);
  }
  const auto view = world.queue.wait_state(victim, JobState::done);
  CHECK(view.crashes == 1);
  CHECK(view.failures == 0);
  CHECK(world.queue->check().empty());
}

TEST_CASE("SIGTERM: the running request completes, nothing else is posted, exit 0") {
  World world;
  world.start_both();
  const std::string running = world.enqueue({{"wait", true}});
  REQUIRE(eventually([&] { return world.runs() == 1; }));
  world.runner->signal(SIGTERM);
  REQUIRE(world.runner->logged("stopping"));
  const std::string waiting = world.enqueue(json::object());
  write_file(world.folder / "go", "");
  CHECK(world.runner->wait() == 0);
  CHECK(world.queue->job(running).state == JobState::done);
  CHECK(world.queue->job(waiting).state == JobState::ready);
  CHECK(world.runs() == 1);
  CHECK(count_lines(world.folder / "closed") == 0);
}

TEST_CASE("a second signal closes the requests, and their jobs go back") {
  World world;
  world.start_both();
  const std::string running = world.enqueue({{"wait", true}});
  REQUIRE(eventually([&] { return world.runs() == 1; }));
  world.runner->signal(SIGTERM);
  REQUIRE(world.runner->logged("stopping"));
  world.runner->signal(SIGTERM);
  CHECK(world.runner->wait() == 0);
  CHECK(eventually([&] { return count_lines(world.folder / "closed") == 1; }));
  CHECK(world.queue->job(running).state == JobState::ready);
  world.uncounted(running);
}

TEST_CASE("a hundred requests at once") {
  World world;
  world.start_both({"--concurrency", "100"});
  std::vector<std::string> ids;
  for (int i = 0; i < 100; ++i) ids.push_back(world.enqueue({{"together", 100}}));
  for (const std::string& id : ids) {
    world.queue.wait_state(id, JobState::done);
    world.uncounted(id);
  }
  CHECK(world.runs() == 100);
  CHECK(world.queue->check().empty());
}
