// What comes from T:cfg, and what a worker tells of itself.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "runner/job_settings.h"
#include "runner/runner_metrics.h"
#include "runner/worker_info.h"

using namespace wp;
using namespace wp::runner;

TEST_CASE("without a configuration the runner's own settings hold") {
  OwnSettings own;
  own.timeout = Millis{9000};
  own.kill_on_partition = false;
  own.limits.max_memory = 1000;
  for (const std::string owner : {"", "standalone"}) {
    queue::Config config;
    config.present = !owner.empty();
    config.owner = owner;
    config.fields = {{"timeout_ms", "1"}, {"max_memory", "1"}, {"on_partition", "kill"}};
    const JobSettings settings = job_settings(config, own);
    CHECK(settings.lease == Millis{15000});
    CHECK(settings.beat_interval() == Millis{5000});
    CHECK(settings.partition_after() == Millis{12000});
    CHECK(settings.drain_timeout == Millis{300000});
    CHECK(settings.timeout == Millis{9000});
    CHECK_FALSE(settings.kill_on_partition);
    CHECK(settings.limits == own.limits);
  }
}

TEST_CASE("a pool's configuration counts, and the shorter of both drain times") {
  queue::Config config;
  config.present = true;
  config.owner = "8f2c";
  config.fields = {
      {"drain_ms", "90000"},        {"lease_ms", "1000"},        {"timeout_ms", "50"},
      {"on_partition", "continue"}, {"max_attempts", "2"},       {"stall_ms", "600000"},
      {"check_ms", "30000"},        {"max_memory", "536870912"}, {"max_jobs_per_worker", "50"}};
  const JobSettings settings = job_settings(config, {});
  CHECK(settings.drain_timeout == Millis{90000});
  CHECK(settings.lease == Millis{1000});
  CHECK(settings.timeout == Millis{50});
  CHECK(settings.max_attempts == 2);
  CHECK_FALSE(settings.kill_on_partition);
  CHECK(settings.limits == HandlerLimits{Millis{600000}, Millis{30000}, 536870912, 50});
  OwnSettings own;
  own.drain_timeout = Millis{7000};
  CHECK(job_settings(config, own).drain_timeout == Millis{7000});
  own.drain_timeout = Millis{700000};
  CHECK(job_settings(config, own).drain_timeout == Millis{90000});
}

TEST_CASE("a job may ask for less time than the pool allows, not for more") {
  JobSettings settings;
  queue::ClaimedJob job;
  CHECK(settings.timeout_of(job) == Millis{0});
  job.timeout = Millis{500};
  CHECK(settings.timeout_of(job) == Millis{500});
  settings.timeout = Millis{300};
  CHECK(settings.timeout_of(job) == Millis{300});
  job.timeout = Millis{100};
  CHECK(settings.timeout_of(job) == Millis{100});
  job.timeout = Millis{0};
  CHECK(settings.timeout_of(job) == Millis{300});
}

TEST_CASE("senseless values of the configuration are bounded") {
  queue::Config config;
  config.present = true;
  config.owner = "8f2c";
  config.fields = {{"lease_ms", "0"},    {"max_attempts", "-3"}, {"timeout_ms", "-1"},
                   {"max_memory", "-5"}, {"check_ms", "0"},      {"max_jobs_per_worker", "x"}};
  const JobSettings settings = job_settings(config, {});
  CHECK(settings.lease == Millis{500});
  CHECK(settings.max_attempts == 1);
  CHECK(settings.timeout == Millis{0});
  CHECK(settings.limits == HandlerLimits{Millis{0}, Millis{100}, 0, 0});
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
  activity.trouble = "cannot start it:\n" + std::string(1000, '"');
  activity.executed = 12;
  activity.stalled = 2;
  activity.quota = 50;
  activity.handler_memory_peak = 300;
  const std::string text =
      worker_info(identity, activity, Millis{61000}, {4096, {1 << 20, 1 << 21}});
  CHECK(text.size() <= 4096);
  const auto info = nlohmann::json::parse(text);
  CHECK(info["running"].size() == 20);
  CHECK(info["slots"] == 40);
  CHECK(info["broken"] == true);
  CHECK(info["trouble"].get<std::string>().starts_with("cannot start it: \"\""));
  CHECK(info["retired"] == false);
  CHECK(info["stalled"] == 2);
  CHECK(info["uptime_s"] == 61);
  CHECK(info["rss"] == 4096);
  CHECK(info["handlers_rss_peak"] == 300);
  CHECK(info["container_memory_peak"] == 1 << 21);
  CHECK(info["quota_percent"] == 24);
}

TEST_CASE("activity is told again when something changed") {
  Activity before;
  before.running = {{"a", Millis{1}}};
  Activity after = before;
  CHECK(after.same_as(before));
  after.running[0].id = "b";
  CHECK_FALSE(after.same_as(before));
  after = before;
  after.draining = true;
  CHECK_FALSE(after.same_as(before));
  after = before;
  after.retired = true;
  CHECK_FALSE(after.same_as(before));
  after = before;
  after.trouble = "another";
  CHECK_FALSE(after.same_as(before));
  after = before;
  after.stalled = 1;
  CHECK_FALSE(after.same_as(before));
}

TEST_CASE("names of job types are bounded in metrics") {
  BoundedNames names;
  for (int i = 0; i < 32; ++i) CHECK(names.bounded(std::to_string(i)) == std::to_string(i));
  CHECK(names.bounded("late") == "other");
  CHECK(names.bounded("7") == "7");
}
