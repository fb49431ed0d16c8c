// docs/metrics.md and docs/status.md, held against the code in both directions: every metric, and
// every word of the status, stands there as it is, and nothing else does.
#include <algorithm>
#include <array>
#include <doctest/doctest.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <set>

#include "operator/controller/job_figures.h"
#include "operator/controller/pool_metrics.h"
#include "operator/pool/advice.h"
#include "operator/pool/event_reasons.h"
#include "tests/docs/page.h"

using namespace wp;
using namespace wp::test;

namespace {

using Words = std::set<std::string>;
using Rows = std::vector<std::vector<std::string>>;

// The one code span of a cell, empty when there is none.
std::string word(const std::string& cell) {
  const auto spans = code_spans(cell);
  return spans.empty() ? std::string() : spans.front();
}

template <typename List>
Words words_in(const List& list) {
  return Words(list.begin(), list.end());
}

// The first column; each word once.
Words first_words(const Rows& rows) {
  Words words;
  for (const auto& row : rows) {
    CAPTURE(row[0]);
    CHECK(words.insert(word(row[0])).second);
  }
  return words;
}

void check_advice(const std::vector<std::string>& row, const pool::Advice& advice) {
  CAPTURE(row[0]);
  REQUIRE(row.size() >= 4);
  CHECK(row[1] == advice.meaning);
  CHECK(word(row[2]) == advice.field);
  CHECK(row[3] == advice.step);
}

// Every name of a metric that stands in the sources of the operator.
Words metrics_in_sources() {
  const std::filesystem::path root(std::getenv("WORKERPOOL_SOURCE"));
  static const std::regex name(
      "\"((?:controller_runtime|workqueue|rest_client|leader_election|process|workerpool)_"
      "[a-z_]+)\"");
  Words names;
  for (const char* folder : {"base", "operator"}) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root / folder)) {
      if (!entry.is_regular_file()) continue;
      std::ifstream in(entry.path());
      const std::string text{std::istreambuf_iterator<char>(in), {}};
      for (std::sregex_iterator it(text.begin(), text.end(), name), end; it != end; ++it) {
        names.insert((*it)[1]);
      }
    }
  }
  return names;
}

}  // namespace

TEST_CASE("metrics.md: the metrics of a pool, with type and label") {
  const Page page("metrics.md");
  std::map<std::string, const controller::PoolMetric*> table;
  for (const auto& metric : controller::pool_metric::kAll)
    table[std::string(metric.name)] = &metric;
  const Rows rows = page.table("## Of a pool");
  Words names;
  for (const auto& [name, metric] : table) names.insert(name);
  CHECK(first_words(rows) == names);
  for (const auto& row : rows) {
    CAPTURE(row[0]);
    REQUIRE(row.size() >= 4);
    const auto found = table.find(word(row[0]));
    if (found == table.end()) continue;
    CHECK(row[1] == found->second->type);
    CHECK(word(row[2]) == found->second->label);
    CHECK_FALSE(row[3].empty());
  }
}

TEST_CASE("metrics.md: every metric in the operator's sources, and no other") {
  const Page page("metrics.md");
  Words named = first_words(page.table("## Of a pool"));
  named.merge(first_words(page.table("## Of the operator itself")));
  CHECK(named == metrics_in_sources());
}

TEST_CASE("status.md: every condition with its advice") {
  const Rows rows = Page("status.md").table("## Conditions");
  CHECK(first_words(rows) == words_in(pool::condition::kAll));
  for (const auto& row : rows) {
    if (const auto* advice = pool::advice_on_trouble(word(row[0]))) check_advice(row, *advice);
  }
}

TEST_CASE("status.md: every reason, of conditions that exist") {
  const Rows rows = Page("status.md").table("## Reasons");
  CHECK(first_words(rows) == words_in(pool::reason::kAll));
  const Words conditions = words_in(pool::condition::kAll);
  for (const auto& row : rows) {
    REQUIRE(row.size() >= 3);
    static const std::regex separator(", ");
    for (std::sregex_token_iterator it(row[1].begin(), row[1].end(), separator, -1), end; it != end;
         ++it) {
      CHECK_MESSAGE((it->str() == "all" || conditions.contains(it->str())), it->str());
    }
  }
}

TEST_CASE("status.md: every cause with its advice, in the code's order") {
  const Rows rows = Page("status.md").table("## Causes of a decision");
  REQUIRE(rows.size() == pool::cause_advice().size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    CHECK(word(rows[i][0]) == pool::cause_advice()[i].word);
    check_advice(rows[i], pool::cause_advice()[i]);
  }
}

TEST_CASE("status.md: every event with its type") {
  const Rows rows = Page("status.md").table("## Events");
  Words normal;
  Words warning;
  for (const auto& row : rows) {
    REQUIRE(row.size() >= 3);
    CAPTURE(row[0]);
    CHECK((row[1] == "Normal" || row[1] == "Warning"));
    CHECK_FALSE(row[2].empty());
    if (row[1] == "Warning") {
      REQUIRE(row.size() >= 4);
      CHECK_FALSE(row[3].empty());
    }
    CHECK((row[1] == "Normal" ? normal : warning).insert(word(row[0])).second);
  }
  CHECK(normal == words_in(pool::event::kNormal));
  CHECK(warning == words_in(pool::event::kWarning));
}

TEST_CASE("status.md: the ramp's states, and the health by its bounds") {
  const Page page("status.md");
  CHECK(first_words(page.table("## Ramp")) == words_in(pool::ramp_state::kAll));
  const Rows rows = page.table("## Health");
  REQUIRE(rows.size() == 3);
  using pool::HealthStatus;
  const auto row_of = [&](HealthStatus health) {
    return rows.at(static_cast<std::size_t>(health));
  };
  for (const auto health :
       {HealthStatus::healthy, HealthStatus::degraded, HealthStatus::unhealthy}) {
    CHECK(word(row_of(health)[0]) == to_string(health));
  }
  for (int percent = 0; percent <= 100; ++percent) {
    int worst = 2;
    for (const int row : {1, 0}) {
      if (percent >= std::stoi(rows[static_cast<std::size_t>(row)][1])) worst = row;
    }
    CHECK(static_cast<int>(controller::health_of(percent, 0)) == worst);
  }
  CHECK(rows[0][2] == "none");
  CHECK(rows[1][2] == "1 or 2");
  CHECK(controller::health_of(100, 1) == HealthStatus::degraded);
  CHECK(controller::health_of(100, 2) == HealthStatus::degraded);
  CHECK(controller::health_of(100, 3) == HealthStatus::unhealthy);
}
