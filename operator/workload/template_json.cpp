#include "operator/workload/template_json.h"

namespace wp::workload {
namespace {

using Json = nlohmann::json;

Json* field(Json& object, const char* key, const Json& empty) {
  if (!has(object, key)) object[key] = empty;
  Json& value = object[key];
  return value.type() == empty.type() ? &value : nullptr;
}

}  // namespace

bool has(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && !found->is_null();
}

Json* object_field(Json& object, const char* key) {
  return field(object, key, Json::object());
}

Json* list_field(Json& object, const char* key) {
  return field(object, key, Json::array());
}

bool is_named(const Json& entry, const std::string& name) {
  return entry.is_object() && entry.value("name", Json()) == name;
}

Json* find_named(Json& list, const std::string& name) {
  if (!list.is_array()) return nullptr;
  for (Json& entry : list) {
    if (is_named(entry, name)) return &entry;
  }
  return nullptr;
}

const Json* find_named(const Json& list, const std::string& name) {
  if (!list.is_array()) return nullptr;
  for (const Json& entry : list) {
    if (is_named(entry, name)) return &entry;
  }
  return nullptr;
}

Json text_variable(const std::string& name, const std::string& value) {
  std::string escaped;
  escaped.reserve(value.size());
  for (const char c : value) escaped.append(c == '$' ? 2 : 1, c);
  return {{"name", name}, {"value", std::move(escaped)}};
}

}  // namespace wp::workload
