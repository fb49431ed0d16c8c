#include "operator/pool/grace_period.h"

namespace wp::pool {

std::int64_t needed_grace_period(const Workers& workers) {
  constexpr std::int64_t kBeyondDrain = 15;
  return (workers.drain_timeout.count() + 999) / 1000 + kBeyondDrain;
}

std::optional<std::int64_t> raised_grace_period(const Workers& workers) {
  static const nlohmann::json::json_pointer where("/spec/terminationGracePeriodSeconds");
  const nlohmann::json& pod = workers.pod_template;
  if (!pod.is_object() || !pod.contains(where)) return std::nullopt;
  const nlohmann::json& declared = pod.at(where);
  if (!declared.is_number_integer()) return std::nullopt;
  const auto seconds = declared.get<std::int64_t>();
  return seconds < needed_grace_period(workers) ? std::optional(seconds) : std::nullopt;
}

}  // namespace wp::pool
