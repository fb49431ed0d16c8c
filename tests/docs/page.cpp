#include "tests/docs/page.h"

#include <regex>
#include <sstream>
#include <stdexcept>

#include "tests/protocol/docs.h"

namespace wp::test {
namespace {

std::string trimmed(const std::string& text) {
  const std::size_t first = text.find_first_not_of(' ');
  return first == std::string::npos ? std::string()
                                    : text.substr(first, text.find_last_not_of(' ') - first + 1);
}

std::vector<std::string> cells_of(const std::string& row) {
  std::vector<std::string> cells;
  std::istringstream in(row.substr(1));
  for (std::string cell; std::getline(in, cell, '|');) cells.push_back(trimmed(cell));
  return cells;
}

}  // namespace

std::string FencedBlock::text() const {
  std::string all;
  for (const std::string& each : lines) all += each + "\n";
  return all;
}

std::string FencedBlock::file_name() const {
  static const std::regex comment(R"(^(?:#|//) ([A-Za-z0-9_]+\.(?:sh|py|js|go|yaml))(?:$|:| ).*)");
  for (std::size_t i = 0; i < lines.size() && i < 2; ++i) {
    std::smatch match;
    if (std::regex_match(lines[i], match, comment)) return match[1];
  }
  return {};
}

Page::Page(const std::string& name) : text_(docs_file(name)) {
  if (text_.empty()) throw std::runtime_error("docs/" + name + " is not there, or empty");
}

Page Page::of_text(const std::string& text) {
  Page page;
  page.text_ = text;
  return page;
}

std::vector<FencedBlock> Page::blocks() const {
  std::vector<FencedBlock> blocks;
  std::istringstream in(text_);
  bool inside = false;
  int number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (line.starts_with("```")) {
      inside = !inside;
      if (inside) blocks.push_back({line.substr(3), number + 1, {}});
    } else if (inside) {
      blocks.back().lines.push_back(line);
    }
  }
  if (inside) throw std::runtime_error("a block of the page has no end: " + blocks.back().text());
  return blocks;
}

std::string Page::section(const std::string& heading) const {
  const std::size_t begin = ("\n" + text_).find("\n" + heading + "\n");
  if (begin == std::string::npos) throw std::runtime_error("no heading: " + heading);
  std::istringstream in(text_.substr(begin));
  std::string section;
  bool fenced = false;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("```")) fenced = !fenced;
    if (!section.empty() && !fenced && line.starts_with('#')) break;
    section += line + "\n";
  }
  return section;
}

std::vector<std::vector<std::string>> Page::table(const std::string& heading) const {
  std::istringstream in(section(heading));
  std::vector<std::vector<std::string>> rows;
  bool begun = false;
  for (std::string line; std::getline(in, line);) {
    const bool row = line.starts_with('|');
    if (begun && !row) break;
    begun = row;
    if (row) rows.push_back(cells_of(line));
  }
  if (rows.size() < 3) throw std::runtime_error("no table behind: " + heading);
  rows.erase(rows.begin(), rows.begin() + 2);  // its head, and the line under it
  return rows;
}

std::vector<std::string> code_spans(const std::string& text) {
  std::vector<std::string> spans;
  for (std::size_t begin = text.find('`'); begin != std::string::npos;
       begin = text.find('`', begin)) {
    const std::size_t end = text.find('`', begin + 1);
    if (end == std::string::npos) break;
    if (end > begin + 1) spans.push_back(text.substr(begin + 1, end - begin - 1));
    begin = end + 1;
  }
  return spans;
}

}  // namespace wp::test
