#include "ctl/simulate/simulate.h"

#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <fstream>
#include <iostream>

#include <nlohmann/json.hpp>

#include "base/units.h"
#include "ctl/exit.h"
#include "ctl/output/table.h"
#include "ctl/simulate/plan.h"
#include "ctl/simulate/plot_svg.h"
#include "ctl/simulate/plot_text.h"

namespace wp::simulate {
namespace {

using ctl::Align;
using nlohmann::ordered_json;

// Half the distance between the best and the worst run, in percent of the mean.
double spread(const Result& result) {
  return 50 * (result.product_high - result.product_low) / result.figures.product();
}

std::string heading(const Load& load, const Outcome& oracle) {
  const auto jobs = static_cast<double>(load.jobs.size());
  const double span = std::max(1.0, to_seconds(load.last_arrival()));
  const double work = to_seconds(load.total_service());
  return fmt::format(
      "{}: {} jobs in {}, {:.3g} s each on average; {:.1f} workers' worth on average, "
      "{} at most",
      load.name, load.jobs.size(), format_duration(Millis{static_cast<std::int64_t>(span) * 1000}),
      work / jobs, to_seconds(oracle.worker_time) / span, oracle.peak);
}

void print_table(const Plan& plan, const Comparison& comparison, int runs) {
  std::vector<ctl::Column> columns = {{"POLICY"}};
  for (const char* title : {"COST", "SOJOURN", "PRODUCT", "WAIT", "P50", "P95", "P99", "MAX",
                            "STARTED", "PEAK", "CHANGES", "INTERRUPTED"}) {
    columns.push_back({title, Align::right});
  }
  if (runs > 1) columns.push_back({"± %", Align::right});
  ctl::Table table(std::move(columns));
  const auto row = [&](const Result& result, bool oracle) {
    const Figures& f = result.figures;
    const auto count = [&](double value) {
      return oracle ? std::string() : fmt::format("{:.0f}", value);
    };
    table.row({result.name, fmt::format("{:.2f}", f.cost), fmt::format("{:.2f}", f.sojourn),
               fmt::format("{:.2f}", f.product()), fmt::format("{:.1f}", f.mean_wait),
               fmt::format("{:.1f}", f.p50), fmt::format("{:.1f}", f.p95),
               fmt::format("{:.1f}", f.p99), fmt::format("{:.1f}", f.longest), count(f.started),
               fmt::format("{:.0f}", f.peak), count(f.operations), count(f.interrupted),
               oracle ? std::string() : fmt::format("{:.1f}", spread(result))});
  };
  for (const Result& result : comparison.results) row(result, false);
  row(comparison.oracle, true);
  std::cout << heading(plan.load, comparison.oracle.outcome) << "\n\n" << table.text();
}

ordered_json rounded(double value) {
  return std::round(value * 1e4) / 1e4;
}

ordered_json document_of(const Result& result) {
  const Figures& f = result.figures;
  return {{"policy", result.name},
          {"worker_seconds", rounded(f.worker_seconds)},
          {"cost", rounded(f.cost)},
          {"sojourn", rounded(f.sojourn)},
          {"product", rounded(f.product())},
          {"product_low", rounded(result.product_low)},
          {"product_high", rounded(result.product_high)},
          {"wait_s",
           {{"mean", rounded(f.mean_wait)},
            {"p50", rounded(f.p50)},
            {"p95", rounded(f.p95)},
            {"p99", rounded(f.p99)},
            {"max", rounded(f.longest)}}},
          {"workers_started", rounded(f.started)},
          {"peak_workers", rounded(f.peak)},
          {"scale_operations", rounded(f.operations)},
          {"interrupted", rounded(f.interrupted)}};
}

ordered_json document_of(const Plan& plan, const Comparison& comparison, int runs) {
  ordered_json policies = ordered_json::array();
  for (const Result& result : comparison.results) policies.push_back(document_of(result));
  policies.push_back(document_of(comparison.oracle));
  return {{"load",
           {{"name", plan.load.name},
            {"jobs", plan.load.jobs.size()},
            {"last_arrival_s", rounded(to_seconds(plan.load.last_arrival()))},
            {"service_s", rounded(to_seconds(plan.load.total_service()))}}},
          {"concurrency", plan.surroundings.concurrency},
          {"runs", runs},
          {"seed", plan.surroundings.seed},
          {"notes", plan.notes},
          {"policies", std::move(policies)}};
}

void write_file(const std::string& file, const std::string& text) {
  errno = 0;
  std::ofstream out(file, std::ios::binary | std::ios::trunc);
  out << text;
  out.close();
  if (!out) {
    throw ctl::CommandError(ctl::kError,
                            fmt::format("{}: cannot be written: {}", file, std::strerror(errno)));
  }
}

}  // namespace

int simulate(const Request& request, const std::set<std::string>& given, ctl::Format format,
             std::optional<Load> kept) {
  if (request.plot == "-" && format != ctl::Format::table) {
    throw UsageError("plot: - is for the table; allowed with json and yaml: a file");
  }
  const Plan plan = simulate::plan(request, given, std::move(kept));
  if (request.save == "-") {
    std::cout << to_csv(plan.load);
    return ctl::kDone;
  }
  if (!request.save.empty()) write_file(request.save, to_csv(plan.load));
  const int runs = static_cast<int>(request.runs);
  const Comparison comparison = compare(
      plan.load, plan.candidates, plan.surroundings, runs,
      request.hpa_grace > Millis{0} ? std::optional<Micros>(request.hpa_grace) : std::nullopt);
  for (const std::string& note : plan.notes) std::cerr << "workerpoolctl: " << note << "\n";
  if (format == ctl::Format::table) {
    print_table(plan, comparison, runs);
  } else {
    std::cout << ctl::render(document_of(plan, comparison, runs), format);
  }
  if (request.plot == "-") {
    std::cout << "\n" << plot_text(comparison);
  } else if (!request.plot.empty()) {
    write_file(request.plot, plot_svg(heading(plan.load, comparison.oracle.outcome), comparison));
  }
  return ctl::kDone;
}

}  // namespace wp::simulate
