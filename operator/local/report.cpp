#include "operator/local/report.h"

#include <algorithm>
#include <fmt/format.h>

namespace wp::local {
namespace {

constexpr int kBuckets = 33;  // of the queue's histogram: bucket b counts what is below 2^b ms

std::optional<std::int64_t> p95_below(const queue::Counts& before, const queue::Counts& after) {
  std::int64_t all = 0;
  std::vector<std::int64_t> counts;
  for (int b = 0; b < kBuckets; ++b) {
    counts.push_back(growth(before, after, "duration:" + std::to_string(b)));
    all += counts.back();
  }
  std::int64_t below = 0;
  for (int b = 0; b < kBuckets; ++b) {
    below += counts[static_cast<std::size_t>(b)];
    if (all > 0 && below * 100 >= all * 95) return std::int64_t{1} << b;
  }
  return std::nullopt;
}

std::string plural(std::int64_t n, const std::string& word) {
  return fmt::format("{} {}{}", n, word, n == 1 ? "" : "s");
}

std::string seconds(Millis time) {
  return fmt::format("{:.1f} s", static_cast<double>(time.count()) / 1000);
}

}  // namespace

std::int64_t growth(const queue::Counts& before, const queue::Counts& after,
                    const std::string& counter) {
  const auto value = [&](const queue::Counts& counts) {
    const auto it = counts.stat.find(counter);
    return it != counts.stat.end() ? it->second : 0;
  };
  return value(after) - value(before);
}

Report make_report(const queue::Counts& before, const queue::Counts& after, Seen seen,
                   std::vector<std::string> violations) {
  Report report;
  report.completed = growth(before, after, "completed");
  report.failed_attempts = growth(before, after, "failed");
  report.dead = growth(before, after, "dead");
  report.left = after.waiting + after.delayed + after.active;
  const std::int64_t executions = report.completed + report.failed_attempts;
  if (executions > 0) report.average_ms = growth(before, after, "busy_ms") / executions;
  report.p95_below_ms = p95_below(before, after);
  report.violations = std::move(violations);
  report.seen = std::move(seen);
  return report;
}

std::string report_text(const Report& report, const Style& style) {
  const Seen& seen = report.seen;
  std::string text = fmt::format("{} completed, {}, {} dead", plural(report.completed, "job"),
                                 plural(report.failed_attempts, "failed attempt"), report.dead);
  if (seen.busy_for.count() > 0 && report.completed > 0) {
    text += fmt::format(
        " in {} ({:.1f} jobs/s)", seconds(seen.busy_for),
        static_cast<double>(report.completed) * 1000 / static_cast<double>(seen.busy_for.count()));
  }
  text += "\n";
  if (report.left > 0) text += fmt::format("  left     {} not run\n", plural(report.left, "job"));
  if (report.average_ms) {
    text += fmt::format("  handler  {} ms on average", *report.average_ms);
    if (report.p95_below_ms) text += fmt::format(", 95 % below {} ms", *report.p95_below_ms);
    text += "\n";
  }
  std::string sizes;
  for (const int size : seen.sizes) {
    if (!sizes.empty()) sizes += style.unicode ? " → " : " -> ";
    sizes += std::to_string(size);
  }
  text += fmt::format("  workers  {}; {} at most, {}", sizes, seen.peak_workers,
                      plural(seen.scale_operations, "scale operation"));
  if (seen.unexpected_ends > 0) {
    text += fmt::format(", {} unexpectedly", plural(seen.unexpected_ends, "end"));
  }
  text += "\n";
  std::int64_t all = 0;
  for (const auto& [worker, executed] : seen.executions) all += executed;
  if (all > 0) {
    std::string shares;
    for (const auto& [worker, executed] : seen.executions) {
      shares += fmt::format("{}{} {} ({} %)", shares.empty() ? "" : ", ", worker, executed,
                            (executed * 100 + all / 2) / all);
    }
    text += "  share    " + shares + "\n";
  }
  if (report.violations.empty()) {
    text += "  queue    checked: consistent\n";
  } else {
    text += fmt::format("  queue    INCONSISTENT: {}\n",
                        plural(static_cast<std::int64_t>(report.violations.size()), "violation"));
    for (const std::string& line : report.violations) text += "           " + line + "\n";
  }
  return text;
}

nlohmann::json report_json(const Report& report) {
  const auto known = [](const std::optional<std::int64_t>& value) {
    return value ? nlohmann::json(*value) : nlohmann::json();
  };
  return {{"completed", report.completed},
          {"failedAttempts", report.failed_attempts},
          {"dead", report.dead},
          {"left", report.left},
          {"durationMs", report.seen.busy_for.count()},
          {"averageMs", known(report.average_ms)},
          {"p95BelowMs", known(report.p95_below_ms)},
          {"peakWorkers", report.seen.peak_workers},
          {"sizes", report.seen.sizes},
          {"scaleOperations", report.seen.scale_operations},
          {"unexpectedEnds", report.seen.unexpected_ends},
          {"executions", report.seen.executions},
          {"violations", report.violations}};
}

}  // namespace wp::local
