// JSON documents as text: looked at and passed on without a tree, so that no number loses digits
// and no nesting is too deep for a stack. Pure; throws nothing but std::bad_alloc.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace wp::runner {

/// Whether the text is one JSON document (RFC 8259, in UTF-8), whatever is around it in blanks.
bool is_json(std::string_view text);

/// The document on one line, without blanks between its tokens. `json` is one.
std::string compact_json(std::string_view json);

/// A member of an object: its name, and its value as it stands there.
struct JsonMember {
  std::string name;
  std::string_view value;
};
/// Absent when the text is no JSON object. The values point into `text`.
std::optional<std::vector<JsonMember>> json_members(std::string_view text);

/// How deep arrays and objects lie in each other; 0 for a plain value. `json` is a document.
std::size_t json_depth(std::string_view json);

/// A JSON string of text that is UTF-8.
std::string json_string(std::string_view text);
/// The text of a JSON string; absent when the document is something else.
std::optional<std::string> text_of_json(std::string_view json);

}  // namespace wp::runner
