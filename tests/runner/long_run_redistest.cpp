// Ten thousand jobs on one runner: it needs no more memory and no more descriptors than after the
// first thousand, and nothing of them is left. Under a sanitizer three thousand: it is slow.
#include <algorithm>
#include <climits>
#include <doctest/doctest.h>
#include <filesystem>
#include <signal.h>

#include "tests/runner/process_view.h"
#include "tests/runner/runner_process.h"

using namespace wp;
using namespace wp::test;

namespace {

constexpr int kWarm = 1000;
constexpr Millis kLongest{300000};

// ASan keeps 256 MiB of freed memory before it is used again; there its own search for leaks
// counts.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int kJobs = 3000;
constexpr std::int64_t kMayGrowKib = 320 * 1024;
#else
constexpr int kJobs = 10000;
constexpr std::int64_t kMayGrowKib = 1024;
#endif

// A runner opens the connection on which it waits for jobs when it first has none to do.
bool waits_for_jobs(QueueClient& queue) {
  const redis::Reply info = queue.connection().execute({"INFO", "clients"});
  return info.text().find("blocked_clients:1") != std::string::npos;
}

// As many jobs as are missing, and waits for their end and for the last handler's, until the runner
// waits for more and no more than so many descriptors are open.
ProcessView run_up_to(QueueClient& queue, const RunnerProcess& runner, int jobs, int processes,
                      int descriptors) {
  auto done = queue->counts().stat["completed"];
  while (done < jobs) {
    std::vector<queue::NewJob> batch(
        static_cast<std::size_t>(std::min<std::int64_t>(500, jobs - done)));
    (void)queue->enqueue(batch, true);
    done += static_cast<std::int64_t>(batch.size());
  }
  REQUIRE(
      eventually([&] { return queue->counts().stat["completed"] == jobs; }, kLongest, Millis{20}));
  ProcessView view;
  CHECK(eventually(
      [&] {
        const bool waits = waits_for_jobs(queue);
        view = view_process(runner.pid());
        return waits && view.children == processes && view.zombies == 0 &&
               view.descriptors <= descriptors;
      },
      Millis{60000}, Millis{20}));
  CHECK(view.zombies == 0);
  CHECK(view.children == processes);
  return view;
}

void run_long(const std::string& name, const std::vector<std::string>& arguments, int processes,
              std::size_t folders, std::map<std::string, std::string> config = {},
              const std::map<std::string, std::string>& environment = {}) {
  RedisServer redis;
  QueueClient queue(redis);
  config["max_depth"] = "20000";
  queue.configure(15000, std::move(config));
  Folder folder;
  RunnerSetup setup{redis.url(), "q", {"--scratch-dir", folder.path()}, environment};
  setup.arguments.insert(setup.arguments.end(), arguments.begin(), arguments.end());
  RunnerProcess runner(setup);
  const Millis began = system_clock().steady();
  const ProcessView warm = run_up_to(queue, runner, kWarm, processes, INT_MAX);
  const ProcessView last = run_up_to(queue, runner, kJobs, processes, warm.descriptors);
  MESSAGE(name, ": after ", kWarm, " jobs ", warm.rss_kib, " KiB and ", warm.descriptors,
          " descriptors, after ", kJobs, " jobs ", last.rss_kib, " KiB and ", last.descriptors,
          "; ", (system_clock().steady() - began).count(), " ms");
  CHECK(last.rss_kib - warm.rss_kib <= kMayGrowKib);
  CHECK(last.descriptors <= warm.descriptors);
  // Folders that jobs left empty may be kept for the next ones: never more than ran at once.
  std::size_t left = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    CHECK(std::filesystem::is_empty(entry.path()));
    ++left;
  }
  CHECK(left <= folders + 1);  // and the runner's anchor
  const auto stat = queue->counts().stat;
  for (const char* trouble : {"failed", "crashed", "lost", "stalled", "interrupted"}) {
    CHECK(stat.contains(trouble) ? stat.at(trouble) == 0 : true);
  }
  runner.signal(SIGTERM);
  CHECK(runner.wait() == 0);
  CHECK(std::filesystem::is_empty(folder.path()));
  CHECK(queue->check().empty());
}

}  // namespace

TEST_CASE("thousands of processes, one for each job") {
  run_long("exec /bin/true", {"--concurrency", "8", "--", "/bin/true"}, 0, 8);
}

TEST_CASE("thousands of jobs through processes that are replaced after each hundred") {
  constexpr int kProcesses = 4;
  Folder folder;
  run_long("stdio, a new process after 100 jobs",
           {"--concurrency", std::to_string(kProcesses), "--handler", "stdio", "--", "/bin/sh",
            "-c", "echo up >> $HERE/starts; while read -r line; do echo '{\"result\": 1}'; done"},
           kProcesses, kProcesses, {{"max_jobs_per_worker", "100"}}, {{"HERE", folder.path()}});
  const int starts = count_lines(folder / "starts");
  CHECK(starts >= kJobs / 100);
  CHECK(starts <= kJobs / 100 + kProcesses);
}

TEST_CASE("thousands of jobs of the built-in handler") {
  run_long("noop", {"--concurrency", "8", "--handler", "noop"}, 0, 0);
}
