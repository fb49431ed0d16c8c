#include "operator/controller/pool_metrics.h"

#include <doctest/doctest.h>
#include <regex>
#include <set>
#include <sstream>

#include "tests/operator/controller/findings.h"

using namespace wp;
using namespace wp::controller;
using wp::test::Found;

namespace {

// The number behind the pool's series with this label, wherever that stands among the others.
std::optional<double> series(const metrics::Registry& registry, const std::string& name,
                             const std::string& label) {
  std::istringstream text(registry.text());
  for (std::string line; std::getline(text, line);) {
    const std::size_t end = line.rfind(' ');
    if (!line.starts_with(name + "{") || end == std::string::npos) continue;
    std::istringstream labels(line.substr(name.size() + 1, end - name.size() - 2));
    std::set<std::string> found;
    for (std::string one; std::getline(labels, one, ',');) found.insert(one);
    std::set<std::string> wanted = {"namespace=\"media\"", "pool=\"thumbnails\""};
    if (!label.empty()) wanted.insert(label);
    if (found == wanted) return std::stod(line.substr(end));
  }
  return std::nullopt;
}

struct Bench {
  Found found;
  metrics::Registry registry;
  PoolCounters counters{&registry, found.parsed.pool.meta};

  std::optional<double> value(const std::string& name, const std::string& label = {}) const {
    return series(registry, name, label);
  }
  void publish() { publish_metrics(registry, found.f); }
  // Everything that can happen, once.
  void happen() {
    counters.scaled(0, 7);
    counters.scaled(7, 4);
    counters.scaled(4, 4);
    counters.reacted(Millis{30});
    counters.workers_lost(2);
    counters.worker_stalled();
    counters.jobs_reclaimed(queue::LossCause::crash, 3);
    counters.jobs_reclaimed(queue::LossCause::loss, 1);
    counters.read_failed(redis::ErrorClass::timeout);
    counters.backpressure_began();
  }
};

}  // namespace

TEST_CASE_FIXTURE(Bench, "the table holds every metric of a pool with its type, and no other") {
  found.counts().stat = {{"completed", 1}, {"busy_ms", 800}, {"duration:10", 1}, {"pickup:3", 1}};
  found.counts().types = {{"resize", 120}};
  publish();
  happen();
  std::set<std::string> seen;
  std::istringstream text(registry.text());
  static const std::regex head("# TYPE (\\S+) (\\S+)");
  for (std::string line; std::getline(text, line);) {
    std::smatch match;
    if (std::regex_match(line, match, head)) seen.insert(match.str(1) + " " + match.str(2));
  }
  std::set<std::string> table;
  for (const PoolMetric& metric : pool_metric::kAll) {
    CHECK(table.insert(std::string(metric.name) + " " + std::string(metric.type)).second);
    CHECK(metric.help.ends_with('.'));
  }
  CHECK(seen == table);
}

TEST_CASE_FIXTURE(Bench, "workers by kind, their slots, beats and memory") {
  found.f.fleet.members[0].by_us = true;
  found.f.fleet.members[1].stalled = true;
  found.f.fleet.members[2].silent_for = Millis{42500};
  found.count();
  found.f.fleet.silent = 1;
  found.f.fleet.broken = 2;
  found.counts().workers = {
      {.worker = "a/1", .info = R"({"rss":1000,"handlers_rss":500,"handlers_rss_peak":9000})"},
      {.worker = "b/1", .info = R"({"container_memory":4000,"rss":1000,"handlers_rss":500})"},
      {.worker = "c/1", .info = R"({"rss":"a lot","handlers_rss":-5})"},
      {.worker = "d/1", .info = ""}};
  publish();
  const auto replicas = [this](const char* kind) {
    return value("workerpool_replicas", std::string("kind=\"") + kind + "\"");
  };
  CHECK(replicas("desired") == 7);
  CHECK(replicas("ready") == 7);
  CHECK(replicas("busy") == 5);
  CHECK(replicas("idle") == 1);
  CHECK(replicas("retiring") == 1);
  CHECK(replicas("stalled") == 1);
  CHECK(replicas("silent") == 1);
  CHECK(replicas("broken") == 2);
  CHECK(value("workerpool_concurrency") == found.parsed.pool.spec.workers.concurrency);
  CHECK(value("workerpool_slots") == 28);
  CHECK(value("workerpool_worker_beat_age_seconds") == 42.5);
  CHECK(value("workerpool_worker_memory_bytes", "stat=\"max\"") == 4000);
  CHECK(value("workerpool_worker_memory_bytes", "stat=\"sum\"") == 5500);
  CHECK(value("workerpool_health") == 1);
  CHECK(value("workerpool_queue_reachable") == 1);
}

TEST_CASE_FIXTURE(Bench, "the queue: jobs by state and type, backpressure") {
  found.parsed.pool.spec.queue.max_depth = 100;
  found.counts().due = 5;
  found.counts().delayed = 8;
  found.counts().dead = 2;
  found.counts().types = {{"resize", 100}, {"crop", 20}};
  publish();
  const auto backlog = [this](const char* state) {
    return value("workerpool_backlog", std::string("state=\"") + state + "\"");
  };
  CHECK(backlog("waiting") == 120);
  CHECK(backlog("due") == 5);
  CHECK(backlog("delayed") == 3);
  CHECK(backlog("active") == 14);
  CHECK(backlog("dead") == 2);
  CHECK(value("workerpool_waiting_by_type", "type=\"resize\"") == 100);
  CHECK(value("workerpool_backpressure") == 1);
  // A type that is gone from the queue is gone from here.
  found.counts().types = {{"crop", 20}};
  publish();
  CHECK_FALSE(value("workerpool_waiting_by_type", "type=\"resize\"").has_value());
  // No reading: the last numbers stay, and it is said.
  found.counts().waiting = 0;
  found.unreadable(redis::ErrorClass::timeout);
  publish();
  CHECK(backlog("waiting") == 120);
  CHECK(value("workerpool_queue_reachable") == 0);
  CHECK(value("workerpool_replicas", "kind=\"ready\"") == 7);
  CHECK_FALSE(value("workerpool_replicas", "kind=\"busy\"").has_value());
}

TEST_CASE_FIXTURE(Bench, "types beyond what a queue keeps make no series") {
  for (int i = 0; i < 100; ++i) found.counts().types["t" + std::to_string(i)] = 1;
  found.counts().types[std::string(65, 'a')] = 1;
  publish();
  const std::string text = registry.text();
  std::size_t found_series = 0;
  for (std::size_t at = 0; (at = text.find("workerpool_waiting_by_type{", at)) != std::string::npos;
       ++at) {
    ++found_series;
  }
  CHECK(found_series == 33);
}

TEST_CASE_FIXTURE(Bench, "jobs, durations and waits are the queue's own counters") {
  publish();
  CHECK(value("workerpool_jobs_total", "result=\"failed\"") == 0);
  CHECK_FALSE(value("workerpool_job_duration_seconds_count").has_value());
  // 90 runs of 512 to 1023 ms, 10 of 4 to 8 s; 100 claims within a ms, one after 70 s.
  found.counts().stat = {{"completed", 97},   {"failed", 3},       {"interrupted", 2},
                         {"busy_ms", 120000}, {"duration:10", 90}, {"duration:13", 10},
                         {"duration:x", 7},   {"pickup:0", 100},   {"pickup:17", 1}};
  publish();
  CHECK(value("workerpool_jobs_total", "result=\"completed\"") == 97);
  CHECK(value("workerpool_jobs_total", "result=\"failed\"") == 3);
  CHECK(value("workerpool_jobs_total", "result=\"dead\"") == 0);
  CHECK(value("workerpool_jobs_interrupted_total") == 2);
  const auto below = [this](const char* name, const char* bound) {
    return value(std::string(name) + "_bucket", std::string("le=\"") + bound + "\"");
  };
  CHECK(below("workerpool_job_duration_seconds", "0.512") == 0);
  CHECK(below("workerpool_job_duration_seconds", "1.024") == 90);
  CHECK(below("workerpool_job_duration_seconds", "4.096") == 90);
  CHECK(below("workerpool_job_duration_seconds", "8.192") == 100);
  CHECK(below("workerpool_job_duration_seconds", "+Inf") == 100);
  CHECK(value("workerpool_job_duration_seconds_sum") == 120);
  CHECK(below("workerpool_pickup_latency_seconds", "0.004") == 100);
  CHECK(value("workerpool_pickup_latency_seconds_count") == 101);
  CHECK(value("workerpool_pickup_latency_seconds_sum") == doctest::Approx(98.304));
  // The queue began anew.
  found.counts().stat = {{"completed", 1}, {"busy_ms", 700}, {"duration:10", 1}};
  publish();
  CHECK(value("workerpool_jobs_total", "result=\"completed\"") == 1);
  CHECK(value("workerpool_job_duration_seconds_count") == 1);
}

TEST_CASE_FIXTURE(Bench, "what happens is counted, from 0 on") {
  publish();
  CHECK(value("workerpool_workers_lost_total") == 0);
  CHECK(value("workerpool_scale_operations_total", "direction=\"up\"") == 0);
  happen();
  happen();
  CHECK(value("workerpool_scale_operations_total", "direction=\"up\"") == 2);
  CHECK(value("workerpool_scale_operations_total", "direction=\"down\"") == 2);
  CHECK(value("workerpool_workers_lost_total") == 4);
  CHECK(value("workerpool_worker_stalls_total") == 2);
  CHECK(value("workerpool_reclaimed_jobs_total", "cause=\"crash\"") == 6);
  CHECK(value("workerpool_reclaimed_jobs_total", "cause=\"loss\"") == 2);
  CHECK(value("workerpool_backlog_read_errors_total", "class=\"Timeout\"") == 2);
  CHECK(value("workerpool_backpressure_activations_total") == 2);
  CHECK(value("workerpool_reaction_seconds_count") == 2);
  PoolCounters(nullptr, found.parsed.pool.meta).scaled(0, 1);
}

TEST_CASE_FIXTURE(Bench, "a pool that is gone leaves no series") {
  found.counts().stat = {{"completed", 1}, {"duration:10", 1}};
  publish();
  happen();
  registry.remove({{"namespace", "media"}, {"pool", "thumbnails"}});
  CHECK(registry.text().find("thumbnails") == std::string::npos);
}
