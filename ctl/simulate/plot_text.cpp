#include "ctl/simulate/plot_text.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

#include "ctl/simulate/timeline.h"

namespace wp::simulate {
namespace {

constexpr std::size_t kColumns = 64;
constexpr std::size_t kLabel = 12;
constexpr int kRows = 2;  // of the workers' blocks

// The rows of a chart, the highest first; each block has eight levels.
std::vector<std::string> blocks(const std::vector<int>& values, int most, int rows) {
  constexpr std::array<const char*, 9> kLevels = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  std::vector<std::string> out;
  for (int row = rows - 1; row >= 0; --row) {
    std::string line;
    for (const int value : values) {
      const std::int64_t scaled = std::int64_t{value} * rows * 8 / most;
      // What is there is seen, however little.
      const std::int64_t height = value > 0 ? std::max<std::int64_t>(1, scaled) : 0;
      line += kLevels[static_cast<std::size_t>(std::clamp<std::int64_t>(height - row * 8, 0, 8))];
    }
    out.push_back(std::move(line));
  }
  return out;
}

std::string without_trailing_blanks(std::string line) {
  line.resize(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

std::string chart(const std::string& name, const std::vector<int>& values, int most, int rows,
                  const std::string& what) {
  std::string out;
  const std::vector<std::string> lines = blocks(values, most, rows);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const bool last = i + 1 == lines.size();
    const int peak = *std::max_element(values.begin(), values.end());
    out += without_trailing_blanks(fmt::format("{:<{}} {}{}", last ? name : "", kLabel, lines[i],
                                               last ? fmt::format("  {} {}", what, peak) : ""));
  }
  return out;
}

std::string axis(Micros end) {
  std::string line(kLabel + 1 + kColumns, ' ');
  const Micros distance = mark_distance(end, 6);
  for (Micros at{0}; at <= end; at += distance) {
    const auto column = kLabel + 1 + static_cast<std::size_t>(at * kColumns / end);
    const std::string text = "|" + mark_text(at);
    if (column + text.size() <= line.size()) line.replace(column, text.size(), text);
  }
  return without_trailing_blanks(std::move(line));
}

}  // namespace

std::string plot_text(const Comparison& comparison) {
  const Timeline timeline = timeline_of(comparison, kColumns);
  const int most = timeline.most_workers;
  std::string out = chart("load", timeline.load.workers, most, kRows, "peak");
  for (const Line& line : timeline.policies) {
    out += chart(line.name, line.workers, most, kRows, "peak");
    out += chart("  waiting", line.waiting, timeline.most_waiting, 1, "most");
  }
  return out + axis(timeline.end);
}

}  // namespace wp::simulate
