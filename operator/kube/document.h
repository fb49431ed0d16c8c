// Reading the parts of API documents that every kind has, from JSON that others wrote: a missing or
// wrongly typed field is an empty value, never an exception. Pure.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "operator/kube/error.h"

namespace wp::kube {

/// A text at metadata.NAME; empty when absent.
std::string metadata_text(const nlohmann::json& object, const char* name);

/// metadata.continue of a list; empty on its last page.
std::string continue_token(const nlohmann::json& list);

/// "namespace/name" of an object; empty when it has no name.
std::string key_of(const nlohmann::json& object);

/// A `Status` document (the body of an error, or the object of an ERROR event of a watch).
KubeError::Status parse_status(const nlohmann::json& status);

}  // namespace wp::kube
