// JSON as the payload schemas need it: read strictly, compared exactly, shown in a message on one
// short line. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace wp {

struct NotJson {
  std::string why;
};

/// What all JSON readers agree upon: no byte order mark, no NUL, no member twice, no number that is
/// beyond a double. Throws NotJson.
nlohmann::json read_json(std::string_view text, std::size_t max_bytes, int max_depth);

/// 2.0 is one.
bool is_integer(const nlohmann::json& number);
/// Exact for every number that was read.
long double number_of(const nlohmann::json& number);
/// 1 and 1.0 are equal. Takes what it costs from `steps`; as deep as the values are both.
bool are_equal(const nlohmann::json& a, const nlohmann::json& b, std::int64_t& steps);

/// In ASCII, and at most 60 bytes; never the parts of a structure.
std::string shown(const nlohmann::json& value);
/// The step of a JSON pointer to this member: with its /, printable and short.
std::string step_to(std::string_view key);

}  // namespace wp
