#include "runner/handlers/printable.h"

#include <algorithm>
#include <fmt/format.h>

#include "base/trim.h"

namespace wp::runner {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

// The length of the well-formed character at the front, 0 when there is none (Unicode, table 3-7).
std::size_t character_length(std::string_view text) {
  const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t length = lead < 0xC2   ? 0
                             : lead < 0xE0 ? 2
                             : lead < 0xF0 ? 3
                             : lead < 0xF5 ? 4
                                           : 0;
  if (length == 0 || length > text.size()) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  const unsigned char low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  const unsigned char high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  return byte(1) < low || byte(1) > high ? 0 : length;
}

// C0, DEL and the C1 controls.
bool is_control(std::string_view character) {
  const auto first = static_cast<unsigned char>(character[0]);
  if (character.size() == 1) return first < 0x20 || first == 0x7F;
  return first == 0xC2 && static_cast<unsigned char>(character[1]) < 0xA0;
}

std::string make_printable(std::string_view bytes, std::size_t limit, std::string_view kept) {
  bytes = trim(bytes);
  std::string made;
  while (!bytes.empty()) {
    const std::size_t length = character_length(bytes);
    std::string_view character = length == 0 ? kReplacement : bytes.substr(0, length);
    if (is_control(character) && kept.find(character) == std::string_view::npos) character = " ";
    if (made.size() + character.size() > limit) break;
    made += character;
    bytes.remove_prefix(length == 0 ? 1 : length);
  }
  return made;
}

}  // namespace

bool is_utf8(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t length = character_length(bytes);
    if (length == 0) return false;
    bytes.remove_prefix(length);
  }
  return true;
}

std::string printable(std::string_view bytes, std::size_t limit) {
  return make_printable(bytes, limit, "\t\n");
}

std::string printable_line(std::string_view bytes, std::size_t limit) {
  return make_printable(bytes, limit, {});
}

std::string escaped(std::string_view bytes, std::size_t limit) {
  std::string made;
  while (!bytes.empty()) {
    const std::size_t length = character_length(bytes);
    std::string shown(bytes.substr(0, std::max<std::size_t>(1, length)));
    const std::size_t used = shown.size();
    if (shown == "\n") {
      shown = "\\n";
    } else if (shown == "\t") {
      shown = "\\t";
    } else if (length == 0 || is_control(shown)) {
      std::string codes;
      for (const char c : shown) codes += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
      shown = std::move(codes);
    }
    if (made.size() + shown.size() > limit) return made + "…";
    made += shown;
    bytes.remove_prefix(used);
  }
  return made;
}

}  // namespace wp::runner
