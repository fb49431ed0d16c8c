#include "ctl/simulate/plot_svg.h"

#include <fmt/format.h>
#include <string_view>
#include <vector>

#include "ctl/simulate/timeline.h"

namespace wp::simulate {
namespace {

// In pixels.
constexpr int kLeft = 52;
constexpr int kChart = 880;
constexpr int kRight = 20;
constexpr int kBin = 2;
constexpr int kHead = 62;
constexpr int kTitle = 24;
constexpr int kWorkers = 96;
constexpr int kWaiting = 34;
constexpr int kBetween = 14;  // workers and what waits
constexpr int kGap = 20;
constexpr int kPanel = kTitle + kWorkers + kBetween + kWaiting + kGap;
constexpr int kFoot = 34;
constexpr int kWidth = kLeft + kChart + kRight;

constexpr std::string_view kStyle = R"(
  text { font: 12px system-ui, sans-serif; fill: #24292f; }
  .title { font-size: 15px; font-weight: 600; }
  .name { font-weight: 600; }
  .small { font-size: 11px; fill: #57606a; }
  .ground { fill: #ffffff; }
  .grid { stroke: #d0d7de; stroke-width: 1; }
  .load { fill: #afb8c1; }
  .workers { fill: none; stroke: #0969da; stroke-width: 1.6; }
  .waiting { fill: #d1570a; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .small { fill: #9198a1; }
    .ground { fill: #0d1117; }
    .grid { stroke: #30363d; }
    .load { fill: #4d5560; }
    .workers { stroke: #58a6ff; }
    .waiting { fill: #f0883e; }
  }
)";

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      default:
        // File names may hold what XML may not.
        out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
  }
  return out;
}

std::string text(int x, int y, std::string_view kind, std::string_view anchor,
                 std::string_view words) {
  return fmt::format("<text x=\"{}\" y=\"{}\" class=\"{}\" text-anchor=\"{}\">{}</text>\n", x, y,
                     kind, anchor, escaped(words));
}

// Steps over the bins, from the foot at the left to the foot at the right when `closed`.
std::string path(const std::vector<int>& values, int top, int height, int most, bool closed,
                 std::string_view kind) {
  const auto level = [&](int value) {
    return static_cast<double>(top + height) - static_cast<double>(height) * value / most;
  };
  std::string d = closed ? fmt::format("M{} {}V{:.1f}", kLeft, top + height, level(values[0]))
                         : fmt::format("M{} {:.1f}", kLeft, level(values[0]));
  for (std::size_t i = 1; i < values.size(); ++i) {
    if (values[i] == values[i - 1]) continue;
    d += fmt::format("H{}V{:.1f}", kLeft + static_cast<int>(i) * kBin, level(values[i]));
  }
  d += fmt::format("H{}", kLeft + kChart);
  if (closed) d += fmt::format("V{}Z", top + height);
  return fmt::format("<path class=\"{}\" d=\"{}\"/>\n", kind, d);
}

std::string grid_line(int x1, int y1, int x2, int y2) {
  return fmt::format("<line class=\"grid\" x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\"/>\n", x1, y1, x2,
                     y2);
}

std::string scale(int top, int height, int most) {
  std::string out = grid_line(kLeft, top, kLeft + kChart, top) +
                    grid_line(kLeft, top + height, kLeft + kChart, top + height) +
                    text(kLeft - 6, top + 4, "small", "end", std::to_string(most)) +
                    text(kLeft - 6, top + height + 4, "small", "end", "0");
  return out;
}

// Between the two lines of a scale, where there is room.
std::string middle(int top, int height, int most) {
  if (most < 2) return {};
  return grid_line(kLeft, top + height / 2, kLeft + kChart, top + height / 2) +
         text(kLeft - 6, top + height / 2 + 4, "small", "end", std::to_string(most / 2));
}

std::string legend() {
  constexpr int kY = 42;
  return fmt::format("<rect class=\"load\" x=\"{}\" y=\"{}\" width=\"22\" height=\"10\"/>\n", kLeft,
                     kY - 9) +
         text(kLeft + 28, kY, "", "start", "workers that the jobs need (the oracle's)") +
         fmt::format("<path class=\"workers\" d=\"M{} {}h22\"/>\n", kLeft + 290, kY - 4) +
         text(kLeft + 318, kY, "", "start", "workers, starting and draining ones included") +
         fmt::format("<rect class=\"waiting\" x=\"{}\" y=\"{}\" width=\"22\" height=\"10\"/>\n",
                     kLeft + 600, kY - 9) +
         text(kLeft + 628, kY, "", "start", "jobs that wait");
}

std::string panel(const Result& result, const Line& line, const Timeline& timeline, int top) {
  const Figures& f = result.figures;
  const int workers_top = top + kTitle;
  const int waiting_top = workers_top + kWorkers + kBetween;
  const int most_workers = round_up(timeline.most_workers);
  const int most_waiting = round_up(timeline.most_waiting);
  std::string figures = fmt::format(
      "cost {:.2f} × oracle, sojourn {:.2f} ×, wait p95 {:.1f} s, p99 {:.1f} s, {:.0f} workers "
      "started",
      f.cost, f.sojourn, f.p95, f.p99, f.started);
  if (f.interrupted > 0) figures += fmt::format(", {:.0f} jobs interrupted", f.interrupted);
  return text(kLeft, top + 15, "name", "start", result.name) +
         text(kLeft + kChart, top + 15, "small", "end", figures) +
         path(timeline.load.workers, workers_top, kWorkers, most_workers, true, "load") +
         scale(workers_top, kWorkers, most_workers) + middle(workers_top, kWorkers, most_workers) +
         path(line.workers, workers_top, kWorkers, most_workers, false, "workers") +
         scale(waiting_top, kWaiting, most_waiting) +
         path(line.waiting, waiting_top, kWaiting, most_waiting, true, "waiting");
}

std::string time_axis(Micros end, int bottom) {
  std::string out;
  const Micros distance = mark_distance(end, 12);
  for (Micros at{0}; at <= end; at += distance) {
    const int x = kLeft + static_cast<int>(at * kChart / end);
    out += grid_line(x, bottom, x, bottom + 5) +
           text(x, bottom + 19, "small", "middle", mark_text(at));
  }
  return out;
}

}  // namespace

std::string plot_svg(const std::string& title, const Comparison& comparison) {
  const Timeline timeline = timeline_of(comparison, kChart / kBin);
  const int panels = static_cast<int>(comparison.results.size());
  const int bottom = kHead + panels * kPanel - kGap;
  const int height = bottom + kFoot;
  std::string out = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" "
      "height=\"{1}\" role=\"img\">\n<title>{2}</title>\n<style>{3}</style>\n"
      "<rect class=\"ground\" width=\"{0}\" height=\"{1}\"/>\n",
      kWidth, height, escaped(title), kStyle);
  out += text(kLeft, 22, "title", "start", title) + legend();
  for (int i = 0; i < panels; ++i) {
    const auto index = static_cast<std::size_t>(i);
    out += panel(comparison.results[index], timeline.policies[index], timeline, kHead + i * kPanel);
  }
  return out + time_axis(timeline.end, bottom) + "</svg>\n";
}

}  // namespace wp::simulate
