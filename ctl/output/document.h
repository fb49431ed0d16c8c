// What a command answers to programs: one document, printed as JSON or YAML; people get tables.
// Bytes that are no UTF-8 are replaced, never thrown on. Pure.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

namespace wp::ctl {

enum class Format { table, json, yaml };

/// "table", "json" or "yaml".
Format parse_format(const std::string& name);

/// The document in the format's text, with a final newline. Not for Format::table.
std::string render(const nlohmann::ordered_json& document, Format format);

}  // namespace wp::ctl
