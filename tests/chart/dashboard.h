// The files of the chart that watch: the queries of its dashboard, and the names of metrics in
// text. Pure but for reading the files.
#pragma once

#include <set>
#include <string>
#include <vector>

namespace wp::test {

struct DashboardQuery {
  std::string panel;
  std::string expression;  // with every variable replaced: all pools, rates over five minutes
};

std::vector<DashboardQuery> dashboard_queries();

/// The rules file of the chart.
std::string alert_rules();

/// The metrics that a text names, as docs/metrics.md calls them: of a histogram without _bucket.
std::set<std::string> metrics_in(const std::string& text);

}  // namespace wp::test
