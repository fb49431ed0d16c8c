#include "runner/job_settings.h"

#include <algorithm>

namespace wp::runner {
namespace {

constexpr std::int64_t kMinLeaseMs = 500;
constexpr std::int64_t kMaxMs = 30ll * 24 * 3600 * 1000;
constexpr std::int64_t kMaxCount = 1ll << 50;
constexpr Millis kDefaultDrain{300000};

Millis bounded(const queue::Config& config, std::string_view field, Millis fallback,
               std::int64_t min) {
  return Millis{std::clamp(config.number(field, fallback.count()), min, kMaxMs)};
}

}  // namespace

JobSettings job_settings(const queue::Config& config, const OwnSettings& own) {
  JobSettings settings;
  // Of the queue, whoever configured it.
  settings.lease = bounded(config, "lease_ms", settings.lease, kMinLeaseMs);
  settings.max_attempts = static_cast<int>(
      std::clamp<std::int64_t>(config.number("max_attempts", settings.max_attempts), 1, 1000000));

  settings.timeout = own.timeout;
  settings.drain_timeout = own.drain_timeout.value_or(kDefaultDrain);
  settings.kill_on_partition = own.kill_on_partition;
  settings.limits = own.limits;
  if (!config.present || config.owner.empty() || config.owner == "standalone") return settings;

  settings.timeout = bounded(config, "timeout_ms", Millis{0}, 0);
  const Millis drain = bounded(config, "drain_ms", settings.drain_timeout, 0);
  settings.drain_timeout = std::min(drain, own.drain_timeout.value_or(drain));
  settings.kill_on_partition = config.text("on_partition", "kill") != "continue";
  settings.limits.stall_timeout = bounded(config, "stall_ms", Millis{0}, 0);
  settings.limits.check_interval = bounded(config, "check_ms", Millis{30000}, 100);
  settings.limits.max_memory =
      std::clamp<std::int64_t>(config.number("max_memory", 0), 0, kMaxCount);
  settings.limits.max_jobs =
      std::clamp<std::int64_t>(config.number("max_jobs_per_worker", 0), 0, kMaxCount);
  return settings;
}

Millis JobSettings::timeout_of(const queue::ClaimedJob& job) const {
  if (job.timeout.count() == 0) return timeout;
  return timeout.count() == 0 ? job.timeout : std::min(timeout, job.timeout);
}

std::map<std::string, std::string> standalone_config() {
  return {
      {"lease_ms", "15000"},    {"max_attempts", "5"},
      {"max_crashes", "3"},     {"max_losses", "20"},
      {"max_depth", "1000000"}, {"max_bytes", "268435456"},
      {"max_payload", "65536"}, {"about", std::string(queue::kAbout)},
  };
}

}  // namespace wp::runner
