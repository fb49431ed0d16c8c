// Many jobs at once on one runner: all end in time, whatever they do.
#include <doctest/doctest.h>
#include <signal.h>

#include "tests/runner/runner_process.h"

using namespace wp;
using namespace wp::test;
using queue::JobState;

namespace {

// A check that takes a tenth of a second takes seconds with a sanitizer.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int kDearPayloads = 4;
#else
constexpr int kDearPayloads = 60;
#endif

std::vector<std::string> enqueue(QueueClient& queue, int count, const std::string& payload) {
  std::vector<queue::NewJob> jobs(static_cast<std::size_t>(count));
  for (queue::NewJob& job : jobs) job.payload = payload;
  std::vector<std::string> ids;
  for (const queue::Enqueued& job : queue->enqueue(jobs, true)) ids.push_back(job.id);
  return ids;
}

}  // namespace

TEST_CASE("three hundred programs that ignore SIGTERM are stopped, and all their jobs go back") {
  RedisServer redis;
  QueueClient queue(redis);
  queue.configure(60000);
  Folder folder;
  RunnerProcess runner({redis.url(),
                        "q",
                        {"--concurrency", "300", "--scratch-dir", folder.path(), "--", "/bin/sh",
                         "-c", "trap '' TERM; echo up >> $HERE/up; sleep 600; sleep 600"},
                        {{"HERE", folder.path()}}});
  enqueue(queue, 300, "");
  REQUIRE(eventually([&] { return count_lines(folder / "up") == 300; }, Millis{60000}));
  runner.signal(SIGTERM);
  REQUIRE(runner.logged("stopping"));
  runner.signal(SIGTERM);
  CHECK(runner.wait(Millis{60000}) == 0);
  const queue::Counts counts = queue->counts();
  CHECK(counts.active == 0);
  CHECK(counts.waiting == 300);
  CHECK(counts.stat.at("interrupted") == 300);
  CHECK(queue->check().empty());
}

TEST_CASE(
    "payloads that are dear to check keep no lease from being renewed, nor a signal waiting") {
  RedisServer redis;
  QueueClient queue(redis);
  queue.configure(3000,
                  {{"schema", R"({"pattern": "(a?){900}(a?){900}b"})"}, {"max_payload", "65536"}});
  RunnerProcess runner({redis.url(), "q", {"--concurrency", "64", "--handler", "noop"}, {}});
  const auto ids = enqueue(queue, kDearPayloads, "\"" + std::string(20000, 'a') + "\"");
  for (const std::string& id : ids) {
    CHECK(queue.wait_state(id, JobState::dead, Millis{120000}).losses == 0);
  }
  CHECK(queue->counts().stat["lost"] == 0);
  runner.signal(SIGTERM);
  CHECK(runner.wait() == 0);
}

TEST_CASE("what a job left running finds no folder of another job") {
  RedisServer redis;
  QueueClient queue(redis);
  queue.configure(15000);
  Folder folder;
  Folder scratch;
  // Its pipes are closed: nothing tells that it is still there. Its job waits until it has left the
  // group, which ends with the job.
  const std::string script =
      "read what; case $what in leave) setsid sh -c 'touch $HERE/away; while [ ! -e $HERE/go ]; do "
      "sleep 0.02; done; echo mine > $WP_JOB_DIR/leak; touch $HERE/wrote' <&- >&- 2>&- 3>&- & "
      "while [ ! -e $HERE/away ]; do sleep 0.01; done;; "
      "look) touch $HERE/go; while [ ! -e $HERE/wrote ]; do sleep 0.02; done; ls -A $WP_JOB_DIR;; "
      "*) touch $WP_JOB_DIR/f;; esac";
  RunnerProcess runner({redis.url(),
                        "q",
                        {"--scratch-dir", scratch.path(), "--", "/bin/sh", "-c", script},
                        {{"HERE", folder.path()}}});
  queue.wait_state(queue.enqueue("leave\n"), JobState::done);
  const std::string id = queue.enqueue("look\n");
  CHECK(queue.wait_state(id, JobState::done).result.find("leak") == std::string::npos);
  // Nor does a job fail because somebody cleaned up.
  REQUIRE(std::system(("rm -rf '" + scratch.path() + "'/wp-job-*").c_str()) == 0);
  queue.wait_state(queue.enqueue("use\n"), JobState::done);
}
