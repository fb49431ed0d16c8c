// Holds crds/workerpools.yaml against the parser's table of fields and against the status that the
// operator writes: same fields, kinds, bounds and defaults on both sides.
#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <set>

#include "base/units.h"
#include "operator/pool/fields.h"
#include "operator/pool/status.h"
#include "operator/pool/yaml.h"
#include "tests/operator/pool/support.h"

using namespace wp;
using namespace wp::pool;
using nlohmann::json;

namespace {

struct SchemaField {
  json schema;
  bool required = false;
};

const json& crd() {
  static const json document = [] {
    std::ifstream file(std::string(std::getenv("WORKERPOOL_SOURCE")) + "/crds/workerpools.yaml");
    return yaml_document(std::string{std::istreambuf_iterator<char>(file), {}});
  }();
  return document;
}

const json& version() {
  return crd().at("spec").at("versions").at(0);
}
const json& root() {
  return version().at("schema").at("openAPIV3Schema").at("properties");
}

bool passes_anything(const json& schema) {
  return schema.value("x-kubernetes-preserve-unknown-fields", false);
}

void collect(const std::string& path, const json& schema, bool required,
             std::map<std::string, SchemaField>& out) {
  out[path] = {schema, required};
  if (passes_anything(schema)) return;  // what is below is not ours
  if (schema.contains("items")) collect(path + "[]", schema.at("items"), false, out);
  const json needed = schema.value("required", json::array());
  const json properties = schema.value("properties", json::object());
  for (const auto& [name, child] : properties.items()) {
    const bool is_needed = std::find(needed.begin(), needed.end(), name) != needed.end();
    collect(path + "." + name, child, is_needed, out);
  }
}

std::map<std::string, SchemaField> schema_fields() {
  std::map<std::string, SchemaField> out;
  collect("spec", root().at("spec"), true, out);
  return out;
}

std::string type_of(Kind kind) {
  switch (kind) {
    case Kind::object:
    case Kind::free:
      return "object";
    case Kind::list:
      return "array";
    case Kind::integer:
      return "integer";
    case Kind::boolean:
      return "boolean";
    case Kind::int_or_percent:
      return "";
    default:
      return "string";
  }
}

json default_of(const Field& field) {
  switch (field.kind) {
    case Kind::object:
    case Kind::list:
    case Kind::integer:
    case Kind::boolean:
      return json::parse(field.preset);
    default:
      return field.preset;
  }
}

// The bounds that a rule such as duration(self) >= duration('1s') && … <= duration('1h') names.
std::vector<std::string> bounds_in_rule(const json& schema, const std::string& function) {
  const json rules = schema.value("x-kubernetes-validations", json::array());
  REQUIRE(rules.size() == 1);
  const std::string rule = rules.at(0).at("rule");
  const std::regex call(function + R"(\('([^']+)'\))");
  std::vector<std::string> out;
  for (std::sregex_iterator it(rule.begin(), rule.end(), call), end; it != end; ++it) {
    out.push_back((*it)[1]);
  }
  return out;
}

template <typename Parse>
void check_rule_bounds(const Field& field, const json& schema, const char* function, Parse parse) {
  std::vector<std::string> bounds = bounds_in_rule(schema, function);
  REQUIRE((bounds.size() == 1 || bounds.size() == 2));
  CHECK(parse(bounds.back()) == field.max);
  CHECK(field.min == (bounds.size() == 2 ? parse(bounds.front()) : 0));
  const std::string rule = schema.at("x-kubernetes-validations").at(0).at("rule");
  CHECK(rule.starts_with("self == ''") == field.has(kBlank));
  // The message shows the bounds too.
  const std::string message = schema.at("x-kubernetes-validations").at(0).at("message");
  for (const std::string& bound : bounds) CHECK(message.find(bound) != std::string::npos);
}

void check_text(const Field& field, const json& schema) {
  CHECK(schema.value("minLength", 0) == field.min);
  CHECK(schema.at("maxLength") == field.max);
  const std::string pattern = schema.value("pattern", "");
  std::string expected(field.form);
  if (pattern != expected && field.has(kBlank)) {
    expected = "^(" + expected.substr(1, expected.size() - 2) + ")?$";
  }
  CHECK(pattern == expected);
}

void check_kind(const Field& field, const json& schema) {
  CHECK(schema.value("type", "") == type_of(field.kind));
  switch (field.kind) {
    case Kind::object:
      CHECK_FALSE(passes_anything(schema));
      break;
    case Kind::free:
      CHECK(passes_anything(schema));
      break;
    case Kind::list:
      CHECK(schema.value("minItems", 0) == field.min);
      CHECK(schema.at("maxItems") == field.max);
      CHECK(schema.contains("x-kubernetes-list-type"));
      break;
    case Kind::integer:
      CHECK(schema.at("minimum") == field.min);
      CHECK(schema.at("maximum") == field.max);
      CHECK(schema.contains("format"));
      break;
    case Kind::text:
      check_text(field, schema);
      break;
    case Kind::duration:
      check_rule_bounds(field, schema, "duration", [](const std::string& text) {
        return parse_duration(text).value_or(Millis{-1}).count();
      });
      break;
    case Kind::bytes:
      check_rule_bounds(field, schema, "quantity",
                        [](const std::string& text) { return parse_bytes(text).value_or(-1); });
      break;
    case Kind::choice: {
      std::string words;
      for (const json& word : schema.at("enum")) {
        words += (words.empty() ? "" : "|") + word.get<std::string>();
      }
      CHECK(words == field.form);
      break;
    }
    case Kind::int_or_percent:
      CHECK(schema.at("x-kubernetes-int-or-string") == true);
      break;
    case Kind::cpu:
    case Kind::boolean:
      break;
  }
}

void check_default(const Field& field, const json& schema) {
  const bool tuned_scalar =
      field.has(kTuning) && field.preset && field.kind != Kind::object && field.kind != Kind::list;
  if (!field.preset || field.has(kTuning)) {
    CHECK_FALSE(schema.contains("default"));
  } else {
    CHECK(schema.value("default", json("none")) == default_of(field));
  }
  // Where the schema has no default, people still have to find it.
  if (tuned_scalar) {
    const std::string description = schema.at("description");
    CHECK(description.find(std::string("Default ") + field.preset) != std::string::npos);
  }
}

std::set<std::string> names(const json& properties) {
  std::set<std::string> out;
  for (const auto& [name, ignored] : properties.items()) out.insert(name);
  return out;
}

// Every string, list and map of the schema has to be bounded: the cost of the rules depends on it.
void check_bounded(const std::string& path, const json& schema) {
  CAPTURE(path);
  const std::string type = schema.value("type", "");
  if (type == "string") {
    CHECK((schema.contains("maxLength") || schema.contains("enum") || schema.contains("format")));
  }
  if (type == "array") CHECK(schema.contains("maxItems"));
  if (schema.contains("additionalProperties")) {
    CHECK(schema.contains("maxProperties"));
    check_bounded(path + ".*", schema.at("additionalProperties"));
  }
  if (schema.contains("items")) check_bounded(path + "[]", schema.at("items"));
  const json properties = schema.value("properties", json::object());
  for (const auto& [name, child] : properties.items()) {
    if (!passes_anything(schema)) CHECK(child.contains("description"));
    check_bounded(path + "." + name, child);
  }
}

}  // namespace

TEST_CASE("the schema and the parser know the same fields, alike") {
  std::map<std::string, SchemaField> schema = schema_fields();
  for (const Field& field : fields()) {
    const std::string path(field.path);
    CAPTURE(path);
    const auto it = schema.find(path);
    REQUIRE_MESSAGE(it != schema.end(), "not in the schema");
    CHECK(it->second.required == field.has(kRequired));
    check_kind(field, it->second.schema);
    check_default(field, it->second.schema);
    schema.erase(it);
  }
  for (const auto& [path, ignored] : schema) {
    FAIL_CHECK(path << " is in the schema, but the parser does not know it");
  }
}

TEST_CASE("every string, list and map of the schema is bounded, every field described") {
  check_bounded("spec", root().at("spec"));
  check_bounded("status", root().at("status"));
}

TEST_CASE("every rule has a message") {
  std::vector<const json*> todo = {&version()};
  int rules = 0;
  while (!todo.empty()) {
    const json& value = *todo.back();
    todo.pop_back();
    if (value.is_object() && value.contains("rule")) {
      ++rules;
      CHECK(value.contains("message"));
    }
    if (value.is_structured()) {
      for (const json& item : value) todo.push_back(&item);
    }
  }
  CHECK(rules > 50);
}

TEST_CASE("the status that is written and the schema have the same fields") {
  Status full;
  full.replicas = full.desired_replicas = full.ready_replicas = 1;
  full.selector = "a=b";
  full.queue = QueueStatus{"q", 1, 1, 1, 1, 1, true};
  full.workers = WorkersStatus{};
  full.jobs = JobsStatus{1, 1, 1, 1, 1, 1};
  full.health = HealthStatus::healthy;
  full.decision = DecisionStatus{1, "Backlog", "r", "t"};
  full.ramp = RampStatus{1, "t", "Advancing", "x", {"j"}, "h", "r", RampBaseline{}};
  full.measured = MeasuredStatus{1, 1};
  full.last_scale_time = "t";
  full.set({.type = "Ready"});
  const json written = to_json(full);
  const json& schema = root().at("status").at("properties");
  CHECK(names(written) == names(schema));
  for (const char* part : {"queue", "workers", "jobs", "decision", "ramp", "measured"}) {
    CAPTURE(part);
    CHECK(names(written.at(part)) == names(schema.at(part).at("properties")));
  }
  CHECK(names(written.at("ramp").at("baseline")) ==
        names(schema.at("ramp").at("properties").at("baseline").at("properties")));
  CHECK(names(written.at("conditions").at(0)) ==
        names(schema.at("conditions").at("items").at("properties")));
  for (const auto health :
       {HealthStatus::healthy, HealthStatus::degraded, HealthStatus::unhealthy}) {
    const json words = schema.at("health").at("enum");
    CHECK(std::find(words.begin(), words.end(), to_string(health)) != words.end());
  }
}

TEST_CASE("names, sub-resources and columns") {
  CHECK(crd().at("metadata").at("name") == std::string(kPlural) + ".workerpool.dev");
  const json& names_of = crd().at("spec").at("names");
  CHECK(names_of.at("kind") == kKind);
  CHECK(names_of.at("plural") == kPlural);
  CHECK(names_of.at("shortNames") == json{"wp"});
  CHECK("workerpool.dev/" + version().at("name").get<std::string>() == kApiVersion);
  CHECK(version().at("subresources").at("scale") ==
        json{{"specReplicasPath", ".spec.replicas"},
             {"statusReplicasPath", ".status.replicas"},
             {"labelSelectorPath", ".status.selector"}});
  std::string columns;
  for (const json& column : version().at("additionalPrinterColumns")) {
    columns += column.at("name").get<std::string>() + (column.value("priority", 0) ? "+ " : " ");
    // Each path leads to a field of the schema.
    std::string path = column.at("jsonPath").get<std::string>().substr(1);
    if (path.starts_with("metadata")) continue;
    std::string where;
    for (std::size_t dot; (dot = path.find('.')) != std::string::npos; path.erase(0, dot + 1)) {
      where += "/" + path.substr(0, dot) + "/properties";
    }
    CHECK(root().contains(json::json_pointer(where + "/" + path)));
  }
  CHECK(columns ==
        "Waiting Active Desired Ready Busy Health Age Queue+ Min+ Max+ Success%+ P95-ms+ Cause+ ");
}
