// Whether a runner renews its leases in time while others want every core of the machine.
#include <algorithm>
#include <deque>
#include <stdexcept>
#include <thread>

#include "bench/load.h"
#include "bench/measures.h"
#include "tests/support/process.h"
#include "tests/support/wait.h"

namespace wp::bench {
namespace {

constexpr std::int64_t kLeaseMs = 3000;
constexpr int kJobs = 8;
constexpr double kSeconds = 15;

// The time of the newest beat, as the server has it.
double last_beat(Server& server) {
  const redis::Reply reply =
      server.execute({"ZRANGE", queue::key_name(kQueue, "workers"), "-1", "-1", "WITHSCORES"});
  return reply.array().size() == 2 ? std::stod(reply.at(1).text()) : 0;
}

Samples gaps_of(const Effort& effort) {
  Server server;
  redis::Connection connection(server.endpoint());
  connection.connect();
  queue::Queue queue(connection, kQueue);
  // The first to register configures a queue without a pool.
  (void)queue.register_worker("none/0", "{}", {{"lease_ms", std::to_string(kLeaseMs)}});
  (void)queue.release("none/0", {}, queue::ReleaseKind::unstarted, true);
  std::vector<queue::NewJob> jobs(kJobs);
  for (queue::NewJob& job : jobs) job.payload = "\"10m\"";
  (void)queue.enqueue(jobs);
  const test::Process runner(
      runner_words(effort.runner, server,
                   {"--handler", "sleep", "--concurrency", std::to_string(kJobs)}),
      "/dev/null");
  const std::string active = queue::key_name(kQueue, "active");
  if (!test::eventually([&] { return server.execute({"ZCARD", active}).integer() == kJobs; })) {
    throw std::runtime_error("the jobs do not start");
  }
  std::deque<test::Process> busy;
  for (unsigned i = 0; i < 2 * std::max(1u, std::thread::hardware_concurrency()); ++i) {
    busy.emplace_back(std::vector<std::string>{"/bin/sh", "-c", "while :; do :; done"},
                      "/dev/null");
  }
  Samples gaps;
  double before = last_beat(server);
  for (const double end = seconds_now() + kSeconds; seconds_now() < end;) {
    std::this_thread::sleep_for(Millis{20});
    const double beat = last_beat(server);
    if (beat == before) continue;
    gaps.push_back(beat - before);
    before = beat;
  }
  if (gaps.empty()) throw std::runtime_error("no beat at all");
  return gaps;
}

}  // namespace

void measure_beats(const Effort& effort, Report& report) {
  if (effort.runner.empty()) {
    report.skip("beats", "workerpool-runner is not built");
    return;
  }
  Figure longest{"beat_gap_busy", "ms", "<= 1500: half of the lease", {}, {}};
  Samples medians;
  for (int round = 0; round < effort.rounds; ++round) {
    const Samples gaps = gaps_of(effort);
    longest.ours.push_back(*std::max_element(gaps.begin(), gaps.end()));
    medians.push_back(median(gaps));
  }
  longest.details["median gap"] = median(medians);
  longest.details["longest of all rounds"] =
      *std::max_element(longest.ours.begin(), longest.ours.end());
  report.add(std::move(longest));
}

}  // namespace wp::bench
