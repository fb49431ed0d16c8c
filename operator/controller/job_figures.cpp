#include "operator/controller/job_figures.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace wp::controller {
namespace {

constexpr Millis kWindow{600000};
constexpr Millis kSampleGap{30000};
constexpr std::int64_t kEnoughJobs = 10;
constexpr int kDegradedBelow = 80;  // percent of success
constexpr int kUnhealthyBelow = 50;
constexpr int kStalledBearable = 2;  // workers

// Where each counter stands among the values; behind them the buckets of durations: n at
// kNames.size() + n, the jobs below 2^n ms.
constexpr std::array kNames = {"completed", "failed", "dead", "busy_ms", "enqueued", "started"};
enum Place : std::size_t { kCompleted, kFailed, kDead, kBusyMs, kEnqueued, kStarted };
constexpr std::size_t kMostBuckets = 63;

std::int64_t value(const std::vector<std::int64_t>& values, std::size_t place) {
  return place < values.size() ? values[place] : 0;
}

}  // namespace

pool::HealthStatus health_of(std::optional<int> success_percent, int stalled) {
  const int success = success_percent.value_or(100);
  if (success < kUnhealthyBelow || stalled > kStalledBearable) return pool::HealthStatus::unhealthy;
  if (success < kDegradedBelow || stalled > 0) return pool::HealthStatus::degraded;
  return pool::HealthStatus::healthy;
}

JobFigures::Values JobFigures::values_of(const Counters& counters) {
  Values values;
  const auto put = [&values](std::size_t place, std::int64_t number) {
    if (values.size() <= place) values.resize(place + 1);
    values[place] = number;
  };
  for (std::size_t place = 0; place < kNames.size(); ++place) {
    const auto found = counters.find(kNames[place]);
    if (found != counters.end()) put(place, found->second);
  }
  const std::string prefix = "duration:";
  for (auto it = counters.lower_bound(prefix);
       it != counters.end() && it->first.starts_with(prefix); ++it) {
    std::size_t bucket = 0;
    const char* const end = it->first.data() + it->first.size();
    const auto parsed = std::from_chars(it->first.data() + prefix.size(), end, bucket);
    if (parsed.ec != std::errc{} || bucket >= kMostBuckets) continue;
    put(kNames.size() + bucket, it->second);
  }
  values.shrink_to_fit();
  return values;
}

void JobFigures::add(Millis now, const Counters& counters) {
  Values values = values_of(counters);
  for (const Place place : {kCompleted, kEnqueued, kStarted}) {
    if (value(values, place) >= value(latest_, place)) continue;
    samples_.clear();
    began_anew_ = true;
  }
  if (!began_at_) began_at_ = now;
  latest_ = std::move(values);
  latest_time_ = now;
  if (samples_.empty() || now - samples_.back().time >= kSampleGap) {
    samples_.push_back({now, latest_});
  }
  while (samples_.size() > 1 && samples_[1].time <= now - kWindow) samples_.pop_front();
}

std::int64_t JobFigures::gained(std::size_t place) const {
  return samples_.empty() ? 0 : value(latest_, place) - value(samples_.front().values, place);
}

std::optional<int> JobFigures::success_percent() const {
  const std::int64_t completed = gained(kCompleted);
  const std::int64_t settled = completed + gained(kDead);
  if (settled < kEnoughJobs) return std::nullopt;
  return static_cast<int>(completed * 100 / settled);
}

bool JobFigures::says_nothing_yet() const {
  return began_at_ && !began_anew_ && latest_time_ - *began_at_ < kWindow &&
         samples_.front().values == latest_;
}

// The upper bound of the bucket in which it lies.
std::optional<std::int64_t> JobFigures::percentile_95() const {
  std::int64_t total = 0;
  for (std::size_t place = kNames.size(); place < latest_.size(); ++place) total += gained(place);
  if (total <= 0) return std::nullopt;
  std::int64_t seen = 0;
  for (std::size_t place = kNames.size(); place < latest_.size(); ++place) {
    seen += gained(place);
    if (seen * 100 >= total * 95) return std::int64_t{1} << (place - kNames.size());
  }
  return std::nullopt;
}

pool::JobsStatus JobFigures::status(const std::optional<pool::JobsStatus>& before) const {
  const bool no_news = before && says_nothing_yet();
  pool::JobsStatus status = no_news ? *before : pool::JobsStatus{};
  status.completed = value(latest_, kCompleted);
  status.failed = value(latest_, kFailed);
  if (no_news) return status;
  status.success_percent = success_percent();
  if (samples_.empty()) return status;
  const std::int64_t span = (latest_time_ - samples_.front().time).count();
  if (span > 0) status.throughput_per_minute = gained(kCompleted) * 60000 / span;
  const std::int64_t runs = gained(kCompleted) + gained(kFailed);
  if (runs == 0) return status;
  status.average_duration_ms = gained(kBusyMs) / runs;
  status.p95_duration_ms = percentile_95();
  return status;
}

}  // namespace wp::controller
