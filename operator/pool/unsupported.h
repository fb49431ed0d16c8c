// What the resource can say and this version does not do yet. Such a field is refused with a clear
// line when it is set to anything but its default: a field that is silently ignored is a promise
// broken. One table: a behaviour that arrives deletes its rows. Pure; any thread.
#pragma once

#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "operator/pool/parse.h"

namespace wp::pool {

struct UnsupportedField {
  std::string_view path;     // spec.scaling.ramp
  std::string_view allowed;  // JSON values that are supported, separated by '|'; "": only absent
  std::string_view why;      // what the user meets, and what to do meanwhile
};

const std::vector<UnsupportedField>& unsupported_fields();

/// One problem per field of `object` that is set to something unsupported.
std::vector<SpecProblem> find_unsupported(const nlohmann::json& object);

}  // namespace wp::pool
