// Text without the blanks around it. Pure.
#pragma once

#include <string_view>

namespace wp {

/// `text` without these at its ends, by default what JSON calls white space; a view into it.
inline std::string_view trim(std::string_view text, std::string_view blanks = " \t\r\n") {
  const std::size_t first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

}  // namespace wp
