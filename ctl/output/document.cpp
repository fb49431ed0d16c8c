#include "ctl/output/document.h"

#include <set>

#include <nlohmann/json.hpp>

namespace wp::ctl {
namespace {

using nlohmann::ordered_json;

std::string compact(const ordered_json& value) {
  return value.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

// A key without quotes where every YAML reader takes it for a text.
std::string yaml_key(const std::string& key) {
  static const std::set<std::string> kWords = {"y",   "n",    "yes",   "no",   "on",
                                               "off", "true", "false", "null", "nan"};
  std::string lower;
  for (const char c : key) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool plain = letter || (!lower.empty() && ((c >= '0' && c <= '9') || c == '_'));
    if (!plain) return compact(key);
    lower += static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  }
  return key.empty() || kWords.contains(lower) ? compact(key) : key;
}

// Block style for what has parts, JSON for the rest: every JSON scalar is a YAML scalar, so that
// nothing has to be known of YAML's own ideas about "no", "1e3" and "0x1".
void write_yaml(const ordered_json& value, std::size_t indent, std::string& out) {
  const std::string margin(indent, ' ');
  const auto write_part = [&](const ordered_json& part) {
    if (part.is_structured() && !part.empty()) {
      out += '\n';
      write_yaml(part, indent + 2, out);
    } else {
      out += " " + compact(part) + "\n";
    }
  };
  if (value.is_object() && !value.empty()) {
    for (const auto& [key, part] : value.items()) {
      out += margin + yaml_key(key) + ":";
      write_part(part);
    }
  } else if (value.is_array() && !value.empty()) {
    for (const ordered_json& part : value) {
      out += margin + "-";
      write_part(part);
    }
  } else {
    out += margin + compact(value) + "\n";
  }
}

}  // namespace

Format parse_format(const std::string& name) {
  if (name == "json") return Format::json;
  return name == "yaml" ? Format::yaml : Format::table;
}

std::string render(const ordered_json& document, Format format) {
  if (format == Format::json) {
    return document.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
  }
  std::string out;
  write_yaml(document, 0, out);
  return out;
}

}  // namespace wp::ctl
