// docs/operations.md: its commands on a real control plane, whose pods are processes of this
// machine, from the first to the last; what it says of alerts, conditions and fields against the
// code.
#include <cstdlib>
#include <doctest/doctest.h>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <yaml-cpp/yaml.h>

#include "operator/pool/advice.h"
#include "operator/pool/event_reasons.h"
#include "tests/docs/page.h"
#include "tests/docs/player.h"
#include "tests/product/cluster.h"
#include "tests/support/replace_all.h"

using namespace wp;
using namespace wp::test;

namespace {

namespace condition = pool::condition;
namespace reason = pool::reason;

// A row of a table below "## Troubleshooting": `Condition=Reason`, why, `field`, what to do.
struct Row {
  std::string condition;
  std::string reason;
  std::string field;
};

std::string variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::string() : value;
}

std::string source_text(const std::string& path) {
  std::ifstream in(variable("WORKERPOOL_SOURCE") + "/" + path);
  return {std::istreambuf_iterator<char>(in), {}};
}

// The headings of that rank, without their signs, below a heading of rank 2.
std::vector<std::string> headings_below(const Page& page, const std::string& above) {
  std::vector<std::string> found;
  std::istringstream in(page.text());
  bool inside = false;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("## ")) inside = line == "## " + above;
    if (inside && line.starts_with("### ")) found.push_back(line.substr(4));
  }
  return found;
}

std::vector<Row> troubleshooting() {
  const Page page("operations.md");
  static const std::regex words(R"(^`(\w+)=(\w+)`$)");
  std::vector<Row> rows;
  for (const std::string& heading : headings_below(page, "Troubleshooting")) {
    for (const auto& cells : page.table("### " + heading)) {
      CAPTURE(cells[0]);
      std::smatch match;
      REQUIRE(cells.size() >= 4);
      REQUIRE(std::regex_match(cells[0], match, words));
      const auto fields = code_spans(cells[2]);
      rows.push_back({match[1], match[2], fields.empty() ? std::string() : fields.front()});
    }
  }
  return rows;
}

template <typename List>
bool holds(const List& list, const std::string& word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

const pool::Advice* advice_on_cause(const std::string& word) {
  for (const pool::Advice& advice : pool::cause_advice()) {
    if (advice.word == word) return &advice;
  }
  return nullptr;
}

// The page as it stands, but for where its Redis is, for its namespace, and for how long jobs run:
// long enough to be seen together in a status that is written every five seconds.
std::vector<FencedBlock> blocks_for(const Page& page, Product& product) {
  std::vector<FencedBlock> blocks = page.blocks();
  for (FencedBlock& block : blocks) {
    for (std::string& line : block.lines) {
      replace_all(line, "redis://redis.workerpool-demo:6379/0", product.redis().tcp_url() + "/0");
      replace_all(line, "default/renders", product.queue_name("renders"));
      replace_all(line, "sleep 40", "sleep 15");
    }
  }
  return blocks;
}

// A kubeconfig whose namespace is the product's, as that of the page's reader is `default`.
std::string kubeconfig_for(const Product& product, const OwnFolder& folder) {
  const std::string path = folder.path() + "/kubeconfig";
  std::filesystem::copy_file(variable("KUBECONFIG"), path);
  Process set({variable("WORKERPOOL_CLUSTER_DIR") + "/bin/kubectl", "config", "set-context",
               "--current", "--namespace", product.ns()},
              folder.path() + "/log", {{"KUBECONFIG", path}});
  REQUIRE_MESSAGE(set.wait() == 0, set.output());
  return path;
}

}  // namespace

TEST_CASE("operations.md: its Redis is the quickstart's") {
  constexpr const char* kUrl = "url: redis://redis.workerpool-demo:6379/0";
  CHECK(Page("operations.md").text().find(kUrl) != std::string::npos);
  CHECK(source_text("manifests/samples/quickstart.yaml").find(kUrl) != std::string::npos);
}

TEST_CASE("operations.md: every command, in its order") {
  if (!have_cluster()) exit(77);
  Product product;
  const OwnFolder folder;
  const Page page("operations.md");
  const std::vector<FencedBlock> blocks = blocks_for(page, product);
  Player player(blocks, {{"PATH", variable("WORKERPOOL_CLUSTER_DIR") + "/bin:" +
                                      variable("WORKERPOOL_BIN") + ":" + variable("PATH")},
                         {"KUBECONFIG", kubeconfig_for(product, folder)},
                         {"HOME", folder.path()},
                         {"WP_REDIS_URL", product.redis().tcp_url() + "/0"}});
  int played = 0;
  for (const FencedBlock& block : blocks) {
    if (block.language != "console") continue;
    CAPTURE(block.text());
    REQUIRE_NOTHROW(player.play(block));
    ++played;
  }
  CHECK(played > 10);
}

TEST_CASE("operations.md: troubleshooting names conditions, reasons and fields that exist") {
  const YAML::Node crd = YAML::Load(source_text("crds/workerpools.yaml"));
  const YAML::Node spec =
      crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"];
  for (const Row& row : troubleshooting()) {
    CAPTURE(row.condition);
    CAPTURE(row.reason);
    CAPTURE(row.field);
    CHECK(holds(condition::kAll, row.condition));
    CHECK((holds(reason::kAll, row.reason) || holds(condition::kAll, row.reason) ||
           advice_on_cause(row.reason) != nullptr));
    YAML::Node at = YAML::Clone(spec);
    std::istringstream path(row.field);
    for (std::string name; std::getline(path, name, '.');) at = at["properties"][name];
    CHECK(at.IsDefined());
  }
}

TEST_CASE("operations.md: troubleshooting has a row for all that can be wrong, with its field") {
  const std::vector<Row> rows = troubleshooting();
  const auto first = [&](const std::string& type, const std::string& why) -> const Row* {
    for (const Row& row : rows) {
      if (row.condition == type && row.reason == why) return &row;
    }
    return nullptr;
  };
  for (const pool::Advice& advice : pool::cause_advice()) {
    const std::string word(advice.word);
    CAPTURE(word);
    const Row* row = first("ScalingLimited", word);
    if (row == nullptr) row = first("ScalingActive", word);
    // What needs nobody is no trouble; what only delays is in the sizing's own page.
    if (advice.step.starts_with("nothing to do") || word == pool::cause::kWindow) {
      if (row != nullptr) CHECK(row->field == advice.field);
      continue;
    }
    REQUIRE(row != nullptr);
    CHECK(row->field == advice.field);
  }
  for (const std::string_view type : condition::kAll) {
    const pool::Advice* advice = pool::advice_on_trouble(type);
    if (advice == nullptr || type == condition::kReady) continue;
    const std::string word(type);
    CAPTURE(word);
    const auto row = std::find_if(rows.begin(), rows.end(),
                                  [&](const Row& one) { return one.condition == word; });
    REQUIRE(row != rows.end());
    // Of the way to Redis the page names the very field.
    if (type == condition::kQueueReachable) {
      CHECK(row->field.starts_with(std::string(advice->field)));
    } else if (type != condition::kInvalidSpec) {
      CHECK(row->field == advice->field);
    }
  }
}

TEST_CASE("operations.md: a row for every reason of QueueReachable") {
  std::set<std::string> named;
  for (const Row& row : troubleshooting()) {
    if (row.condition == condition::kQueueReachable) named.insert(row.reason);
  }
  std::set<std::string> wanted;
  for (const auto& row : Page("status.md").table("## Reasons")) {
    if (row[1] == "QueueReachable") wanted.insert(code_spans(row[0]).front());
  }
  wanted.erase(std::string(reason::kReached));
  CHECK(named == wanted);
}

TEST_CASE("operations.md: a section for each alert, by its name") {
  const YAML::Node rules = YAML::Load(source_text("helm/workerpool/files/alerts.yaml"));
  std::set<std::string> alerts;
  for (const auto& group : rules["groups"]) {
    for (const auto& rule : group["rules"]) alerts.insert(rule["alert"].as<std::string>());
  }
  const auto sections = headings_below(Page("operations.md"), "Alerts");
  CHECK(std::set<std::string>(sections.begin(), sections.end()) == alerts);
}

TEST_CASE("operations.md: what to watch are metrics of metrics.md") {
  const Page metrics("metrics.md");
  std::set<std::string> known;
  for (const char* heading : {"## Of a pool", "## Of the operator itself"}) {
    for (const auto& row : metrics.table(heading)) known.insert(code_spans(row[0]).front());
  }
  for (const auto& row : Page("operations.md").table("## What to watch")) {
    CAPTURE(row[0]);
    CHECK(known.contains(code_spans(row[0]).front()));
  }
}
