// docs/scaling.md against the program: its commands are run, its tables computed anew. Figures may
// differ by a little: another machine's logarithm may round another way.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <sstream>

#include "ctl/simulate/generate.h"
#include "ctl/simulate/plan.h"
#include "tests/ctl/run.h"
#include "tests/ctl/simulate/support.h"

using namespace wp;
using namespace wp::simulate;

namespace {

constexpr int kRuns = 2;

std::string source_file(const std::string& name) {
  const char* const source = std::getenv("WORKERPOOL_SOURCE");
  REQUIRE(source != nullptr);
  std::ifstream in(std::string(source) + "/" + name);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<std::string> words_of(const std::string& line) {
  std::istringstream in(line);
  return {std::istream_iterator<std::string>(in), {}};
}

std::optional<double> number_of(std::string word) {
  // A true minus, as tables are set.
  if (word.starts_with("−")) word = "-" + word.substr(std::string("−").size());
  while (!word.empty() && (word.back() == ',' || word.back() == '%')) word.pop_back();
  char* end = nullptr;
  const double value = std::strtod(word.c_str(), &end);
  return !word.empty() && *end == '\0' ? std::optional(value) : std::nullopt;
}

// Word by word; numbers within 3 % or so much.
bool same(const std::string& a, const std::string& b, double slack) {
  const auto left = words_of(a);
  const auto right = words_of(b);
  return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                    [&](const std::string& x, const std::string& y) {
                      const auto m = number_of(x);
                      const auto n = number_of(y);
                      if (!m || !n) return x == y;
                      return std::abs(*m - *n) <= std::max(slack, 0.03 * std::abs(*n));
                    });
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

// What these flags come to, by the program's own options.
Comparison run(const std::string& flags) {
  Request request;
  Options options("workerpoolctl", "");
  declare(options.command("simulate", ""), request);
  std::vector<std::string> words = words_of("workerpoolctl simulate " + flags);
  std::vector<const char*> argv;
  for (const std::string& word : words) argv.push_back(word.c_str());
  REQUIRE(options.parse(static_cast<int>(argv.size()), argv.data()) == Parsed::run);
  std::set<std::string> given;
  for (const ResolvedSetting& setting : options.resolved()) {
    if (setting.source != "default") given.insert(setting.name);
  }
  const Plan p = plan(request, given);
  return compare(p.load, p.candidates, p.surroundings, kRuns);
}

struct Knob {
  double cost = 1;  // geometric mean over the loads
  double p95 = 0;
  double p99 = 0;
  double starts = 0;
};

Knob knob(const std::string& flags) {
  Knob knob;
  const auto loads = static_cast<double>(shape_names().size());
  for (const std::string& shape : shape_names()) {
    const Figures f = run("--policy LookAhead --load " + shape + " " + flags).results[0].figures;
    knob.cost *= std::pow(f.cost, 1 / loads);
    knob.p95 += f.p95 / loads;
    knob.p99 += f.p99 / loads;
    knob.starts += f.started;
  }
  return knob;
}

std::vector<std::string> texts_of(const std::string& svg) {
  static const std::regex kText(R"(<text[^>]*>([^<]*)</text>)");
  std::vector<std::string> texts;
  for (std::sregex_iterator it(svg.begin(), svg.end(), kText), end; it != end; ++it) {
    texts.push_back((*it)[1]);
  }
  return texts;
}

}  // namespace

TEST_CASE("docs/scaling.md: every command prints what the page shows") {
  int commands = 0;
  const test::TempFolder folder;
  const std::vector<std::string> lines = lines_of(source_file("docs/scaling.md"));
  for (auto line = lines.begin(); line != lines.end(); ++line) {
    const std::string prompt = "$ workerpoolctl ";
    if (!line->starts_with(prompt)) continue;
    ++commands;
    CAPTURE(*line);
    auto words = words_of(line->substr(prompt.size()));
    const bool plots = words.back() == "docs/scaling.svg";
    if (plots) words.back() = folder.path() + "/scaling.svg";
    const test::Ran ran = test::run_ctl(words);
    REQUIRE(ran.exit == 0);
    if (plots) {
      std::ifstream in(words.back());
      const auto made = texts_of({std::istreambuf_iterator<char>(in), {}});
      const auto shown = texts_of(source_file("docs/scaling.svg"));
      CHECK(made.size() > 20);
      REQUIRE(made.size() == shown.size());
      for (std::size_t i = 0; i < made.size(); ++i) {
        CAPTURE(made[i]);
        CAPTURE(shown[i]);
        CHECK(same(shown[i], made[i], 0.2));
      }
      continue;
    }
    for (const std::string& printed : lines_of(ran.out)) {
      ++line;
      CAPTURE(printed);
      CHECK(same(*line, printed, 0.2));
    }
    CHECK(*(line + 1) == "```");
  }
  CHECK(commands == 2);
}

TEST_CASE("docs/scaling.md: the policies' products") {
  static const std::regex kRow(
      R"(\| `(--load [^`]+)`[^|]*\| ([0-9.]+) \| ([0-9.]+) \| ([0-9.]+) \| ([0-9.]+) \|)");
  int rows = 0;
  for (const std::string& line : lines_of(source_file("docs/scaling.md"))) {
    std::smatch match;
    if (!std::regex_match(line, match, kRow)) continue;
    ++rows;
    CAPTURE(line);
    const Comparison comparison = run(match[1]);
    REQUIRE(comparison.results.size() == 4);
    for (std::size_t i = 0; i < 4; ++i) {
      const double product = comparison.results[i].figures.product();
      CAPTURE(product);
      CHECK(same(match[i + 2], fmt::format("{:.2f}", product), 0.02));
    }
  }
  CHECK(rows == 7);
}

TEST_CASE("docs/scaling.md: what each knob costs") {
  static const std::regex kRow(
      R"(\| (defaults|`--(?!load )[^`]+`) \| ([^|]+) \| ([0-9.]+) \| ([0-9.]+) \| ([^|]+) \|)");
  std::optional<Knob> usual;
  int rows = 0;
  for (const std::string& line : lines_of(source_file("docs/scaling.md"))) {
    std::smatch match;
    if (!std::regex_match(line, match, kRow)) continue;
    ++rows;
    std::string flags = match[1];
    std::erase(flags, '`');
    const Knob k = knob(flags == "defaults" ? "" : flags);
    const std::string computed =
        usual ? fmt::format("{:.0f} % {:.1f} {:.1f} {:.0f} %", 100 * (k.cost / usual->cost - 1),
                            k.p95, k.p99, 100 * (k.starts / usual->starts - 1))
              : fmt::format("{:.2f} × oracle {:.1f} {:.1f} {:.0f}", k.cost, k.p95, k.p99, k.starts);
    const std::string shown =
        fmt::format("{} {} {} {}", match[2].str(), match[3].str(), match[4].str(), match[5].str());
    CAPTURE(line);
    CAPTURE(computed);
    CHECK(same(shown, computed, usual ? 1.1 : 0.1));
    if (!usual) usual = k;
  }
  CHECK(rows == 17);
}
