// A container runs out of memory while several jobs run: the kernel takes the one that eats it, and
// that is nobody else's affair. Needs a memory cgroup; skipped, with the reason, where none can be
// made.
#include <cstdio>
#include <cstdlib>
#include <doctest/doctest.h>
#include <filesystem>
#include <memory>
#include <signal.h>

#include "tests/runner/memory_group.h"
#include "tests/runner/runner_process.h"

using namespace wp;
using namespace wp::test;
using queue::JobState;

namespace {

constexpr std::int64_t kLimit = 128 << 20;

std::unique_ptr<MemoryGroup> group_or_skip() {
  try {
    return std::make_unique<MemoryGroup>(kLimit);
  } catch (const std::runtime_error& e) {
    std::fprintf(stderr, "SKIPPED: %s\n", e.what());
    std::_Exit(77);
  }
}

// A job's payload is Python.
RunnerSetup container(const RedisServer& redis, const Folder& folder) {
  return {redis.url(),
          "q",
          {"--concurrency", "4", "--scratch-dir", folder.path(), "--", "/usr/bin/python3", "-"},
          {{"HERE", folder.path()}}};
}

const std::string kStarts =
    "import os, time\n"
    "open(os.environ['HERE'] + '/starts', 'a').write('x\\n')\n"
    "def wait(name):\n"
    "  while not os.path.exists(os.environ['HERE'] + '/' + name):\n"
    "    time.sleep(0.01)\n";

}  // namespace

TEST_CASE("out of memory: the job that eats it crashes, three beside it complete") {
  const auto group = group_or_skip();
  RedisServer redis;
  QueueClient queue(redis);
  queue.configure(15000, {{"max_crashes", "1"}, {"backoff_initial_ms", "20"}});
  Folder folder;
  RunnerProcess runner(container(redis, folder));
  REQUIRE(runner.logged("\"msg\":\"registered\""));
  group->take_in(runner.pid());

  std::vector<std::string> innocents;
  for (int i = 0; i < 3; ++i) {
    innocents.push_back(queue.enqueue(kStarts + "keep = b'x' * (8 << 20)\nwait('go')\nprint(1)"));
  }
  const std::string culprit =
      queue.enqueue(kStarts + "wait('eat')\nkeep = []\nwhile True: keep.append(b'x' * (1 << 20))");
  REQUIRE(eventually([&] { return count_lines(folder / "starts") == 4; }, Millis{60000}));
  CHECK(group->kills() == 0);
  write_file(folder / "eat", "");
  // A crash of its own, and tried once more, as its pool allows.
  const auto dead = queue.wait_state(culprit, JobState::dead, Millis{60000});
  CHECK(dead.crashes == 2);
  CHECK(dead.losses == 0);
  CHECK(dead.result.find("killed by SIGKILL") != std::string::npos);
  CHECK(group->kills() == 2);

  write_file(folder / "go", "");
  for (const std::string& id : innocents) {
    const auto view = queue.wait_state(id, JobState::done);
    CHECK(view.crashes == 0);
    CHECK(view.losses == 0);
    CHECK(view.failures == 0);
  }
  CHECK(count_lines(folder / "starts") == 5);
  CHECK_FALSE(runner.wait(Millis{0}));  // the worker itself never noticed
  CHECK(queue->check().empty());
  runner.signal(SIGTERM);
  CHECK(runner.wait() == 0);
}
