// The exec handler with a queue behind it.
#include <doctest/doctest.h>
#include <filesystem>
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

}  // namespace

TEST_CASE("a program gets its job, and not the password of the queue") {
  RedisServer redis({"requirepass hidden-word"});
  redis::Endpoint endpoint = redis.endpoint();
  endpoint.password = "hidden-word";
  redis::Connection connection(endpoint);
  connection.connect();
  queue::Queue queue(connection, "q");
  Folder folder;
  RunnerSetup setup = shell(redis, folder,
                            "env > $HERE/env; tr '\\0' '\\n' < /proc/$PPID/environ > $HERE/parent; "
                            "cat; rm -f $HERE/none; test -d $WP_JOB_DIR");
  setup.environment["WP_REDIS_PASSWORD"] = "hidden-word";
  RunnerProcess runner(setup);
  std::vector<queue::NewJob> jobs(1);
  jobs[0].payload = "[1]";
  jobs[0].type = "mail";
  const std::string id = queue.enqueue(jobs, true).at(0).id;
  REQUIRE(eventually([&] { return queue.job(id).state == JobState::done; }));
  const std::string env = read_file(folder / "env");
  CHECK(env.find("WP_JOB_ID=" + id + "\n") != std::string::npos);
  CHECK(env.find("WP_JOB_TYPE=mail\n") != std::string::npos);
  CHECK(env.find("WP_ATTEMPT=1\n") != std::string::npos);
  CHECK(env.find("WP_REDIS_") == std::string::npos);
  CHECK(env.find("hidden-word") == std::string::npos);
  CHECK(read_file(folder / "parent").find("hidden-word") == std::string::npos);
  CHECK(runner.log().find("hidden-word") == std::string::npos);
  CHECK(queue.job(id).result.find("[1]") != std::string::npos);
}

TEST_CASE("exit codes: deferred uncounted, dead at once, failed and retried") {
  RedisServer redis;
  QueueClient queue(redis);
  queue.configure(40000, {{"backoff_initial_ms", "20"}});
  Folder folder;
  RunnerSetup setup = shell(redis, folder,
                            "read what; echo $what >> $HERE/runs; case $what in "
                            "later) [ -e $HERE/now ] || exit 75;; bad) echo no use >&2; exit 65;; "
                            "twice) [ $WP_ATTEMPT = 2 ] || exit 1;; esac");
  setup.arguments.insert(setup.arguments.begin(), {"--defer-delay", "50ms"});
  RunnerProcess runner(setup);
  const std::string later = queue.enqueue("later\n");
  const std::string bad = queue.enqueue("bad\n");
  const std::string twice = queue.enqueue("twice\n");

  const auto dead = queue.wait_state(bad, JobState::dead);
  CHECK(dead.result.find("exit code 65: no use") != std::string::npos);
  CHECK(queue.wait_state(twice, JobState::done).failures == 1);
  CHECK(eventually([&] { return queue->job(later).deferrals >= 2; }));
  CHECK(queue->job(later).failures == 0);
  write_file(folder / "now", "");
  queue.wait_state(later, JobState::done);
  CHECK(queue->check().empty());
}

TEST_CASE("exit 127 is a broken handler: its jobs go back uncounted, and run when it is mended") {
  RedisServer redis;
  QueueClient queue(redis);
  queue.configure(4000);
  Folder folder;
  RunnerProcess runner(shell(redis, folder, "[ -e $HERE/mended ] || exit 127"));
  const std::string id = queue.enqueue("");
  CHECK(runner.logged("the handler cannot run"));
  queue.wait_state(id, JobState::ready);
  CHECK(eventually([&] {
    const auto workers = queue->counts({.worker_info = true}).workers;
    return !workers.empty() &&
           workers[0].info.find("\"trouble\":\"exit code 127\"") != std::string::npos;
  }));
  write_file(folder / "mended", "");
  const auto view = queue.wait_state(id, JobState::done);
  CHECK(view.failures == 0);
  CHECK(view.crashes == 0);
  CHECK(view.losses == 0);
  CHECK(queue->check().empty());
}

TEST_CASE(
    "what a killed runner left of its jobs is removed by the next, what a live one has stays") {
  RedisServer redis;
  QueueClient queue(redis);
  queue.configure(15000);
  Folder here;
  Folder scratch;
  RunnerSetup setup =
      shell(redis, here,
            "echo $WP_JOB_DIR > $WP_JOB_DIR/f; echo $WP_JOB_DIR > $HERE/$WP_JOB_ID; "
            "while [ ! -e $HERE/done ]; do sleep 0.02; done");
  setup.arguments[1] = scratch.path();
  const auto folder_of = [&](const std::string& id) {
    REQUIRE(eventually([&] { return count_lines(here / id) == 1; }));
    const std::string line = read_file(here / id);
    return line.substr(0, line.find('\n'));
  };
  RunnerProcess lives(setup);
  const std::string kept = folder_of(queue.enqueue(""));
  {
    RunnerProcess dies(setup);
    const std::string left = folder_of(queue.enqueue(""));
    dies.signal(SIGKILL);
    (void)dies.wait();
    REQUIRE(std::filesystem::exists(left + "/f"));
    // What others keep there is nobody's business.
    std::filesystem::create_directory(scratch / "wp-job-mine-0");
    std::filesystem::create_directory(scratch / "wp-job-mine-1");
    RunnerProcess next(setup);
    CHECK(eventually([&] { return !std::filesystem::exists(left); }));
    CHECK(next.logged("removing what a runner that was killed has left"));
  }
  CHECK(std::filesystem::exists(kept + "/f"));
  CHECK(std::filesystem::exists(scratch / "wp-job-mine-1"));
  write_file(here / "done", "");
  lives.signal(SIGTERM);
  CHECK(lives.wait() == 0);
  CHECK_FALSE(std::filesystem::exists(kept));
}

TEST_CASE("a program killed from outside is a crash of its own job only") {
  RedisServer redis;
  QueueClient queue(redis);
  queue.configure(40000, {{"max_crashes", "0"}});
  Folder folder;
  RunnerProcess runner(shell(redis, folder, "read x; [ $x = die ] && kill -KILL $$; exit 0"));
  const std::string dies = queue.enqueue("die\n");
  const std::string lives = queue.enqueue("live\n");
  CHECK(queue.wait_state(dies, JobState::dead).crashes == 1);
  queue.wait_state(lives, JobState::done);
}

TEST_CASE("the pool's time limit ends an attempt as a failure") {
  RedisServer redis;
  QueueClient queue(redis);
  queue.configure(40000, {{"timeout_ms", "200"}, {"max_attempts", "1"}});
  Folder folder;
  RunnerProcess runner(shell(redis, folder, "exec sleep 600"));
  const auto view = queue.wait_state(queue.enqueue(""), JobState::dead);
  CHECK(view.failures == 1);
  CHECK(view.result.find("Timeout") != std::string::npos);
}

TEST_CASE("busy handlers never delay the beats") {
  RedisServer redis;
  QueueClient queue(redis);
  queue.configure(3000);
  Folder folder;
  // Every slot floods its stdout and burns its core for two leases.
  RunnerSetup setup = shell(redis, folder,
                            "echo $WP_ATTEMPT >> $HERE/runs; timeout 6 yes > /dev/null; "
                            "head -c 900000 /dev/zero >&2 2>/dev/null; exit 0");
  setup.arguments.insert(setup.arguments.begin(), {"--concurrency", "4"});
  RunnerProcess runner(setup);
  std::vector<std::string> ids;
  for (int i = 0; i < 4; ++i) ids.push_back(queue.enqueue("payload"));
  for (const std::string& id : ids) {
    CHECK(queue.wait_state(id, JobState::done).losses == 0);
  }
  CHECK(count_lines(folder / "runs") == 4);
  CHECK(queue->check().empty());
}

TEST_CASE("stdout floods while a large payload is unread: no deadlock") {
  RedisServer redis;
  QueueClient queue(redis);
  queue.configure(40000, {{"max_payload", "1048576"}});
  Folder folder;
  RunnerProcess runner(shell(redis, folder,
                             "head -c 900000 /dev/zero >&3; head -c 10000 /dev/zero | tr '\\0' x; "
                             "wc -c > $HERE/read"));
  const std::string id = queue.enqueue(std::string(500000, 'p'));
  queue.wait_state(id, JobState::done);
  CHECK(read_file(folder / "read").find("500000") != std::string::npos);
}

TEST_CASE("a result beyond what the queue keeps is dead, and says so") {
  RedisServer redis;
  QueueClient queue(redis);
  queue.configure(40000);
  Folder folder;
  RunnerProcess runner(shell(redis, folder, "head -c 20000 /dev/zero | tr '\\0' x"));
  const auto view = queue.wait_state(queue.enqueue(""), JobState::dead);
  CHECK(view.result.find("ResultTooLarge") != std::string::npos);
}

TEST_CASE("a result of exactly what the queue keeps arrives whole") {
  RedisServer redis;
  QueueClient queue(redis);
  queue.configure(40000);
  Folder folder;
  RunnerProcess runner(shell(redis, folder, "read n; head -c $n /dev/zero | tr '\\0' x"));
  // As a JSON text it has two quotes more.
  const std::string most = queue.enqueue(std::to_string(queue::kMaxResultBytes - 2) + "\n");
  const std::string more = queue.enqueue(std::to_string(queue::kMaxResultBytes - 1) + "\n");
  const std::string text = queue.wait_state(most, JobState::done).result;
  CHECK(text.find(std::string(queue::kMaxResultBytes - 2, 'x') + '"') != std::string::npos);
  CHECK(queue.wait_state(more, JobState::dead).result.find("ResultTooLarge") != std::string::npos);
}

TEST_CASE("a cancelled program's last words are no result, and it is not tried again") {
  RedisServer redis;
  QueueClient queue(redis);
  queue.configure(4000);
  Folder folder;
  RunnerProcess runner(shell(redis, folder,
                             "trap 'echo too late; echo polite >> $HERE/ends; exit 0' TERM; "
                             "read x; [ \"$x\" != wait ] && exit 0; echo up >> $HERE/runs; "
                             "while :; do sleep 0.01; done"));
  const std::string id = queue.enqueue("wait\n");
  REQUIRE(eventually([&] { return count_lines(folder / "runs") == 1; }));
  queue->cancel({id});
  const auto view = queue.wait_state(id, JobState::dead);
  CHECK(view.result.find("cancelled") != std::string::npos);
  CHECK(view.result.find("too late") == std::string::npos);
  CHECK(count_lines(folder / "ends") == 1);
  queue.wait_state(queue.enqueue("next\n"), JobState::done);
  CHECK(count_lines(folder / "runs") == 1);
  CHECK(queue->check().empty());
}

TEST_CASE("progress can be seen while the job runs") {
  RedisServer redis;
  QueueClient queue(redis);
  queue.configure(4000);
  Folder folder;
  RunnerProcess runner(shell(
      redis, folder,
      "echo '{\"progress\": 40, \"message\": \"halfway\"}' >&3; while [ ! -e $HERE/go ]; do sleep "
      "0.01; done"));
  const std::string id = queue.enqueue("");
  CHECK(eventually([&] { return queue->job(id).result.find("halfway") != std::string::npos; }));
  write_file(folder / "go", "");
  queue.wait_state(id, JobState::done);
}
