#include "runner/handlers/json_text.h"

#include <algorithm>
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/trim.h"

namespace wp::runner {
namespace {

bool blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

// The end of the string that begins at `at`, of valid JSON.
std::size_t string_end(std::string_view json, std::size_t at) {
  for (++at; json[at] != '"'; ++at) {
    if (json[at] == '\\') ++at;
  }
  return at + 1;
}

std::size_t skip_blanks(std::string_view json, std::size_t at) {
  while (at < json.size() && blank(json[at])) ++at;
  return at;
}

// The end of the value that begins at `at`, of valid JSON.
std::size_t value_end(std::string_view json, std::size_t at) {
  std::size_t depth = 0;
  for (;;) {
    const char c = json[at];
    if (c == '"') {
      at = string_end(json, at);
    } else if (c == '{' || c == '[') {
      ++depth;
      ++at;
    } else if (c == '}' || c == ']') {
      --depth;
      ++at;
    } else if (c == ',' || c == ':' || blank(c)) {
      ++at;
      continue;
    } else {
      at = json.find_first_of(",]} \t\r\n", at);
      if (at == std::string_view::npos) at = json.size();
    }
    if (depth == 0) return at;
  }
}

}  // namespace

// The library takes a NUL for the end of the text, and passes by a byte order mark.
bool is_json(std::string_view text) {
  return text.find('\0') == std::string_view::npos && !text.starts_with("\xEF\xBB\xBF") &&
         nlohmann::json::accept(text);
}

std::string compact_json(std::string_view json) {
  std::string made;
  made.reserve(json.size());
  for (std::size_t at = 0; at < json.size();) {
    if (json[at] == '"') {
      const std::size_t end = string_end(json, at);
      made += json.substr(at, end - at);
      at = end;
    } else {
      if (!blank(json[at])) made += json[at];
      ++at;
    }
  }
  return made;
}

std::optional<std::vector<JsonMember>> json_members(std::string_view text) {
  text = trim(text);
  if (!text.starts_with('{') || !is_json(text)) return std::nullopt;
  std::vector<JsonMember> members;
  for (std::size_t at = skip_blanks(text, 1); text[at] != '}';) {
    const std::size_t name_end = string_end(text, at);
    std::string name = text_of_json(text.substr(at, name_end - at)).value_or("");
    const std::size_t begin = skip_blanks(text, skip_blanks(text, name_end) + 1);
    const std::size_t end = value_end(text, begin);
    members.push_back({std::move(name), text.substr(begin, end - begin)});
    at = skip_blanks(text, end);
    if (text[at] == ',') at = skip_blanks(text, at + 1);
  }
  return members;
}

std::size_t json_depth(std::string_view json) {
  std::size_t depth = 0;
  std::size_t deepest = 0;
  for (std::size_t at = 0; at < json.size();) {
    const char c = json[at];
    if (c == '{' || c == '[') deepest = std::max(deepest, ++depth);
    if (c == '}' || c == ']') --depth;
    at = c == '"' ? string_end(json, at) : at + 1;
  }
  return deepest;
}

std::string json_string(std::string_view text) {
  std::string made = "\"";
  made.reserve(text.size() + 2);
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      made += '\\';
      made += c;
    } else if (c == '\n') {
      made += "\\n";
    } else if (static_cast<unsigned char>(c) < 0x20) {
      made += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      made += c;
    }
  }
  return made += '"';
}

std::optional<std::string> text_of_json(std::string_view json) {
  json = trim(json);
  if (!json.starts_with('"') || !is_json(json)) return std::nullopt;
  if (json.find('\\') == std::string_view::npos)
    return std::string(json.substr(1, json.size() - 2));
  return nlohmann::json::parse(json).get<std::string>();
}

}  // namespace wp::runner
