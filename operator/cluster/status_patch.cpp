#include "operator/cluster/status_patch.h"

namespace wp::cluster {

nlohmann::json merge_patch(const nlohmann::json& from, const nlohmann::json& to) {
  if (from == to) return nullptr;
  if (!from.is_object() || !to.is_object()) return to;
  nlohmann::json patch = nlohmann::json::object();
  for (const auto& [key, value] : from.items()) {
    if (!to.contains(key)) patch[key] = nullptr;
  }
  for (const auto& [key, value] : to.items()) {
    const auto old = from.find(key);
    if (old == from.end()) {
      patch[key] = value;
    } else if (*old != value) {
      patch[key] = merge_patch(*old, value);
    }
  }
  return patch;
}

}  // namespace wp::cluster
