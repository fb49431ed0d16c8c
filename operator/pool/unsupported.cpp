#include "operator/pool/unsupported.h"

#include <algorithm>

#include "operator/pool/normalize.h"

namespace wp::pool {
namespace {

using nlohmann::json;

constexpr std::string_view kForeign = "only this project's own queue can be read so far";

std::vector<UnsupportedField> table() {
  return {
      {"spec.queue.type", "", kForeign},
      {"spec.queue.list", "", kForeign},
      {"spec.queue.stream", "", kForeign},
      {"spec.queue.bull", "", kForeign},
      {"spec.queue.celery", "", kForeign},
      {"spec.queue.http", "", kForeign},
      {"spec.queue.onDelete", "", "a deleted pool's jobs stay in Redis so far"},
      {"spec.scaling.whileActive", "\"Drain\"", "it only concerns other queues than Jobs"},
  };
}

json::json_pointer pointer(std::string_view path) {
  std::string text = "/" + std::string(path);
  std::replace(text.begin(), text.end(), '.', '/');
  return json::json_pointer(text);
}

// The spec of a pool that says nothing.
const json& defaults() {
  static const json whole = [] {
    std::vector<SpecProblem> ignored;
    const json empty = {{"spec", {{"queue", json::object()}, {"workers", json::object()}}}};
    return json{{"spec", normalize_spec(empty, {}, ignored)}};
  }();
  return whole;
}

json value_at(const json& whole, std::string_view path) {
  const json::json_pointer where = pointer(path);
  return whole.contains(where) ? whole.at(where) : json();
}

bool is_allowed(const json& value, const UnsupportedField& field) {
  if (value.is_null()) return true;  // nothing is asked for
  if (value == value_at(defaults(), field.path)) return true;
  std::string_view rest = field.allowed;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('|'), rest.size());
    if (value == json::parse(rest.substr(0, end))) return true;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return false;
}

}  // namespace

const std::vector<UnsupportedField>& unsupported_fields() {
  static const std::vector<UnsupportedField> rows = table();
  return rows;
}

std::vector<SpecProblem> find_unsupported(const json& object) {
  std::vector<SpecProblem> problems;
  std::vector<SpecProblem> ignored;  // of shape: reported by the parser
  const json whole = {{"spec", normalize_spec(object, {}, ignored)}};
  for (const UnsupportedField& field : unsupported_fields()) {
    if (is_allowed(value_at(whole, field.path), field)) continue;
    problems.push_back({std::string(field.path),
                        "is not supported by this version: " + std::string(field.why),
                        "the default, or leave it out"});
  }
  return problems;
}

}  // namespace wp::pool
