#include "runner/job_settings.h"

#include <algorithm>

namespace wp::runner {
namespace {

constexpr std::int64_t kMinLeaseMs = 500;
constexpr std::int64_t kMaxMs = 30ll * 24 * 3600 * 1000;

Millis bounded(const queue::Config& config, std::string_view field, Millis fallback,
               std::int64_t min) {
  return Millis{std::clamp(config.number(field, fallback.count()), min, kMaxMs)};
}

}  // namespace

JobSettings job_settings(const queue::Config& config, Millis drain_timeout) {
  JobSettings settings;
  settings.lease = bounded(config, "lease_ms", settings.lease, kMinLeaseMs);
  settings.timeout = bounded(config, "timeout_ms", settings.timeout, 0);
  settings.max_attempts = static_cast<int>(
      std::clamp<std::int64_t>(config.number("max_attempts", settings.max_attempts), 1, 1000000));
  const std::string on_partition = config.text("on_partition", "kill");
  settings.kill_on_partition = on_partition != "continue" && on_partition != "Continue";
  const bool pool = config.present && !config.owner.empty() && config.owner != "standalone";
  settings.drain_timeout =
      pool ? bounded(config, "drain_timeout_ms", drain_timeout, 0) : drain_timeout;
  return settings;
}

std::map<std::string, std::string> standalone_config() {
  return {
      {"lease_ms", "15000"},    {"max_attempts", "5"},    {"max_crashes", "3"},
      {"max_losses", "20"},     {"max_depth", "1000000"}, {"max_bytes", "268435456"},
      {"max_payload", "65536"}, {"on_partition", "kill"}, {"timeout_ms", "0"},
      {"about", std::string(queue::kAbout)},
  };
}

}  // namespace wp::runner
