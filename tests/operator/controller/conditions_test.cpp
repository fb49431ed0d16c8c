// Every condition, true and false, from made-up findings: its status, its reason, and a message
// that says what to do.
#include "operator/controller/conditions.h"

#include <doctest/doctest.h>
#include <fstream>
#include <functional>
#include <regex>
#include <set>

#include "operator/pool/advice.h"
#include "operator/pool/event_reasons.h"
#include "tests/operator/controller/condition_cases.h"

using namespace wp;
using namespace wp::controller;
using pool::Condition;
using pool::ConditionStatus;
using wp::test::blame;
using wp::test::condition_cases;
using wp::test::ConditionCase;
using wp::test::Found;
using wp::test::member;

namespace {

constexpr auto kTrue = ConditionStatus::is_true;
constexpr auto kFalse = ConditionStatus::is_false;
constexpr auto kUnknown = ConditionStatus::unknown;

Condition condition_of(const Found& found, std::string_view type) {
  for (const Condition& one : build_conditions(found.f)) {
    if (one.type == type) return one;
  }
  FAIL("no condition " << type);
  return {};
}

bool holds(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

// A field of the spec, a command, or a person's next act.
bool says_what_to_do(const std::string& message) {
  static const std::regex field(
      "workerpool.dev/"
      "|(spec|queue|scaling|workers|jobs|health)\\.[a-zA-Z]+|kubectl|workerpoolctl|maxmemory|"
      "wait until Redis|check that Redis|nodes|follows? by itself|is being|are being created|"
      "others start");
  return std::regex_search(message, field);
}

}  // namespace

TEST_CASE("each condition: status, reason, and what to do") {
  std::set<std::pair<std::string_view, ConditionStatus>> seen;
  for (const ConditionCase& row : condition_cases()) {
    CAPTURE(row.what);
    CAPTURE(row.type);
    Found found(row.spec);
    row.change(found);
    const Condition made = condition_of(found, row.type);
    CHECK(to_string(made.status) == to_string(row.status));
    CHECK(made.reason == row.reason);
    CHECK(made.observed_generation == 3);
    for (const char* word : row.words) CHECK_MESSAGE(holds(made.message, word), made.message);
    seen.insert({row.type, row.status});
  }
  for (const std::string_view type : pool::condition::kAll) {
    CAPTURE(type);
    CHECK(seen.contains({type, kTrue}));
    CHECK(seen.contains({type, kFalse}));
  }
}

TEST_CASE("every trouble says what to do, and no message is empty") {
  for (const ConditionCase& row : condition_cases()) {
    Found found(row.spec);
    row.change(found);
    for (const Condition& one : build_conditions(found.f)) {
      CAPTURE(row.what);
      CAPTURE(one.type);
      CHECK_FALSE(one.reason.empty());
      CHECK_FALSE(one.message.empty());
      const bool limits = one.type == pool::condition::kScalingLimited && one.status == kTrue;
      const bool stands = one.type == pool::condition::kScalingActive && one.status == kFalse &&
                          one.reason != pool::cause::kUnknown;
      if (!pool::is_trouble(one) && !limits && !stands) continue;
      CHECK_MESSAGE(says_what_to_do(one.message), one.message);
    }
  }
}

TEST_CASE("a scale-up that the cluster has not seen yet is called no rollout") {
  Found found;
  found.f.view.rolling = true;
  found.f.view.observed = false;
  CHECK(condition_of(found, pool::condition::kReady).reason == pool::reason::kAsDeclared);
  found.decide(static_cast<int>(found.f.view.pods.size()) + 2, scaling::Cause::backlog, "so");
  const std::string message = condition_of(found, pool::condition::kReady).message;
  CHECK(holds(message, "; scaling up: the others are being created"));
  CHECK_FALSE(holds(message, "rollout"));
  found.f.view.observed = true;
  CHECK(holds(condition_of(found, pool::condition::kReady).message, "a rollout is under way"));
}

TEST_CASE("each type stands once; what is wrong stands before what is not") {
  Found found;
  found.f.view.foreign_scaler = "keda-operator";
  found.f.fleet.members[0].broken = true;
  found.count();
  const auto all = build_conditions(found.f);
  std::set<std::string> types;
  for (const Condition& one : all) CHECK(types.insert(one.type).second);
  CHECK(types.size() == pool::condition::kAll.size());
  REQUIRE(all.size() > 6);
  CHECK(all[0].type == pool::condition::kReady);
  CHECK(all[4].type == pool::condition::kHandlersBroken);
  CHECK(all[5].type == pool::condition::kForeignScaler);
  CHECK(all[6].status == kFalse);
}

TEST_CASE("of a spec that cannot be read nothing is said about workers and queue") {
  Found found;
  found.parsed.problems.push_back({"spec.queue", "is missing", "an object"});
  blame(found, pool::condition::kInvalidSpec, pool::condition::kInvalidSpec);
  found.f.backlog.reset();
  for (const Condition& one : build_conditions(found.f)) {
    CHECK(one.type != pool::condition::kSaturated);
    CHECK(one.type != pool::condition::kDrainTooShort);
  }
}

TEST_CASE("before the queue was read what its counts would tell is left out") {
  Found found;
  found.f.backlog.reset();
  found.f.fresh = false;
  std::set<std::string> types;
  for (const Condition& one : build_conditions(found.f)) types.insert(one.type);
  CHECK_FALSE(types.contains("Saturated"));
  CHECK_FALSE(types.contains("WorkersStalled"));
  CHECK(types.contains("RolloutStuck"));
}
