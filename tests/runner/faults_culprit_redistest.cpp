// A job takes its whole worker along, as an out-of-memory kill of the container's group does: who
// it was shows when the suspects run alone, and nobody else is buried for it.
#include <doctest/doctest.h>
#include <fstream>
#include <map>
#include <set>
#include <signal.h>
#include <sstream>

#include "tests/runner/books.h"

using namespace wp;
using namespace wp::test;
using queue::JobState;

namespace {

// Says when it starts and ends. The first four begin together; the culprit kills its worker.
constexpr const char* kHandler = R"sh(
  read -r what
  echo "start $WP_JOB_ID" >> "$HERE/ledger"
  while [ "$(grep -c start "$HERE/ledger")" -lt 4 ]; do sleep 0.01; done
  if [ "$what" = kill ]; then kill -KILL $PPID; sleep 600; fi
  if [ -e "$HERE/again" ]; then sleep 0.2; else sleep 600; fi
  echo "end $WP_JOB_ID" >> "$HERE/ledger"
)sh";

}  // namespace

TEST_CASE("a worker is killed with four jobs: all run alone, only the culprit is buried") {
  RedisServer redis;
  QueueClient queue(redis);
  constexpr int kMaxCrashes = 1;
  queue.configure(15000, {{"max_crashes", std::to_string(kMaxCrashes)},
                          {"max_losses", "20"},
                          {"backoff_initial_ms", "20"}});
  Folder folder;
  std::vector<queue::NewJob> jobs(4);
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    jobs[i].id = "innocent-" + std::to_string(i);
    jobs[i].payload = "work\n";
  }
  jobs[1].id = "culprit";  // in the midst: before and behind it some wait for their turn
  jobs[1].payload = "kill\n";
  (void)queue->enqueue(jobs);
  const RunnerSetup pod{redis.url(),
                        "q",
                        {"--worker-id", "pod", "--concurrency", "4", "--scratch-dir", folder.path(),
                         "--", "/bin/sh", "-c", kHandler},
                        {{"HERE", folder.path()}}};
  // The container's restarts.
  int kills = 0;
  bool settled = false;
  while (!settled && kills < 10) {
    RunnerProcess runner(pod);
    std::optional<int> exit;
    REQUIRE(eventually(
        [&] {
          exit = runner.wait(Millis{0});
          const queue::Counts counts = queue->counts();
          settled = counts.waiting + counts.delayed + counts.active == 0;
          return settled || exit.has_value();
        },
        Millis{60000}, Millis{10}));
    if (!exit) break;
    CHECK(exit == 1000 + SIGKILL);
    ++kills;
    write_file(folder / "again", "");
  }
  CHECK(kills == 1 + kMaxCrashes + 1);  // with all four, and then as often as it may
  const auto dead = queue->job("culprit");
  CHECK(dead.state == JobState::dead);
  CHECK(dead.crashes == kMaxCrashes + 1);
  CHECK(dead.losses == 1);
  for (const queue::NewJob& job : jobs) {
    if (job.id == "culprit") continue;
    CAPTURE(job.id);
    const auto view = queue->job(job.id);
    CHECK(view.state == JobState::done);
    CHECK(view.crashes == 0);
    CHECK(view.losses == 1);
    CHECK(view.failures == 0);
  }
  CHECK(queue->check().empty());

  // Behind the first four starts each ran alone: what started last has ended, or was the culprit,
  // which ended all.
  std::ifstream ledger(folder / "ledger");
  std::string what, id, running;
  int starts = 0;
  std::map<std::string, int> ends;
  while (ledger >> what >> id) {
    if (what == "end") {
      ++ends[id];
      CHECK(running == id);
      running.clear();
    } else if (++starts > 4) {
      CHECK_MESSAGE((running.empty() || running == "culprit"), id, " started beside ", running);
      running = id;
    }
  }
  CHECK(starts == 4 + 3 + kMaxCrashes + 1);
  CHECK(ends.size() == 3);
  for (const auto& [job, times] : ends) CHECK(times == 1);
}
