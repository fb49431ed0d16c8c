// What a handler writes: progress lines, and the kept beginning and end of its output.
#include <vector>

#include <nlohmann/json.hpp>

#include "runner/handlers/streams.h"
#include "tests/fuzz/pieces.h"
#include "tests/fuzz/require.h"

using namespace wp;
using fuzz::require;

namespace {

constexpr std::size_t kLongest = 4096;  // of a line that counts
constexpr std::size_t kMaxMessage = 200;

// A byte of 0xFF becomes a long run, so that short inputs reach the bound of a line.
std::string with_runs(std::string_view stream) {
  std::string out;
  int runs = 0;
  for (const char c : stream) {
    if (c == '\xff' && ++runs <= 16) {
      out.append(1023, 'x');
    } else {
      out += c;
    }
  }
  return out;
}

std::vector<std::string> lines_of(std::string_view stream) {
  std::vector<std::string> lines;
  for (std::size_t end = 0; (end = stream.find('\n')) != std::string_view::npos;) {
    if (end <= kLongest) lines.emplace_back(stream.substr(0, end));
    stream.remove_prefix(end + 1);
  }
  return lines;
}

void drain(runner::LineBuffer& buffer, std::vector<std::string>& lines) {
  while (auto line = buffer.next()) lines.push_back(std::move(*line));
}

void check_lines(const fuzz::Pieces& pieces) {
  runner::LineBuffer buffer;
  std::vector<std::string> lines;
  pieces.each([&](std::string_view piece) {
    buffer.add(piece);
    drain(buffer, lines);
  });
  require(lines == lines_of(pieces.stream()), "lines do not depend on the pieces they come in");

  runner::LineBuffer at_once;
  std::vector<std::string> same;
  pieces.each([&](std::string_view piece) { at_once.add(piece); });
  drain(at_once, same);
  require(lines == same, "nor on when they are fetched");
}

void check_progress(std::string_view line) {
  const auto progress = runner::parse_progress(line);
  if (!progress) return;
  require(progress->percent >= 0 && progress->percent <= 100, "a percentage");
  require(progress->message.size() <= kMaxMessage, "a message is cut");
  // Throws when a character is torn.
  (void)nlohmann::json(progress->message).dump();
}

void check_ends(const fuzz::Pieces& pieces, std::size_t limit) {
  const std::string& all = pieces.stream();
  runner::HeadBuffer head(limit);
  runner::TailBuffer tail(limit);
  pieces.each([&](std::string_view piece) {
    head.add(piece);
    tail.add(piece);
  });
  require(head.overflowed() == (all.size() > limit), "overflow is told");
  require(head.take() == all.substr(0, limit), "the head is the beginning");
  require(tail.take() == all.substr(all.size() - std::min(limit, all.size())),
          "the tail is the end");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  fuzz::Pieces pieces(input);
  check_progress(pieces.stream());
  for (const std::string& line : lines_of(pieces.stream())) check_progress(line);
  check_ends(pieces, input.empty() ? 0 : static_cast<unsigned char>(input.back()));
  pieces.replace_stream(with_runs(pieces.stream()));
  check_lines(pieces);
  return 0;
}
