// A schema as it is kept, made by parser.cpp and asked by check.cpp. Pure data.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/schema/pattern.h"
#include "base/schema/schema.h"

namespace wp {

struct SchemaType {
  std::string_view word;   // of the keyword
  std::string_view shown;  // in a message
};
inline constexpr std::array<SchemaType, 7> kSchemaTypes = {{{"null", "null"},
                                                            {"boolean", "true or false"},
                                                            {"integer", "an integer"},
                                                            {"number", "a number"},
                                                            {"string", "a string"},
                                                            {"array", "an array"},
                                                            {"object", "an object"}}};

struct Schema::Node {
  unsigned types = 0;  // bits by the place in kSchemaTypes; 0: any
  std::optional<std::vector<nlohmann::json>> values;
  std::vector<std::string> required;
  std::map<std::string, std::unique_ptr<const Node>> properties;
  bool closed = false;  // no other properties
  std::unique_ptr<const Node> items;
  std::optional<nlohmann::json> minimum, maximum;
  std::optional<std::uint64_t> min_length, max_length, min_items, max_items;
  std::optional<Pattern> pattern;
};

}  // namespace wp
