#include "ctl/simulate/load.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fmt/format.h>
#include <optional>

#include "base/options.h"
#include "ctl/simulate/text_file.h"

namespace wp::simulate {
namespace {

constexpr double kMostSeconds = 366.0 * 24 * 3600;
constexpr std::size_t kMostJobs = 10'000'000;
constexpr const char* kAllowed =
    "allowed: arrival_s,service_s per line, two numbers of seconds from 0 to a year";

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r";
  const std::size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

std::optional<Micros> parse_seconds(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (!(value >= 0 && value <= kMostSeconds)) return std::nullopt;  // nor NaN
  return from_seconds(value);
}

// What a message may show of a line that others wrote.
std::string excerpt(std::string_view line) {
  std::string shown;
  for (const char c : line.substr(0, 40)) shown += c >= ' ' && c <= '~' ? c : '?';
  return line.size() > 40 ? shown + "..." : shown;
}

}  // namespace

Micros Load::total_service() const {
  Micros total{0};
  for (const Job& job : jobs) total += job.service;
  return total;
}

Load parse_load(std::string_view csv, const std::string& shown) {
  Load load{shown, {}};
  bool first = true;
  for (int number = 1; !csv.empty(); ++number) {
    const std::size_t end = std::min(csv.find('\n'), csv.size());
    const std::string_view line = trimmed(csv.substr(0, end));
    csv.remove_prefix(std::min(end + 1, csv.size()));
    if (line.empty() || line.front() == '#') continue;
    const bool header = first && line == "arrival_s,service_s";
    first = false;
    if (header) continue;
    const std::size_t comma = line.find(',');
    const auto arrival = parse_seconds(trimmed(line.substr(0, comma)));
    const auto service = comma == std::string_view::npos
                             ? std::nullopt
                             : parse_seconds(trimmed(line.substr(comma + 1)));
    if (!arrival || !service) {
      throw UsageError(fmt::format("{}:{}: \"{}\"; {}", shown, number, excerpt(line), kAllowed));
    }
    if (load.jobs.size() == kMostJobs) {
      throw UsageError(fmt::format("{}:{}: too many jobs; allowed: {}", shown, number, kMostJobs));
    }
    load.jobs.push_back({*arrival, *service});
  }
  if (load.jobs.empty()) throw UsageError(fmt::format("{}: holds no job; {}", shown, kAllowed));
  if (load.total_service() == Micros{0}) {
    throw UsageError(fmt::format("{}: no job takes any time; {}", shown, kAllowed));
  }
  std::stable_sort(load.jobs.begin(), load.jobs.end(),
                   [](const Job& a, const Job& b) { return a.arrival < b.arrival; });
  return load;
}

std::string to_csv(const Load& load) {
  std::string csv = "arrival_s,service_s\n";
  for (const Job& job : load.jobs) {
    csv += fmt::format("{:.6f},{:.6f}\n", to_seconds(job.arrival), to_seconds(job.service));
  }
  return csv;
}

Load read_load(const std::string& file) {
  Load load = parse_load(read_text(file), shown_name(file));
  if (file != "-") load.name = std::filesystem::path(file).stem().string();
  return load;
}

}  // namespace wp::simulate
