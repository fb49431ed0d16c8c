#include "operator/controller/pool_metrics.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include "operator/controller/conditions.h"

namespace wp::controller {
namespace {

namespace m = pool_metric;
using metrics::Kind;
using Values = std::map<std::string, double>;
using Stat = std::map<std::string, std::int64_t>;

// Counters of the queue that say what became of a run or a job.
constexpr std::array kResults = {"completed",   "failed",  "dead",      "crashed", "lost",
                                 "interrupted", "stalled", "cancelled", "deferred"};

// The queue's histograms have a bucket for each power of two of ms. These bounds (2^n ms: 4 ms to
// 70 min) are enough to tell percentiles within a factor of two where most jobs are.
constexpr std::array kBounds = {2, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 22};

constexpr std::size_t kMostTypes = 33;
constexpr std::size_t kLongestType = 64;

class Shower {
 public:
  Shower(metrics::Registry& registry, const Findings& f)
      : registry_(registry),
        labels_{{"namespace", f.pool->pool.meta.ns}, {"pool", f.pool->pool.meta.name}} {}

  void values(const PoolMetric& metric, Values values) {
    registry_.show(std::string(metric.name), std::string(metric.help),
                   metric.type == "counter" ? Kind::counter : Kind::gauge, labels_,
                   std::string(metric.label), std::move(values));
  }
  void value(const PoolMetric& metric, double value) { values(metric, {{"", value}}); }
  void distribution(const PoolMetric& metric, metrics::Distribution distribution) {
    registry_.show(std::string(metric.name), std::string(metric.help), labels_,
                   std::move(distribution));
  }

 private:
  metrics::Registry& registry_;
  metrics::Labels labels_;
};

// The number behind a key of a worker's own words. Those come as JSON that is not worth parsing
// for two numbers each second and worker; what looks odd counts as nothing.
double number_behind(const std::string& info, std::string_view key) {
  const std::size_t at = info.find(key);
  if (at == std::string::npos) return 0;
  const char* const begin = info.data() + at + key.size();
  std::int64_t number = 0;
  (void)std::from_chars(begin, info.data() + info.size(), number);
  return static_cast<double>(std::max<std::int64_t>(0, number));
}

// Of the container where it is known, else of the runner and its handlers.
double memory_of(const std::string& info) {
  const double container = number_behind(info, "\"container_memory\":");
  if (container > 0) return container;
  return number_behind(info, "\"rss\":") + number_behind(info, "\"handlers_rss\":");
}

void show_workers(Shower& show, const Findings& f) {
  Values replicas = {{"ready", f.view.ready()}};
  if (f.decision) replicas["desired"] = f.decision->replicas;
  // What workers do, only the queue tells.
  if (f.fresh) {
    replicas.insert({{"busy", f.fleet.busy},
                     {"idle", f.fleet.idle},
                     {"retiring", f.fleet.retiring},
                     {"stalled", f.fleet.stalled},
                     {"broken", f.fleet.broken},
                     {"silent", f.fleet.silent}});
  }
  show.values(m::kReplicas, std::move(replicas));
  if (!f.fresh) return;
  show.value(m::kSlots, f.fleet.serving_slots);
  Millis oldest{0};
  for (const fleet::Member& member : f.fleet.members) {
    if (member.registered && !member.pod.terminating) oldest = std::max(oldest, member.silent_for);
  }
  show.value(m::kWorkerBeatAge, static_cast<double>(oldest.count()) / 1000.0);
  double largest = 0;
  double all = 0;
  for (const queue::WorkerCounts& worker : f.backlog->counts->workers) {
    const double memory = memory_of(worker.info);
    largest = std::max(largest, memory);
    all += memory;
  }
  show.values(m::kWorkerMemory, {{"max", largest}, {"sum", all}});
}

// "<histogram>:<n>" counts the values below 2^n ms (and not below 2^(n-1)).
metrics::Distribution distribution_of(const Stat& stat, const std::string& histogram,
                                      std::optional<double> sum_ms) {
  std::map<int, std::uint64_t> counts;
  double middle_ms = 0;
  const std::string prefix = histogram + ":";
  metrics::Distribution made;
  for (auto it = stat.lower_bound(prefix); it != stat.end() && it->first.starts_with(prefix);
       ++it) {
    int power = 0;
    const char* const digits = it->first.data() + prefix.size();
    if (std::from_chars(digits, it->first.data() + it->first.size(), power).ec != std::errc{}) {
      continue;
    }
    const auto count = static_cast<std::uint64_t>(std::max<std::int64_t>(0, it->second));
    counts[power] += count;
    made.count += count;
    if (power > 0) middle_ms += static_cast<double>(count) * 0.75 * std::ldexp(1.0, power);
  }
  made.sum = sum_ms.value_or(middle_ms) / 1000.0;
  std::uint64_t below = 0;
  auto next = counts.begin();
  for (const int power : kBounds) {
    for (; next != counts.end() && next->first <= power; ++next) below += next->second;
    made.buckets.emplace_back(std::ldexp(1.0, power) / 1000.0, below);
  }
  return made;
}

void show_jobs(Shower& show, const Stat& stat) {
  const auto counted = [&stat](const char* name) -> std::optional<double> {
    const auto found = stat.find(name);
    if (found == stat.end()) return std::nullopt;
    return static_cast<double>(found->second);
  };
  Values results;
  for (const char* result : kResults) results[result] = counted(result).value_or(0);
  // There with 0 before the first job, so that the first failures are an increase.
  show.values(m::kJobs, std::move(results));
  show.value(m::kJobsInterrupted, counted("interrupted").value_or(0));
  // A queue that never had a job has no histogram: most pools of an operator are at rest.
  if (stat.empty()) return;
  show.distribution(m::kJobDuration, distribution_of(stat, "duration", counted("busy_ms")));
  show.distribution(m::kPickupLatency, distribution_of(stat, "pickup", std::nullopt));
}

}  // namespace

void publish_metrics(metrics::Registry& metrics, const Findings& f) {
  Shower show(metrics, f);
  PoolCounters(&metrics, f.pool->pool.meta).begin();
  show_workers(show, f);
  show.value(m::kConcurrency, f.pool->pool.spec.workers.concurrency);
  show.value(m::kHealth, static_cast<double>(health_of(f)));
  if (!f.endpoint_reason.empty() || f.backlog) {
    const bool readable = f.endpoint_reason.empty() && !f.backlog->error;
    show.value(m::kQueueReachable, readable ? 1 : 0);
  }
  if (!f.fresh) return;
  const queue::Counts& counts = *f.backlog->counts;
  const auto number = [](std::int64_t jobs) { return static_cast<double>(jobs); };
  show.values(m::kBacklog, {{"waiting", number(counts.waiting)},
                            {"due", number(counts.due)},
                            {"delayed", number(counts.delayed - counts.due)},
                            {"active", number(counts.active)},
                            {"dead", number(counts.dead)}});
  Values types;
  for (const auto& [type, waiting] : counts.types) {
    // The queue keeps 32 and "other"; what somebody else wrote there is no reason for more series.
    if (types.size() < kMostTypes && type.size() <= kLongestType) types[type] = number(waiting);
  }
  show.values(m::kWaitingByType, std::move(types));
  show.value(m::kBackpressure, is_saturated(f) ? 1 : 0);
  show_jobs(show, counts.stat);
}

// --------------------------------------------------------------------------------- what happens

PoolCounters::PoolCounters(metrics::Registry* registry, const pool::Metadata& meta)
    : registry_(registry), labels_{{"namespace", meta.ns}, {"pool", meta.name}} {}

void PoolCounters::add(const PoolMetric& metric, std::string_view label_value, double by) {
  if (registry_ == nullptr) return;
  metrics::Labels labels = labels_;
  if (!metric.label.empty()) labels.emplace(metric.label, label_value);
  registry_->counter(std::string(metric.name), std::string(metric.help), labels).Increment(by);
}

void PoolCounters::scaled(int before, int after) {
  if (before != after) add(m::kScaleOperations, after > before ? "up" : "down", 1);
}

void PoolCounters::reacted(Millis after) {
  if (registry_ == nullptr) return;
  registry_
      ->histogram(std::string(m::kReaction.name), std::string(m::kReaction.help),
                  metrics::duration_buckets(), labels_)
      .Observe(static_cast<double>(std::max(after, Millis{0}).count()) / 1000.0);
}

void PoolCounters::workers_lost(int count) {
  add(m::kWorkersLost, "", count);
}

void PoolCounters::worker_stalled() {
  add(m::kWorkerStalls, "", 1);
}

void PoolCounters::jobs_reclaimed(queue::LossCause cause, int jobs) {
  add(m::kReclaimedJobs, cause == queue::LossCause::crash ? "crash" : "loss", jobs);
}

void PoolCounters::read_failed(redis::ErrorClass error) {
  add(m::kBacklogReadErrors, redis::to_string(error), 1);
}

void PoolCounters::backpressure_began() {
  add(m::kBackpressureActivations, "", 1);
}

void PoolCounters::begin() {
  for (const std::string_view direction : {"up", "down"}) add(m::kScaleOperations, direction, 0);
  for (const auto cause : {queue::LossCause::crash, queue::LossCause::loss}) {
    jobs_reclaimed(cause, 0);
  }
  workers_lost(0);
  add(m::kWorkerStalls, "", 0);
  add(m::kBackpressureActivations, "", 0);
}

}  // namespace wp::controller
