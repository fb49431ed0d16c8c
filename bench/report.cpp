#include "bench/report.h"

#include <algorithm>
#include <cstdlib>
#include <fmt/format.h>
#include <fstream>
#include <ostream>
#include <stdexcept>
#include <thread>

#include <nlohmann/json.hpp>

namespace wp::bench {
namespace {

using nlohmann::json;

// Whole numbers of thousands for rates, more digits for what is small.
std::string show(double value) {
  if (value >= 1000) {
    std::string digits = fmt::format("{:.0f}", value);
    for (std::size_t at = digits.size(); at > 3;) digits.insert(at -= 3, " ");
    return digits;
  }
  return value >= 10 ? fmt::format("{:.1f}", value) : fmt::format("{:.2f}", value);
}

std::string range_of(const Samples& samples) {
  if (samples.size() < 2) return "";
  const auto [low, high] = std::minmax_element(samples.begin(), samples.end());
  return fmt::format("{}..{}", show(*low), show(*high));
}

using Row = std::vector<std::string>;

// The first column is text, the others are numbers: aligned to their right.
void print_rows(std::ostream& out, const std::vector<Row>& rows) {
  std::vector<std::size_t> widths;
  for (const Row& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  for (const Row& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += i == 0 ? fmt::format("{:<{}}", row[i], widths[i])
                     : fmt::format("  {:>{}}", row[i], widths[i]);
    }
    out << line << "\n";
  }
}

json samples_json(const Samples& samples) {
  if (samples.empty()) return nullptr;
  const auto [low, high] = std::minmax_element(samples.begin(), samples.end());
  return {{"median", median(samples)}, {"min", *low}, {"max", *high}, {"samples", samples}};
}

json read_json(const std::filesystem::path& path) {
  std::ifstream file(path);
  json parsed = json::parse(file, nullptr, false);
  if (!parsed.is_object() || !parsed.contains("figures")) {
    throw std::runtime_error(fmt::format("{} is no file that --json wrote", path.string()));
  }
  return parsed;
}

std::string change(double before, double after) {
  return before > 0 ? fmt::format("{:+.0f} %", (after / before - 1) * 100) : "";
}

}  // namespace

double median(Samples samples) {
  if (samples.empty()) return 0;
  std::sort(samples.begin(), samples.end());
  const std::size_t half = samples.size() / 2;
  return samples.size() % 2 == 1 ? samples[half] : (samples[half - 1] + samples[half]) / 2;
}

double percentile(Samples samples, double share) {
  if (samples.empty()) return 0;
  std::sort(samples.begin(), samples.end());
  return samples[std::min(samples.size() - 1,
                          static_cast<std::size_t>(share * static_cast<double>(samples.size())))];
}

double Figure::ratio() const {
  Samples ratios;
  for (std::size_t i = 0; i < std::min(ours.size(), ceiling.size()); ++i) {
    if (ceiling[i] > 0) ratios.push_back(ours[i] / ceiling[i]);
  }
  return median(std::move(ratios));
}

void Report::add(Figure figure) {
  out_ << fmt::format("  {}: {} {}", figure.name, show(median(figure.ours)), figure.unit);
  if (figure.ratio() > 0) out_ << fmt::format(", {:.2f} of the ceiling", figure.ratio());
  out_ << std::endl;
  figures_.push_back(std::move(figure));
}

void Report::skip(const std::string& what, const std::string& why) {
  skipped_.push_back(fmt::format("{}: not measured: {}", what, why));
  out_ << "  " << skipped_.back() << std::endl;
}

void Report::take(const Report& other) {
  figures_.insert(figures_.end(), other.figures_.begin(), other.figures_.end());
  skipped_.insert(skipped_.end(), other.skipped_.begin(), other.skipped_.end());
}

void Report::print() const {
  std::vector<Row> rows{{"figure", "unit", "goal", "ours", "range", "ceiling", "ratio"}};
  for (const Figure& figure : figures_) {
    rows.push_back({figure.name, figure.unit, figure.goal, show(median(figure.ours)),
                    range_of(figure.ours),
                    figure.ceiling.empty() ? "" : show(median(figure.ceiling)),
                    figure.ratio() > 0 ? fmt::format("{:.2f}", figure.ratio()) : ""});
  }
  out_ << "\n";
  print_rows(out_, rows);
  out_ << "\n";
  for (const Figure& figure : figures_) {
    if (figure.details.empty()) continue;
    std::string line = figure.name + ":";
    for (const auto& [name, value] : figure.details) {
      line += fmt::format("  {} {}", name, show(value));
    }
    out_ << line << "\n";
  }
  for (const std::string& line : skipped_) out_ << line << "\n";
  out_ << std::flush;
}

nlohmann::json Report::to_json(const std::string& redis_version) const {
  json figures = json::array();
  for (const Figure& figure : figures_) {
    figures.push_back({{"name", figure.name},
                       {"unit", figure.unit},
                       {"goal", figure.goal},
                       {"ours", samples_json(figure.ours)},
                       {"ceiling", samples_json(figure.ceiling)},
                       {"ratio", figure.ratio()},
                       {"details", figure.details}});
  }
  double load = 0;
  (void)getloadavg(&load, 1);
  return {
      {"version", WORKERPOOL_VERSION},
      {"machine",
       {{"cores", std::thread::hardware_concurrency()}, {"load", load}, {"redis", redis_version}}},
      {"figures", std::move(figures)},
      {"skipped", skipped_}};
}

void compare(const std::filesystem::path& before, const std::filesystem::path& after,
             std::ostream& out) {
  std::map<std::string, json> old;
  for (const json& figure : read_json(before).at("figures")) old[figure.at("name")] = figure;
  std::vector<Row> rows{
      {"figure", "unit", "before", "after", "change", "ratio before", "ratio after"}};
  for (const json& figure : read_json(after).at("figures")) {
    const auto found = old.find(figure.at("name"));
    if (found == old.end()) continue;
    const double was = found->second.at("ours").at("median");
    const double is = figure.at("ours").at("median");
    const double ratio_was = found->second.at("ratio");
    const double ratio_is = figure.at("ratio");
    rows.push_back({figure.at("name"), figure.at("unit"), show(was), show(is), change(was, is),
                    ratio_was > 0 ? fmt::format("{:.2f}", ratio_was) : "",
                    ratio_is > 0 ? fmt::format("{:.2f}", ratio_is) : ""});
  }
  print_rows(out, rows);
}

}  // namespace wp::bench
