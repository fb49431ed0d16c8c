// Replaces every occurrence in a text: what tests make of pages, samples and queries.
#pragma once

#include <string>

namespace wp::test {

inline void replace_all(std::string& text, const std::string& what, const std::string& by) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += by.size()) {
    text.replace(at, what.size(), by);
  }
}

}  // namespace wp::test
