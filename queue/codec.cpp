#include "queue/codec.h"

#include <nlohmann/json.hpp>

namespace wp::queue {
namespace {

using nlohmann::json;

std::string dump(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

// A result is shown as JSON where the handler wrote JSON, else as a string.
json result_value(const std::string& text) {
  json parsed = json::parse(text, nullptr, false);
  return parsed.is_discarded() ? json(text) : parsed;
}

}  // namespace

std::string encode_envelope(std::string_view type, std::string_view payload) {
  std::string bytes = dump(json{{"type", type}});
  bytes += '\n';
  bytes += payload;
  return bytes;
}

Envelope decode_envelope(std::string_view bytes) {
  const std::size_t line = bytes.find('\n');
  if (line != std::string_view::npos) {
    const json header = json::parse(bytes.substr(0, line), nullptr, false);
    if (header.is_object()) {
      const auto type = header.find("type");
      return {type != header.end() && type->is_string() ? type->get<std::string>() : "default",
              std::string(bytes.substr(line + 1))};
    }
  }
  return {"default", std::string(bytes)};
}

std::string result_to_json(std::string_view packed) {
  if (packed.empty()) return "{}";
  const json doc = json::from_msgpack(packed, true, false);
  if (!doc.is_object()) return "{}";
  json out = json::object();
  for (const auto& [key, value] : doc.items()) {
    if (key == "r" && value.is_string()) out["result"] = result_value(value.get<std::string>());
    if (key == "e") out["error"] = value;
    if (key == "d") out["duration_ms"] = value;
    if (key == "p") out["progress"] = value;
    if (key == "m") out["message"] = value;
    if (key == "h" && value.is_array()) {
      json history = json::array();
      for (const json& attempt : value) {
        if (!attempt.is_array() || attempt.size() < 4) continue;
        history.push_back({{"at_ms", attempt[0]},
                           {"kind", attempt[1]},
                           {"error", attempt[2]},
                           {"worker", attempt[3]}});
      }
      out["history"] = std::move(history);
    }
  }
  return dump(out);
}

}  // namespace wp::queue
