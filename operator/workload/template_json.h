// Small steps on a pod template as JSON, which its user wrote and which may be of any shape: what
// is of a wrong type is left alone, as the API server names it better than we could. Pure.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

namespace wp::workload {

/// True when the object has the field, and not as null.
bool has(const nlohmann::json& object, const char* key);

/// The field, made when it is absent. Nothing when it is of another type.
nlohmann::json* object_field(nlohmann::json& object, const char* key);
nlohmann::json* list_field(nlohmann::json& object, const char* key);

bool is_named(const nlohmann::json& entry, const std::string& name);

/// The entry of this name, else nothing; also when `list` is no list.
nlohmann::json* find_named(nlohmann::json& list, const std::string& name);
const nlohmann::json* find_named(const nlohmann::json& list, const std::string& name);

/// An environment variable whose value is this text as it stands: Kubernetes puts other variables
/// into $(NAME), and takes $$ for $.
nlohmann::json text_variable(const std::string& name, const std::string& value);

}  // namespace wp::workload
