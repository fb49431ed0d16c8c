// A page of docs/ in its parts, as tests look at them: what is fenced, tables by their heading,
// code spans. Pure but for reading the file. Throws std::runtime_error for what is not there.
#pragma once

#include <string>
#include <vector>

namespace wp::test {

struct FencedBlock {
  std::string language;
  int line = 0;  // of its first line in the page
  std::vector<std::string> lines;

  std::string text() const;
  /// The file that its first or second line names in a comment (`# a.py`, `// b.go: …`), or empty.
  std::string file_name() const;
};

class Page {
 public:
  /// `name`: docs/<name>.
  explicit Page(const std::string& name);
  /// For tests of what reads pages.
  static Page of_text(const std::string& text);

  const std::string& text() const { return text_; }
  std::vector<FencedBlock> blocks() const;
  /// The rows, cell by cell, of the first table behind that heading (`## http: an app beside`),
  /// without its head.
  std::vector<std::vector<std::string>> table(const std::string& heading) const;
  /// From that heading to the next one of any rank.
  std::string section(const std::string& heading) const;

 private:
  Page() = default;
  std::string text_;
};

/// What stands between single backticks.
std::vector<std::string> code_spans(const std::string& text);

}  // namespace wp::test
