// YAML text → nlohmann::json, so that everything behind reads one kind of value. Plain scalars are
// typed by the YAML 1.2 core schema (so `no` and `08:30` are strings); a quoted scalar stays a
// string. Aliases are expanded within the bounds. Refused, as one can't say what was meant: a key
// that stands twice, a merge key (<<, gone from YAML 1.2), .inf and .nan. Pure; any thread.
#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

namespace wp::pool {

/// The message says what is wrong, with the line.
class YamlError : public std::runtime_error {
 public:
  YamlError(const std::string& what, int line)
      : std::runtime_error("line " + std::to_string(line) + ": " + what), line_(line) {}
  int line() const { return line_; }  // from 1

 private:
  int line_;
};

struct YamlBounds {
  std::size_t bytes = 4 * 1024 * 1024;  // of the text
  int depth = 64;                       // of nested lists and maps
  std::size_t values = 200000;          // after aliases are expanded
};

/// Every document of the stream, empty ones left out. Throws YamlError.
std::vector<nlohmann::json> yaml_documents(std::string_view text, const YamlBounds& bounds = {});

/// The only document. Throws YamlError when there are more, or none.
nlohmann::json yaml_document(std::string_view text, const YamlBounds& bounds = {});

}  // namespace wp::pool
