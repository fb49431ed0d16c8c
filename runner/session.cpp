#include "runner/session.h"

#include <nlohmann/json.hpp>

namespace wp::runner {

std::string merge_session(std::string_view document, std::string_view patch) {
  using nlohmann::json;
  json merged = json::parse(document, nullptr, false);
  if (!merged.is_object()) merged = json::object();
  merged.merge_patch(json::parse(patch));
  return merged.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace wp::runner
