#include "ctl/lines.h"

#include <doctest/doctest.h>
#include <vector>

#include "ctl/exit.h"
#include "tests/ctl/run.h"

using namespace wp;
using namespace wp::ctl;

namespace {

std::vector<std::string> all(LineReader& reader) {
  std::vector<std::string> lines;
  for (std::string line; reader.next(line);) {
    lines.push_back(line);
    CHECK(reader.number() == static_cast<std::int64_t>(lines.size()));
  }
  return lines;
}

}  // namespace

TEST_CASE("lines with and without a last newline, empty ones, none") {
  const test::TempFolder folder;
  using Lines = std::vector<std::string>;
  for (const auto& [text, lines] : {std::pair<std::string, Lines>{"", {}},
                                    {"\n", {""}},
                                    {"a", {"a"}},
                                    {"a\n", {"a"}},
                                    {"a\n\nb\r\n c", {"a", "", "b\r", " c"}}}) {
    LineReader reader(folder.file("f", text));
    CHECK(reader.rewindable());
    CHECK(all(reader) == lines);
    reader.rewind();
    CHECK(all(reader) == lines);
    CHECK(reader.ready(Millis{0}));
  }
}

TEST_CASE("lines across the reader's chunks keep their bytes") {
  const test::TempFolder folder;
  std::string text;
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < 3000; ++i) {
    lines.push_back(std::string(i % 977, static_cast<char>('a' + i % 26)));
    text += lines.back() + "\n";
  }
  LineReader reader(folder.file("f", text));
  CHECK(all(reader) == lines);
}

TEST_CASE("a line beyond the bound is cut behind it, not read into memory") {
  const test::TempFolder folder;
  LineReader reader(folder.file("f", std::string(kMaxLineBytes * 3, 'x')));
  std::string line;
  REQUIRE(reader.next(line));
  CHECK(line.size() == kMaxLineBytes + 1);
}

TEST_CASE("what can't be read is named") {
  const test::TempFolder folder;
  for (const std::string& path : {folder.path() + "/none", folder.path()}) {
    try {
      const LineReader reader(path);
      FAIL("opened");
    } catch (const CommandError& e) {
      CHECK(e.code() == kError);
      CHECK(std::string(e.what()).starts_with(path + ": "));
    }
  }
}
