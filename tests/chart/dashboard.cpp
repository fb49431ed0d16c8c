#include "tests/chart/dashboard.h"

#include <fstream>
#include <iterator>
#include <regex>
#include <stdexcept>

#include <nlohmann/json.hpp>

#include "tests/chart/helm.h"
#include "tests/support/replace_all.h"

namespace wp::test {
namespace {

using nlohmann::json;

std::string file(const std::string& name) {
  std::ifstream stream(source_folder() + "/helm/workerpool/files/" + name);
  if (!stream) throw std::runtime_error("cannot read " + name);
  return {std::istreambuf_iterator<char>(stream), {}};
}

}  // namespace

std::vector<DashboardQuery> dashboard_queries() {
  std::vector<DashboardQuery> queries;
  const json board = json::parse(file("dashboard.json"));
  for (const json& panel : board.at("panels")) {
    for (const json& target : panel.value("targets", json::array())) {
      std::string expression = target.at("expr");
      replace_all(expression, "$namespace", ".*");
      replace_all(expression, "$pool", ".*");
      replace_all(expression, "$lease", ".*operator");
      replace_all(expression, "$__rate_interval", "5m");
      queries.push_back({panel.at("title"), std::move(expression)});
    }
  }
  return queries;
}

std::string alert_rules() {
  return file("alerts.yaml");
}

std::set<std::string> metrics_in(const std::string& text) {
  static const std::regex name(
      "\\b(controller_runtime|workqueue|rest_client|leader_election|process|workerpool)_[a-z_]+"
      "\\b");
  static const std::regex part("_(bucket|sum|count)$");
  std::set<std::string> names;
  for (std::sregex_iterator it(text.begin(), text.end(), name), end; it != end; ++it) {
    names.insert(std::regex_replace(it->str(), part, ""));
  }
  return names;
}

}  // namespace wp::test
