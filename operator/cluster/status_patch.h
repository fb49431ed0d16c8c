// The smallest JSON merge patch (RFC 7396) that turns one document into another: what vanished is
// null, what is equal is absent. Pure.
#pragma once

#include <nlohmann/json.hpp>

namespace wp::cluster {

/// Null when nothing differs. Lists are replaced as a whole, as merge patches do.
nlohmann::json merge_patch(const nlohmann::json& from, const nlohmann::json& to);

}  // namespace wp::cluster
