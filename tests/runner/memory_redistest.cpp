// maxMemory as a pool sets it, with the real runner: processes that grow are replaced after their
// job, jobs that take far more fail, and the metrics say so.
#include <algorithm>
#include <doctest/doctest.h>
#include <httplib.h>
#include <regex>
#include <set>

#include <nlohmann/json.hpp>

#include "tests/runner/python_worker.h"
#include "tests/runner/runner_process.h"

using namespace wp;
using namespace wp::test;
using nlohmann::json;
using queue::JobState;

namespace {

constexpr std::int64_t kMiB = 1024 * 1024;
const std::string kLimit = std::to_string(100 * kMiB);

json result(QueueClient& queue, const std::string& id) {
  return json::parse(queue.wait_state(id, JobState::done).result).at("result");
}

std::string scrape(const RunnerProcess& runner) {
  httplib::Client probes("127.0.0.1", runner.probe_port());
  const auto answer = probes.Get("/metrics");
  REQUIRE(answer);
  return answer->body;
}

// The value of a series, written as the text has it; -1 while it is not there.
double value(const std::string& text, const std::string& series) {
  const std::size_t at = ("\n" + text).find("\n" + series + " ");
  return at == std::string::npos ? -1 : std::stod(text.substr(at + series.size() + 1));
}

RunnerSetup stdio(const RedisServer& redis, const Folder& folder) {
  RunnerSetup setup{redis.url(),
                    "q",
                    {"--handler", "stdio", "--scratch-dir", folder.path(), "--"},
                    {{"HERE", folder.path()}}};
  for (const std::string& word : python_worker()) setup.arguments.push_back(word);
  return setup;
}

}  // namespace

TEST_CASE("maxMemory: a process above it is replaced after its job, and not before") {
  RedisServer redis;
  QueueClient queue(redis);
  queue.configure(6000, {{"max_memory", kLimit}});
  Folder folder;
  RunnerProcess runner(stdio(redis, folder));
  // With what Python itself needs: above 100 MiB, and below 125.
  const std::string grows =
      queue.enqueue("keep = b'x' * (103 << 20); wait('go'); return os.getpid()");
  const std::string memory = "workerpool_runner_handler_memory_bytes";
  CHECK(eventually([&] { return value(scrape(runner), memory) > 103.0 * kMiB; }, Millis{60000},
                   Millis{50}));
  CHECK(queue->job(grows).state == JobState::active);
  write_file(folder / "go", "");
  const json first = result(queue, grows);
  CHECK(result(queue, queue.enqueue("return os.getpid()")) != first);
  CHECK(eventually([&] {
    const char* restarts = "workerpool_runner_handler_restarts_total{reason=\"memory\"}";
    return value(scrape(runner), restarts) == 1;
  }));
  CHECK(queue->job(grows).failures == 0);
  // The figures come down with it.
  (void)queue.enqueue("wait('never')");
  CHECK(eventually([&] { return value(scrape(runner), memory) < 60.0 * kMiB; }, Millis{60000},
                   Millis{50}));
}

TEST_CASE("maxMemory: a job above five quarters of it fails, and its neighbour lives") {
  RedisServer redis;
  QueueClient queue(redis);
  queue.configure(15000, {{"max_memory", kLimit}, {"max_attempts", "1"}});
  Folder folder;
  RunnerProcess runner(
      {redis.url(),
       "q",
       {"--concurrency", "2", "--scratch-dir", folder.path(), "--", "/usr/bin/python3", "-"},
       {{"HERE", folder.path()}}});
  const std::string neighbour = queue.enqueue(
      "import os, time\n"
      "keep = b'x' * (80 << 20)\n"
      "while not os.path.exists(os.environ['HERE'] + '/go'): time.sleep(0.01)\n");
  const std::string eats = queue.enqueue("import time; keep = b'x' * (200 << 20); time.sleep(600)");
  const auto view = queue.wait_state(eats, JobState::dead);
  CHECK(view.failures == 1);
  CHECK(view.crashes == 0);
  // It is weighed once a second, perhaps before it has all that it asks for.
  CHECK(std::regex_search(view.result,
                          std::regex("MemoryLimit: its handler took (1[2-9]|2[0-9])[0-9] MiB")));
  CHECK(view.result.find("more than 1.25 × 100 MiB") != std::string::npos);
  write_file(folder / "go", "");
  CHECK(queue.wait_state(neighbour, JobState::done).failures == 0);
  CHECK(queue->check().empty());
}

TEST_CASE("a scrape has every metric of the runner, with its labels") {
  RedisServer redis;
  QueueClient queue(redis);
  queue.configure(15000,
                  {{"max_jobs_per_worker", "1"}, {"max_attempts", "1"}, {"max_crashes", "0"}});
  Folder folder;
  RunnerProcess runner(stdio(redis, folder));
  queue.wait_state(queue.enqueue("return 1", "good"), JobState::done);
  queue.wait_state(queue.enqueue("sys.exit(1)", "bad"), JobState::dead);
  queue.wait_state(queue.enqueue("os.kill(os.getpid(), 9)", "bad"), JobState::dead);
  // Names and label sets as they stand in the text; # is a number.
  const std::string wanted[] = {
      "workerpool_runner_jobs_total{result=\"completed\",type=\"good\"} 1",
      "workerpool_runner_jobs_total{result=\"failed\",type=\"bad\"} 1",
      "workerpool_runner_jobs_total{result=\"crashed\",type=\"bad\"} 1",
      "workerpool_runner_job_duration_seconds_count{type=\"good\"} 1",
      "workerpool_runner_job_duration_seconds_bucket{type=\"bad\",le=\"+Inf\"} 2",
      "workerpool_runner_pickup_latency_seconds_count 3",
      "workerpool_runner_busy_slots 0",
      "workerpool_runner_slots 1",
      "workerpool_runner_lease_lost_total 0",
      "workerpool_runner_stale_settlements_total{kind=\"stale\"} 0",
      "workerpool_runner_stale_settlements_total{kind=\"unknown\"} 0",
      "workerpool_runner_redis_roundtrip_seconds_count #",
      "workerpool_runner_handler_restarts_total{reason=\"jobs\"} 1",
      "workerpool_runner_handler_restarts_total{reason=\"exit\"} 1",
      "workerpool_runner_handler_restarts_total{reason=\"crash\"} 1",
      "workerpool_runner_handler_memory_bytes #",
      "workerpool_runner_redis_connected 1",
      "workerpool_runner_handler_broken 0",
      "process_resident_memory_bytes #",
      "process_cpu_seconds_total #",
      "process_open_fds #",
  };
  // The queue shows a job's end a moment before its runner hears of it.
  std::string text;
  const auto right = [&text](const std::string& line) {
    const std::size_t blank = line.rfind(' ');
    const double found = value(text, line.substr(0, blank));
    return line.ends_with('#') ? found >= 0 : found == std::stod(line.substr(blank));
  };
  (void)eventually([&] {
    text = scrape(runner);
    return std::all_of(std::begin(wanted), std::end(wanted), right);
  });
  for (const std::string& line : wanted) CHECK_MESSAGE(right(line), line, "\n", text);
}

TEST_CASE("types beyond the first 32 are counted as one: a label has no end otherwise") {
  RedisServer redis;
  QueueClient queue(redis);
  queue.configure(15000);
  RunnerProcess runner({redis.url(), "q", {"--handler", "noop", "--concurrency", "4"}, {}});
  for (int i = 0; i < 40; ++i) (void)queue.enqueue("", "type-" + std::to_string(i));
  REQUIRE(eventually([&] { return queue->counts().done == 40; }));
  const std::string text = scrape(runner);
  const std::regex series(R"~(\nworkerpool_runner_jobs_total\{result="completed",type="([^"]*)")~");
  std::set<std::string> types;
  for (std::sregex_iterator at(text.begin(), text.end(), series), end; at != end; ++at) {
    types.insert((*at)[1]);
  }
  CHECK(types.size() == 33);
  CHECK(value(text, "workerpool_runner_jobs_total{result=\"completed\",type=\"other\"}") == 8);
}
