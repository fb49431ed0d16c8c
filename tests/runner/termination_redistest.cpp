// How a runner ends: by signal, politely, impatiently, and not at all politely.
#include <doctest/doctest.h>
#include <httplib.h>
#include <signal.h>

#include "tests/runner/runner_process.h"

using namespace wp;
using namespace wp::test;
using queue::JobState;

namespace {

constexpr const char* kUntilGo =
    "echo $WP_ATTEMPT $$ >> $HERE/runs; while [ ! -e $HERE/go ]; do sleep 0.01; done; echo ok";

RunnerSetup shell(const RedisServer& redis, const Folder& folder, const std::string& script) {
  return {redis.url(),
          "q",
          {"--scratch-dir", folder.path(), "--", "/bin/sh", "-c", script},
          {{"HERE", folder.path()}}};
}

}  // namespace

TEST_CASE("SIGTERM: the running job completes, nothing else is claimed, exit 0") {
  RedisServer redis;
  QueueClient queue(redis);
  queue.configure(15000);
  Folder folder;
  RunnerProcess runner(shell(redis, folder, kUntilGo));
  const std::string running = queue.enqueue("");
  REQUIRE(eventually([&] { return count_lines(folder / "runs") == 1; }));
  httplib::Client probes("127.0.0.1", runner.probe_port());
  runner.signal(SIGTERM);
  REQUIRE(runner.logged("stopping"));
  CHECK(probes.Get("/readyz")->status == 503);
  const std::string waiting = queue.enqueue("");
  write_file(folder / "go", "");
  CHECK(runner.wait() == 0);
  const auto view = queue->job(running);
  CHECK(view.state == JobState::done);
  CHECK(view.failures == 0);
  CHECK(view.losses == 0);
  CHECK(queue->job(waiting).state == JobState::ready);
  CHECK(count_lines(folder / "runs") == 1);
  CHECK(queue->counts({.worker_info = true}).workers.empty());  // deregistered
  CHECK(queue->check().empty());
}

TEST_CASE("SIGTERM of an idle runner is quick") {
  RedisServer redis;
  QueueClient queue(redis);
  queue.configure(60000);  // no beat comes to help for 20 s
  Folder folder;
  RunnerProcess runner(shell(redis, folder, "exit 0"));
  REQUIRE(runner.logged("\"msg\":\"registered\""));
  runner.signal(SIGTERM);
  CHECK(runner.wait(Millis{10000}) == 0);
  CHECK(queue->counts({.worker_info = true}).workers.empty());
}

TEST_CASE("a second signal: the job is given back as interrupted and runs elsewhere at once") {
  RedisServer redis;
  QueueClient queue(redis);
  queue.configure(60000);  // no lease lapses in this test
  Folder folder;
  RunnerProcess first(shell(redis, folder, std::string("trap '' TERM; ") + kUntilGo));
  const std::string id = queue.enqueue("");
  REQUIRE(eventually([&] { return count_lines(folder / "runs") == 1; }));
  first.signal(SIGTERM);
  REQUIRE(first.logged("stopping"));
  first.signal(SIGINT);
  CHECK(first.wait() == 0);
  CHECK(queue->job(id).state == JobState::ready);
  write_file(folder / "go", "");
  RunnerProcess second(shell(redis, folder, kUntilGo));
  const auto view = queue.wait_state(id, JobState::done, Millis{10000});
  CHECK(view.failures == 0);
  CHECK(view.losses == 0);
  CHECK(read_file(folder / "runs").find("\n1 ") != std::string::npos);  // still the first attempt
  CHECK(queue->counts().stat.at("interrupted") == 1);
  CHECK(queue->check().empty());
}

TEST_CASE("when the drain time is over the job is given back") {
  RedisServer redis;
  QueueClient queue(redis);
  queue.configure(60000, {{"drain_ms", "200"}});
  Folder folder;
  RunnerProcess runner(shell(redis, folder, kUntilGo));
  const std::string id = queue.enqueue("");
  REQUIRE(eventually([&] { return count_lines(folder / "runs") == 1; }));
  runner.signal(SIGTERM);
  CHECK(runner.wait() == 0);
  CHECK(queue->job(id).state == JobState::ready);
  CHECK(queue->check().empty());
}

TEST_CASE("SIGKILL: the handler dies too, and the job runs elsewhere within a lease and a second") {
  RedisServer redis;
  QueueClient queue(redis);
  constexpr std::int64_t kLease = 5000;
  queue.configure(kLease);
  Folder folder;
  auto first = std::make_unique<RunnerProcess>(shell(redis, folder, kUntilGo));
  const std::string id = queue.enqueue("");
  REQUIRE(eventually([&] { return count_lines(folder / "runs") == 1; }));
  RunnerProcess second(shell(redis, folder, kUntilGo));
  REQUIRE(second.logged("\"msg\":\"registered\""));
  const std::string line = read_file(folder / "runs");
  const pid_t handler = std::stoi(line.substr(line.find(' ') + 1));
  first->signal(SIGKILL);
  const Millis killed = system_clock().steady();
  CHECK(first->wait() == 1000 + SIGKILL);
  CHECK(eventually([&] { return kill(handler, 0) != 0; }));
  CHECK(eventually([&] { return count_lines(folder / "runs") == 2; }));
  const Millis again = system_clock().steady() - killed;
  MESSAGE("runs elsewhere after ", again.count(), " ms, with a lease of ", kLease, " ms");
  // Two leases is what it takes where no neighbour beats.
  CHECK(again.count() < 2 * kLease);
  write_file(folder / "go", "");
  const auto view = queue.wait_state(id, JobState::done);
  CHECK(view.losses == 1);
  CHECK(queue->counts().stat.at("completed") == 1);
  CHECK(queue->check().empty());
}
