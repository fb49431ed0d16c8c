#include <algorithm>
#include <doctest/doctest.h>
#include <regex>
#include <sstream>

#include "ctl/simulate/plot_svg.h"
#include "ctl/simulate/plot_text.h"
#include "ctl/simulate/timeline.h"
#include "tests/ctl/simulate/support.h"

using namespace wp;
using namespace wp::simulate;

namespace {

Comparison small_comparison() {
  const Load load = load_of({{10, 20}, {11, 20}, {12, 20}, {13, 5}});
  return compare(load,
                 {{"SlotPerJob", params_of(scaling::Policy::slot_per_job), false},
                  {"HPA-like", params_of(scaling::Policy::slot_per_job), true}},
                 {}, 1);
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

int count_of(const std::string& text, const std::string& what) {
  int count = 0;
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) {
    ++count;
  }
  return count;
}

// Every tag that is opened is closed, in order: as much of XML as the document uses.
std::string unbalanced(const std::string& xml) {
  static const std::regex kTag(R"(<(/?)([a-z]+)((?:\s+[A-Za-z0-9-]+="[^"<>]*")*)\s*(/?)>)");
  std::vector<std::string> open;
  std::size_t tags = 0;
  for (std::sregex_iterator it(xml.begin(), xml.end(), kTag), end; it != end; ++it) {
    ++tags;
    if ((*it)[1] == "/") {
      if (open.empty() || open.back() != (*it)[2]) return "closes " + (*it)[2].str();
      open.pop_back();
    } else if ((*it)[4] != "/") {
      open.push_back((*it)[2]);
    }
  }
  if (!open.empty()) return "leaves open " + open.back();
  // What looks like a tag and is none would be missing above.
  if (tags != static_cast<std::size_t>(std::count(xml.begin(), xml.end(), '<'))) return "a stray <";
  return {};
}

}  // namespace

TEST_CASE("bins show the most of their time, and nothing behind the end") {
  Comparison comparison = small_comparison();
  const Timeline timeline = timeline_of(comparison, 50);
  REQUIRE(timeline.policies.size() == 2);
  REQUIRE(timeline.load.workers.size() == 50);
  CHECK(*std::max_element(timeline.load.workers.begin(), timeline.load.workers.end()) == 4);
  CHECK(timeline.load.workers.front() == 0);
  CHECK(timeline.load.workers.back() == 0);
  CHECK(timeline.most_workers >= 4);
  CHECK(timeline.most_waiting >= 1);
  // The HPA's last worker leaves 300 s after the last job at the earliest.
  CHECK(timeline.end > std::chrono::seconds{330});
  CHECK(timeline.policies[1].workers.back() > 0);
  CHECK(timeline.policies[0].workers.back() == 0);
  // More bins than snapshots leave no holes.
  const Timeline fine = timeline_of(comparison, 5000);
  const auto& workers = fine.policies[1].workers;
  const auto first = std::find_if(workers.begin(), workers.end(), [](int n) { return n > 0; });
  CHECK(std::find(first, workers.end(), 0) >= workers.end() - 50);
}

TEST_CASE("round numbers and marks") {
  CHECK(round_up(1) == 1);
  CHECK(round_up(3) == 4);
  CHECK(round_up(9) == 10);
  CHECK(round_up(10) == 10);
  CHECK(round_up(61) == 80);
  CHECK(round_up(2'000'000'000) == 2'000'000'000);
  CHECK(mark_distance(std::chrono::minutes{60}, 6) == std::chrono::minutes{10});
  CHECK(mark_distance(std::chrono::seconds{5}, 6) == std::chrono::seconds{1});
  CHECK(mark_distance(std::chrono::hours{24 * 31}, 6) == std::chrono::hours{24 * 7});
  CHECK(mark_text(Micros{0}) == "0");
  CHECK(mark_text(std::chrono::minutes{90}) == "1h30m");
}

TEST_CASE("the terminal's plot: two rows of workers and one of what waits, on common scales") {
  const std::vector<std::string> lines = lines_of(plot_text(small_comparison()));
  REQUIRE(lines.size() == 2 + 2 * 3 + 1);
  CHECK(lines[1].starts_with("load "));
  CHECK(lines[1].ends_with("peak 4"));
  CHECK(lines[3].starts_with("SlotPerJob "));
  CHECK(lines[4].starts_with("  waiting "));
  CHECK(lines[6].starts_with("HPA-like "));
  CHECK(lines[8].find("|0") != std::string::npos);
  CHECK(lines[1].find("█") != std::string::npos);
  for (const std::string& line : lines) {
    CAPTURE(line);
    CHECK_FALSE(line.ends_with(' '));
    const auto columns = std::count_if(line.begin(), line.end(), [](char c) {
      return (static_cast<unsigned char>(c) & 0xC0U) != 0x80;
    });
    CHECK(columns <= 100);
  }
}

TEST_CASE("the SVG is a whole document with a legend, a panel for each policy, and two grounds") {
  const std::string svg = plot_svg("a <load> & \"more\"\x01", small_comparison());
  CHECK(unbalanced(svg) == "");
  CHECK(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\""));
  CHECK(svg.ends_with("</svg>\n"));
  CHECK(svg.find("<title>a &lt;load&gt; &amp; ") != std::string::npos);
  CHECK(svg.find('\x01') == std::string::npos);
  CHECK(svg.find("prefers-color-scheme: dark") != std::string::npos);
  for (const char* words :
       {"SlotPerJob", "HPA-like", "jobs that wait", "starting and draining", "× oracle"}) {
    CAPTURE(words);
    CHECK(svg.find(words) != std::string::npos);
  }
  // In each panel: the load, the workers, what waits; and one of each in the legend.
  CHECK(count_of(svg, "<path class=\"load\"") == 2);
  CHECK(count_of(svg, "<path class=\"workers\"") == 2 + 1);
  CHECK(count_of(svg, "<path class=\"waiting\"") == 2);
  CHECK(svg.find("nan") == std::string::npos);
  CHECK(svg.find("inf") == std::string::npos);
  CHECK(svg.find("H-") == std::string::npos);
}
