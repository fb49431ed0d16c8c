#include "operator/controller/job_figures.h"

#include <charconv>

namespace wp::controller {
namespace {

constexpr Millis kWindow{600000};
constexpr Millis kSampleGap{5000};
constexpr std::int64_t kEnoughJobs = 10;
constexpr int kDegradedBelow = 80;  // percent of success
constexpr int kUnhealthyBelow = 50;
constexpr int kStalledBearable = 2;  // workers

std::int64_t value(const JobFigures::Counters& counters, const std::string& name) {
  const auto found = counters.find(name);
  return found == counters.end() ? 0 : found->second;
}

}  // namespace

pool::HealthStatus health_of(std::optional<int> success_percent, int stalled) {
  const int success = success_percent.value_or(100);
  if (success < kUnhealthyBelow || stalled > kStalledBearable) return pool::HealthStatus::unhealthy;
  if (success < kDegradedBelow || stalled > 0) return pool::HealthStatus::degraded;
  return pool::HealthStatus::healthy;
}

void JobFigures::add(Millis now, const Counters& counters) {
  for (const char* name : {"completed", "enqueued", "started"}) {
    if (value(counters, name) >= value(latest_, name)) continue;
    samples_.clear();
    began_anew_ = true;
  }
  if (!began_at_) began_at_ = now;
  latest_ = counters;
  latest_time_ = now;
  if (samples_.empty() || now - samples_.back().time >= kSampleGap) {
    samples_.push_back({now, counters});
  }
  while (samples_.size() > 1 && samples_[1].time <= now - kWindow) samples_.pop_front();
}

std::int64_t JobFigures::gained(const std::string& name) const {
  return samples_.empty() ? 0 : value(latest_, name) - value(samples_.front().counters, name);
}

std::optional<int> JobFigures::success_percent() const {
  const std::int64_t completed = gained("completed");
  const std::int64_t settled = completed + gained("dead");
  if (settled < kEnoughJobs) return std::nullopt;
  return static_cast<int>(completed * 100 / settled);
}

bool JobFigures::says_nothing_yet() const {
  return began_at_ && !began_anew_ && latest_time_ - *began_at_ < kWindow &&
         samples_.front().counters == latest_;
}

pool::JobsStatus JobFigures::status(const std::optional<pool::JobsStatus>& before) const {
  pool::JobsStatus status;
  if (before && says_nothing_yet()) status = *before;
  status.completed = value(latest_, "completed");
  status.failed = value(latest_, "failed");
  if (before && says_nothing_yet()) return status;
  status.success_percent = success_percent();
  if (samples_.empty()) return status;
  const std::int64_t span = (latest_time_ - samples_.front().time).count();
  if (span > 0) status.throughput_per_minute = gained("completed") * 60000 / span;
  const std::int64_t runs = gained("completed") + gained("failed");
  if (runs == 0) return status;
  status.average_duration_ms = gained("busy_ms") / runs;

  // Buckets of powers of two: the upper bound of the one in which the 95th percentile lies.
  std::map<int, std::int64_t> buckets;
  std::int64_t total = 0;
  for (const auto& [name, count] : latest_) {
    int bucket = 0;
    if (!name.starts_with("duration:") ||
        std::from_chars(name.data() + 9, name.data() + name.size(), bucket).ec != std::errc{}) {
      continue;
    }
    buckets[bucket] = gained(name);
    total += gained(name);
  }
  std::int64_t seen = 0;
  for (const auto& [bucket, count] : buckets) {
    seen += count;
    if (total > 0 && seen * 100 >= total * 95) {
      status.p95_duration_ms = std::int64_t{1} << bucket;
      break;
    }
  }
  return status;
}

}  // namespace wp::controller
