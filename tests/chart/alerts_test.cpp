// The alerts and the dashboard without a cluster: promtool's tests of each rule, and that every
// metric they name is one that docs/metrics.md or a runner has.
#include <doctest/doctest.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>

#include "operator/pool/yaml.h"
#include "tests/chart/dashboard.h"
#include "tests/chart/helm.h"
#include "tests/chart/prometheus.h"
#include "tests/docs/page.h"

using namespace wp::test;
using nlohmann::json;

namespace {

std::set<std::string> metrics_there_are() {
  std::set<std::string> names;
  const Page page("metrics.md");
  for (const char* heading : {"## Of a pool", "## Of the operator itself"}) {
    for (const auto& row : page.table(heading)) names.insert(code_spans(row[0]).at(0));
  }
  std::ifstream stream(source_folder() + "/runner/runner_metrics.cpp");
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  static const std::regex quoted("\"(workerpool_runner_[a-z_]+)\"");
  for (std::sregex_iterator it(text.begin(), text.end(), quoted), end; it != end; ++it) {
    names.insert((*it)[1]);
  }
  return names;
}

void check_known(const std::string& text) {
  static const std::set<std::string> known = metrics_there_are();
  for (const std::string& name : metrics_in(text)) CHECK_MESSAGE(known.contains(name), name);
}

}  // namespace

TEST_CASE("promtool: every alert fires, clears and stays silent as alerts_test.yaml says") {
  if (!have_prometheus()) {
    std::puts("SKIPPED: promtool is not installed (tools/setup test)");
    std::_Exit(77);
  }
  const Answer answer =
      shell("promtool test rules '" + source_folder() + "/tests/chart/alerts_test.yaml'");
  CHECK_MESSAGE(answer.ok, answer.text);
}

TEST_CASE("every alert names metrics that exist, says what to do, and has its test") {
  std::ifstream stream(source_folder() + "/tests/chart/alerts_test.yaml");
  const std::string tests{std::istreambuf_iterator<char>(stream), {}};
  int alerts = 0;
  const json rules = wp::pool::yaml_document(alert_rules());
  for (const json& group : rules.at("groups")) {
    for (const json& rule : group.at("rules")) {
      ++alerts;
      const std::string name = rule.at("alert");
      CAPTURE(name);
      const std::string expression = rule.at("expr");
      CHECK_FALSE(metrics_in(expression).empty());
      check_known(expression);
      CHECK(rule.at("labels").contains("severity"));
      const json& notes = rule.at("annotations");
      CHECK_FALSE(notes.at("summary").get<std::string>().empty());
      CHECK_FALSE(notes.at("description").get<std::string>().empty());
      std::string anchor;
      for (const char c : name) anchor += static_cast<char>(std::tolower(c));
      CHECK(notes.at("runbook_url") == "docs/operations.md#" + anchor);
      CHECK_NOTHROW((void)Page("operations.md").section("### " + name));
      CHECK(tests.find("alertname: " + name) != std::string::npos);
    }
  }
  CHECK(alerts == 6);
  std::set<std::string> documented;
  for (const auto& row : Page("metrics.md").table("## Alerts")) {
    documented.insert(code_spans(row[0]).at(0) + " " + row[1]);
  }
  std::set<std::string> shipped;
  for (const json& rule : rules.at("groups").at(0).at("rules")) {
    shipped.insert(rule.at("alert").get<std::string>() + " " +
                   rule.at("labels").at("severity").get<std::string>());
  }
  CHECK(documented == shipped);
}

TEST_CASE("every query of the dashboard names metrics that exist, and every pool metric is shown") {
  std::string all;
  for (const DashboardQuery& query : dashboard_queries()) {
    CAPTURE(query.panel);
    check_known(query.expression);
    all += query.expression + "\n";
  }
  // Shown in another way: the types beside the states, the concurrency by the slots.
  std::set<std::string> shown = metrics_in(all);
  shown.insert({"workerpool_waiting_by_type", "workerpool_concurrency",
                "workerpool_backpressure_activations_total"});
  for (const auto& row : Page("metrics.md").table("## Of a pool")) {
    CHECK_MESSAGE(shown.contains(code_spans(row[0]).at(0)), row[0]);
  }
}
