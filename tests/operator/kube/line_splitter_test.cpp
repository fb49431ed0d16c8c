#include "operator/kube/line_splitter.h"

#include <doctest/doctest.h>
#include <vector>

namespace wp::kube {
namespace {

TEST_CASE("lines come whole however the stream is cut, UTF-8 included") {
  const std::string stream = "{\"name\":\"größe €\"}\n\n{\"b\":2}\nrest";
  for (std::size_t size = 1; size <= stream.size(); ++size) {
    LineSplitter lines;
    std::vector<std::string> got;
    for (std::size_t at = 0; at < stream.size(); at += size) {
      const auto fed = lines.feed(std::string_view(stream).substr(at, size), [&](auto line) {
        got.emplace_back(line);
        return true;
      });
      CHECK(fed == LineSplitter::Fed::more);
    }
    CHECK(got == std::vector<std::string>{"{\"name\":\"größe €\"}", "{\"b\":2}"});
    CHECK(lines.mid_line());
  }
}

TEST_CASE("a line beyond the bound is refused, whether it has ended or not") {
  const auto keep = [](std::string_view) { return true; };
  LineSplitter exact(4);
  CHECK(exact.feed("1234\n", keep) == LineSplitter::Fed::more);
  LineSplitter ended(4);
  CHECK(ended.feed("12345\n", keep) == LineSplitter::Fed::too_long);
  LineSplitter pieces(4);
  CHECK(pieces.feed("123", keep) == LineSplitter::Fed::more);
  CHECK(pieces.feed("45", keep) == LineSplitter::Fed::too_long);
}

TEST_CASE("the receiver may end it") {
  LineSplitter lines;
  int count = 0;
  const auto fed = lines.feed("a\nb\nc\n", [&](std::string_view) { return ++count < 2; });
  CHECK(fed == LineSplitter::Fed::ended);
  CHECK(count == 2);
}

}  // namespace
}  // namespace wp::kube
