// What a local mode keeps of its pool for other programs of its user
// (operator/local/status_file.h).
#pragma once

#include <filesystem>
#include <optional>

#include <nlohmann/json.hpp>

namespace wp::ctl {

/// The document, while that local mode runs; nothing for what is no such document, or was left by
/// one that is gone. `local.pid` and, perhaps, `local.leaving` are in it.
std::optional<nlohmann::json> running_pool(const std::filesystem::path& file);

}  // namespace wp::ctl
