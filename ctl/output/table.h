// Columns for a terminal: aligned, two blanks between them, "-" for what is absent. Text that
// others wrote can't break the layout nor reach the terminal as a control sequence. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace wp::ctl {

enum class Align { left, right };

struct Column {
  std::string title;
  Align align = Align::left;
};

class Table {
 public:
  /// Without any title there is no header line: for lists of names and values.
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  /// Missing and empty cells are shown as "-"; cells beyond the columns are dropped.
  void row(std::vector<std::string> cells);

  /// Lines without trailing blanks, each with its newline.
  std::string text() const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

/// A number's cell, empty without one.
inline std::string cell(const std::optional<std::int64_t>& value) {
  return value ? std::to_string(*value) : std::string();
}

/// One line of printable text: control characters and broken UTF-8 become \n, \t, \xNN.
std::string printable(std::string_view text);

}  // namespace wp::ctl
