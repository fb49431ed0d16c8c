// The texts of docs/ as tests use them.
#pragma once

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace wp::test {

inline std::string docs_folder() {
  const char* const source = std::getenv("WORKERPOOL_SOURCE");
  if (source == nullptr) throw std::runtime_error("WORKERPOOL_SOURCE: run it by ctest");
  return std::string(source) + "/docs";
}

inline std::string docs_file(const std::string& name) {
  std::ifstream in(docs_folder() + "/" + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// The fenced blocks of a language in docs/protocol.md, in order.
inline std::vector<std::string> fenced(const std::string& language) {
  std::istringstream lines(docs_file("protocol.md"));
  std::vector<std::string> blocks;
  bool inside = false;
  for (std::string line; std::getline(lines, line);) {
    if (!inside && line == "```" + language) {
      inside = true;
      blocks.emplace_back();
    } else if (inside && line == "```") {
      inside = false;
    } else if (inside) {
      blocks.back() += line + "\n";
    }
  }
  return blocks;
}

}  // namespace wp::test
