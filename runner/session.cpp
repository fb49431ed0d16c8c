#include "runner/session.h"

#include <nlohmann/json.hpp>

#include "runner/handlers/json_text.h"

namespace wp::runner {
namespace {

constexpr std::size_t kMaxDepth = 500;  // as of patches: handlers/outcome.cpp

}  // namespace

std::string merge_session(std::string_view document, std::string_view patch) {
  using nlohmann::json;
  json merged = json::object();
  if (is_json(document) && json_depth(document) <= kMaxDepth) merged = json::parse(document);
  if (!merged.is_object()) merged = json::object();
  merged.merge_patch(json::parse(patch));
  return merged.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace wp::runner
