#include "bench/local_load.h"

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <optional>
#include <stdexcept>
#include <thread>

#include <nlohmann/json.hpp>

#include "base/units.h"
#include "bench/children.h"
#include "queue/queue.h"
#include "tests/support/process.h"
#include "tests/support/redis_server.h"
#include "tests/support/temp_folder.h"

namespace wp::bench {
namespace {

using nlohmann::json;

constexpr const char* kQueue = "default/load";
constexpr Millis kLook{20};         // between two looks at the processes
constexpr Millis kCount{100};       // between two looks at who is registered
constexpr Millis kPatience{60000};  // for what should be there at once

std::string word_of(scaling::Policy policy) {
  switch (policy) {
    case scaling::Policy::look_ahead:
      return "LookAhead";
    case scaling::Policy::slot_per_job:
      return "SlotPerJob";
    case scaling::Policy::threshold:
      return "Threshold";
    case scaling::Policy::target_depth:
      return "TargetDepth";
  }
  return {};
}

// JSON is YAML, too. The handler is never run: the runner below sleeps by itself.
std::string pool_text(const scaling::Params& p) {
  json scaling = {{"policy", word_of(p.policy)},
                  {"minReplicas", p.min_replicas},
                  {"maxReplicas", p.max_replicas},
                  {"scaleToZeroAfter", format_duration(p.scale_to_zero_after)},
                  {"maxScaleUp",
                   {{"workers", p.up_workers},
                    {"percent", p.up_percent},
                    {"period", format_duration(p.up_period)}}},
                  {"lookAhead",
                   {{"targetWait", format_duration(p.look_ahead.target_wait)},
                    {"expectedDuration", format_duration(p.look_ahead.expected_duration)}}},
                  {"threshold", {{"cooldown", format_duration(p.threshold.cooldown)}}}};
  if (p.scale_down_window) scaling["scaleDownWindow"] = format_duration(*p.scale_down_window);
  const json pool = {
      {"apiVersion", "workerpool.dev/v1alpha1"},
      {"kind", "WorkerPool"},
      {"metadata", {{"name", "load"}}},
      {"spec",
       {{"queue", {{"name", kQueue}}},
        {"workers",
         {{"concurrency", p.concurrency}, {"handler", {{"exec", {{"command", {"true"}}}}}}}},
        {"jobs", {{"retention", {{"completed", {{"count", 1000000}}}}}}},
        {"scaling", std::move(scaling)}}}};
  return pool.dump(2);
}

// Takes a pod's time to start, then becomes a runner that sleeps as its jobs say.
std::string runner_text(const LocalPlay& play) {
  return fmt::format(
      "#!/bin/sh\nsleep {}\nunset WP_HANDLER_COMMAND WP_DEFER_EXIT_CODE WP_DEAD_EXIT_CODE\n"
      "WP_HANDLER=sleep exec '{}'\n",
      static_cast<double>(play.pod_start.count()) / 1000, play.runner);
}

class Player {
 public:
  Player(const simulate::Load& load, const LocalPlay& play)
      : load_(load), pool_(folder_.write("pool.yaml", pool_text(play.params))) {
    const std::string runner = folder_.write("runner", runner_text(play));
    std::filesystem::permissions(runner, std::filesystem::perms::owner_all);
    process_.emplace(
        std::vector<std::string>{play.operator_program, "local", "-f", pool_, "--redis",
                                 redis_.url(), "--runner", runner, "--state-dir",
                                 folder_.path() + "/state", "--report", report_file()},
        folder_.path() + "/log");
    children_.emplace(process_->pid());
  }

  LocalOutcome run() {
    redis::Connection connection(redis_.endpoint());
    connection.connect();
    queue::Queue jobs(connection, kQueue);
    queue_ = &jobs;
    wait_for(
        "the pool", [&] { return jobs.counts().config_present; }, kPatience);
    const std::vector<std::string> ids = enqueue_all(jobs);
    const Millis longest = std::chrono::duration_cast<Millis>(load_.total_service());
    wait_for(
        "the jobs' ends", [&] { return finished(jobs) >= ids.size(); }, kPatience + longest);
    // To none, as the simulator counts: what idles behind the last job costs, too.
    wait_for(
        "the workers' ends", [&] { return watch() == 0; }, kPatience * 10);
    LocalOutcome outcome = read_jobs(jobs, ids);
    process_->signal(SIGINT);
    (void)process_->wait(kPatience);
    read_processes(outcome);
    return outcome;
  }

 private:
  std::string report_file() const { return folder_.path() + "/report.json"; }

  int watch() {
    const Millis now = system_clock().steady();
    const int processes = children_->look(now);
    if (queue_ != nullptr && now - counted_ >= kCount) {
      const auto registered = static_cast<int>(queue_->counts().workers.size());
      if (counted_ > Millis{0}) {
        unregistered_ += std::max(0, processes - registered) * (now - counted_);
      }
      counted_ = now;
    }
    return processes;
  }

  template <typename Fact>
  void wait_for(const char* what, Fact fact, Millis patience) {
    const Millis deadline = system_clock().steady() + patience;
    while (!fact()) {
      watch();
      if (system_clock().steady() > deadline) {
        throw std::runtime_error(
            fmt::format("{} did not come; the operator said:\n{}", what, process_->output()));
      }
      std::this_thread::sleep_for(kLook);
    }
  }

  static std::size_t finished(queue::Queue& jobs) {
    const queue::Counts counts = jobs.counts();
    return static_cast<std::size_t>(counts.done + counts.dead);
  }

  // Each at its time; what a look took late is made up for at once.
  std::vector<std::string> enqueue_all(queue::Queue& jobs) {
    std::vector<std::string> ids;
    const Millis start = system_clock().steady();
    std::size_t next = 0;
    while (next < load_.jobs.size()) {
      const Millis now = system_clock().steady();
      std::vector<queue::NewJob> due;
      for (; next < load_.jobs.size() && load_.jobs[next].arrival <= now - start; ++next) {
        queue::NewJob job;
        job.type = "sleep";
        const auto service = std::chrono::round<Millis>(load_.jobs[next].service);
        job.payload = fmt::format("{{\"ms\": {}}}", service.count());
        due.push_back(std::move(job));
      }
      if (!due.empty()) {
        for (const queue::Enqueued& taken : jobs.enqueue(due)) ids.push_back(taken.id);
      }
      watch();
      std::this_thread::sleep_for(Millis{5});
    }
    return ids;
  }

  // By Redis's clock: from its enqueue to its end, without the time that it ran.
  LocalOutcome read_jobs(queue::Queue& jobs, const std::vector<std::string>& ids) const {
    LocalOutcome outcome;
    for (const std::string& id : ids) {
      const queue::JobView job = jobs.job(id);
      const json facts = json::parse(job.result, nullptr, false);
      if (job.state != queue::JobState::done || !facts.is_object() ||
          !facts.contains("duration_ms")) {
        ++outcome.unfinished;
        continue;
      }
      const Millis ran{facts["duration_ms"].get<std::int64_t>()};
      outcome.waits.emplace_back(std::max(Millis{0}, job.finished - job.enqueued - ran));
    }
    const queue::Counts counts = jobs.counts();
    const auto started = counts.stat.find("started");
    if (started != counts.stat.end()) {
      outcome.repeated = static_cast<int>(started->second - static_cast<std::int64_t>(ids.size()));
    }
    return outcome;
  }

  void read_processes(LocalOutcome& outcome) const {
    for (const auto& [pid, life] : children_->lives()) {
      outcome.worker_seconds += static_cast<double>((life.last - life.first).count()) / 1000;
    }
    outcome.started = static_cast<int>(children_->lives().size());
    outcome.peak = children_->peak();
    outcome.start = static_cast<double>(unregistered_.count()) / 1000 /
                    static_cast<double>(std::max(1, outcome.started));
    std::ifstream in(report_file());
    const json report = json::parse(in, nullptr, false);
    if (report.is_object()) outcome.scale_operations = report.value("scaleOperations", 0);
  }

  const simulate::Load& load_;
  test::OwnFolder folder_;
  test::RedisServer redis_;
  std::string pool_;
  std::optional<test::Process> process_;
  std::optional<Children> children_;
  queue::Queue* queue_ = nullptr;  // while run() has one
  Millis counted_{0};
  Millis unregistered_{0};
};

}  // namespace

LocalOutcome play_locally(const simulate::Load& load, const LocalPlay& play) {
  return Player(load, play).run();
}

}  // namespace wp::bench
