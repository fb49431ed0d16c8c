// Walks an object's `spec` along the table of fields: checks kinds and bounds, fills in defaults,
// drops what is null, unknown or the blank that stands for the default. What it answers can be read
// without a further check, as long as no problem was reported. Pure; any thread.
#pragma once

#include <vector>

#include <nlohmann/json.hpp>

#include "operator/pool/parse.h"

namespace wp::pool {

/// `spec` with every default. Problems of shape are appended.
nlohmann::json normalize_spec(const nlohmann::json& object, const ParseOptions& options,
                              std::vector<SpecProblem>& problems);

/// A value as a problem's text shows it: JSON, cut at 60 bytes between characters.
std::string shown(const nlohmann::json& value);

}  // namespace wp::pool
