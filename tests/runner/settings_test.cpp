// What comes from T:cfg, and what a worker tells of itself.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "runner/job_settings.h"
#include "runner/runner_metrics.h"
#include "runner/worker_info.h"

using namespace wp;
using namespace wp::runner;

TEST_CASE("without a configuration the defaults hold") {
  const JobSettings settings = job_settings({}, Millis{7000});
  CHECK(settings.lease == Millis{15000});
  CHECK(settings.beat_interval() == Millis{5000});
  CHECK(settings.partition_after() == Millis{12000});
  CHECK(settings.drain_timeout == Millis{7000});
  CHECK(settings.kill_on_partition);
}

TEST_CASE("the pool's drain time wins, a standalone configuration's does not") {
  queue::Config config;
  config.present = true;
  config.fields = {{"drain_timeout_ms", "90000"},
                   {"lease_ms", "1000"},
                   {"timeout_ms", "50"},
                   {"on_partition", "Continue"},
                   {"max_attempts", "2"}};
  config.owner = "standalone";
  CHECK(job_settings(config, Millis{7000}).drain_timeout == Millis{7000});
  config.owner = "8f2c";
  const JobSettings settings = job_settings(config, Millis{7000});
  CHECK(settings.drain_timeout == Millis{90000});
  CHECK(settings.lease == Millis{1000});
  CHECK(settings.timeout == Millis{50});
  CHECK(settings.max_attempts == 2);
  CHECK_FALSE(settings.kill_on_partition);
}

TEST_CASE("senseless values of the configuration are bounded") {
  queue::Config config;
  config.fields = {{"lease_ms", "0"}, {"max_attempts", "-3"}, {"timeout_ms", "-1"}};
  const JobSettings settings = job_settings(config, Millis{0});
  CHECK(settings.lease == Millis{500});
  CHECK(settings.max_attempts == 1);
  CHECK(settings.timeout == Millis{0});
}

TEST_CASE("a queue that the first worker configures says so, as one of a pool does") {
  CHECK(standalone_config().at("about") == queue::kAbout);
}

TEST_CASE("winfo is JSON with at most 20 jobs, within 4 KiB") {
  Identity identity{"uid/0a", "pod-1", "uid", "node-1", 40};
  Activity activity;
  for (int i = 0; i < 40; ++i) activity.running.push_back({std::string(64, 'j'), Millis{1}});
  activity.failed = 3;
  activity.broken = true;
  const std::string text = worker_info(identity, activity, Millis{61000}, 4096);
  CHECK(text.size() <= 4096);
  const auto info = nlohmann::json::parse(text);
  CHECK(info["running"].size() == 20);
  CHECK(info["slots"] == 40);
  CHECK(info["broken"] == true);
  CHECK(info["retired"] == false);
  CHECK(info["uptime_s"] == 61);
}

TEST_CASE("activity is told again when something changed") {
  Activity before;
  before.running = {{"a", Millis{1}}};
  Activity after = before;
  CHECK(after.same_as(before));
  after.running[0].id = "b";
  CHECK_FALSE(after.same_as(before));
  after = before;
  after.retired = true;
  CHECK_FALSE(after.same_as(before));
}

TEST_CASE("names of job types are bounded in metrics") {
  BoundedNames names;
  for (int i = 0; i < 32; ++i) CHECK(names.bounded(std::to_string(i)) == std::to_string(i));
  CHECK(names.bounded("late") == "other");
  CHECK(names.bounded("7") == "7");
}
