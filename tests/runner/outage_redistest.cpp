// Redis goes away, comes back, forgets; the runner is suspended. Nothing is lost, nothing completes
// twice.
#include <doctest/doctest.h>
#include <signal.h>

#include "tests/runner/runner_process.h"

using namespace wp;
using namespace wp::test;
using queue::JobState;

namespace {

RunnerSetup shell(const RedisServer& redis, const Folder& folder, const std::string& script) {
  return {redis.url(),
          "q",
          {"--scratch-dir", folder.path(), "--", "/bin/sh", "-c", script},
          {{"HERE", folder.path()}}};
}

constexpr const char* kUntilGo =
    "echo $$ >> $HERE/runs; while [ ! -e $HERE/go ]; do sleep 0.01; done; echo done >> $HERE/ends";

const std::vector<std::string> kPersistent = {"appendonly yes", "appendfsync always"};

}  // namespace

TEST_CASE("Redis is restarted while a job runs: it goes on, and its end is told afterwards") {
  RedisServer redis(kPersistent);
  QueueClient queue(redis);
  queue.configure(15000);
  Folder folder;
  RunnerProcess runner(shell(redis, folder, kUntilGo));
  const std::string id = queue.enqueue("");
  REQUIRE(eventually([&] { return count_lines(folder / "runs") == 1; }));
  redis.kill9();
  REQUIRE(runner.logged("no exchange with redis"));
  write_file(folder / "go", "");  // ends while nobody can be told
  REQUIRE(eventually([&] { return count_lines(folder / "ends") == 1; }));
  redis.start();
  queue.reconnect();
  const auto view = queue.wait_state(id, JobState::done);
  CHECK(view.losses == 0);
  CHECK(count_lines(folder / "runs") == 1);
  CHECK(queue->check().empty());
}

TEST_CASE("connections are cut again and again: every job completes exactly once") {
  RedisServer redis;
  QueueClient queue(redis);
  queue.configure(15000);
  RunnerProcess runner({redis.url(), "q", {"--handler", "sleep", "--concurrency", "8"}, {}});
  // Before each cut there is more to do than can be done meanwhile.
  constexpr int kCuts = 30;
  constexpr int kBatch = 20;
  for (int cut = 0; cut < kCuts; ++cut) {
    std::vector<queue::NewJob> jobs(kBatch);
    for (queue::NewJob& job : jobs) job.payload = "5ms";
    queue->enqueue(jobs, true);
    REQUIRE(eventually([&] { return queue->counts().stat["completed"] > cut * kBatch; },
                       Millis{60000}, Millis{1}));
    (void)queue.connection().execute({"CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"});
  }
  CHECK(eventually([&] { return queue->counts().stat["completed"] == kCuts * kBatch; }));
  CHECK(queue->counts().active == 0);
  CHECK(queue->check().empty());
}

TEST_CASE("a Redis that forgot everything is registered with anew") {
  RedisServer redis;
  QueueClient queue(redis);
  Folder folder;
  RunnerProcess runner(shell(redis, folder, "exit 0"));
  REQUIRE(runner.logged("\"msg\":\"registered\""));
  redis.kill9();
  redis.start();
  queue.reconnect();
  REQUIRE(runner.logged("registered again"));
  CHECK(queue->read_config().owner == "standalone");
  queue.wait_state(queue.enqueue(""), JobState::done);
}

TEST_CASE("FLUSHALL under a connected runner is noticed with a beat") {
  RedisServer redis;
  QueueClient queue(redis);
  queue.configure(1500);
  Folder folder;
  RunnerProcess runner(shell(redis, folder, "exit 0"));
  REQUIRE(runner.logged("\"msg\":\"registered\""));
  (void)queue.connection().execute({"FLUSHALL"});
  CHECK(eventually([&] { return queue->read_config().present; }));
  queue.wait_state(queue.enqueue(""), JobState::done);
}

TEST_CASE("cut off for most of a lease: the handler is killed, its job runs again later") {
  RedisServer redis(kPersistent);
  QueueClient queue(redis);
  constexpr std::int64_t kLease = 6000;
  queue.configure(kLease);
  Folder folder;
  RunnerProcess runner(shell(redis, folder, kUntilGo));
  const std::string id = queue.enqueue("");
  REQUIRE(eventually([&] { return count_lines(folder / "runs") == 1; }));
  const pid_t handler = std::stoi(read_file(folder / "runs"));
  redis.pause();  // the worst outage: connected, and silent
  const Millis cut = system_clock().steady();
  CHECK(eventually([&] { return kill(handler, 0) != 0; }));
  // By itself: nobody could tell it that the lease is over.
  CHECK((system_clock().steady() - cut).count() < kLease);
  redis.resume();
  CHECK(eventually([&] { return count_lines(folder / "runs") >= 2; }));
  write_file(folder / "go", "");
  queue.wait_state(id, JobState::done);
  CHECK(count_lines(folder / "ends") == 1);
  CHECK(queue->check().empty());
}

TEST_CASE("onPartition continue: the job rides the outage out") {
  RedisServer redis(kPersistent);
  QueueClient queue(redis);
  queue.configure(1000, {{"on_partition", "continue"}});
  Folder folder;
  RunnerProcess runner(shell(redis, folder, kUntilGo));
  const std::string id = queue.enqueue("");
  REQUIRE(eventually([&] { return count_lines(folder / "runs") == 1; }));
  redis.stop();
  const Millis stopped = system_clock().steady();
  REQUIRE(eventually([&] { return system_clock().steady() - stopped > Millis{2500}; }));
  redis.start();
  queue.reconnect();
  write_file(folder / "go", "");
  CHECK(queue.wait_state(id, JobState::done).losses == 0);
  CHECK(count_lines(folder / "runs") == 1);
}

TEST_CASE("a zombie: suspended beyond its lease, it changes nothing when it wakes") {
  RedisServer redis;
  QueueClient queue(redis);
  queue.configure(3000);
  Folder folder;
  const RunnerSetup setup = shell(redis, folder, kUntilGo);
  RunnerProcess zombie(setup);
  const std::string id = queue.enqueue("");
  REQUIRE(eventually([&] { return count_lines(folder / "runs") == 1; }));
  const pid_t first = std::stoi(read_file(folder / "runs"));
  RunnerProcess other(setup);
  REQUIRE(other.logged("\"msg\":\"registered\""));
  zombie.signal(SIGSTOP);
  REQUIRE(eventually([&] { return count_lines(folder / "runs") == 2; }));
  zombie.signal(SIGCONT);
  CHECK(eventually([&] { return kill(first, 0) != 0; }));  // its handler is ended
  write_file(folder / "go", "");
  const auto view = queue.wait_state(id, JobState::done);
  CHECK(view.losses == 1);
  CHECK(queue->counts().stat.at("completed") == 1);
  CHECK(queue->check().empty());
}
