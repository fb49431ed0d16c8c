#include "operator/pool/advice.h"

#include <fstream>
#include <iterator>
#include <set>

#include "operator/pool/event_reasons.h"
#include "operator/pool/fields.h"
#include "tests/operator/pool/support.h"

using namespace wp::pool;

namespace {

bool is_field(std::string_view below_spec) {
  const std::string path = "spec." + std::string(below_spec);
  return std::any_of(fields().begin(), fields().end(),
                     [&path](const Field& field) { return field.path == path; });
}

void check_texts(const Advice& advice) {
  CAPTURE(advice.word);
  CHECK_FALSE(advice.meaning.empty());
  CHECK_FALSE(advice.step.empty());
  // Clauses: they stand behind a colon or a semicolon.
  CHECK(std::islower(static_cast<unsigned char>(advice.meaning.front())) != 0);
  CHECK(std::islower(static_cast<unsigned char>(advice.step.front())) != 0);
  CHECK(advice.step.back() != '.');
  if (!advice.field.empty()) CHECK(is_field(advice.field));
}

}  // namespace

TEST_CASE("every cause has its advice, in the same order, and names a field that exists") {
  REQUIRE(cause_advice().size() == cause::kAll.size());
  for (std::size_t i = 0; i < cause::kAll.size(); ++i) {
    const Advice& advice = cause_advice()[i];
    CHECK(advice.word == cause::kAll[i]);
    check_texts(advice);
    CHECK_FALSE(advice.field.empty());
    CHECK(advice_on_cause(advice.word) == &advice);
  }
  CHECK(advice_on_cause("Tomorrow") == nullptr);
}

TEST_CASE("of several fields that may be the cause, the one that is") {
  const Pool pool = pool_with(R"({"workers": {"concurrency": 4}, "jobs": {"maxActive": 10},
                                  "scaling": {"maxReplicas": 5}})");
  const auto field = [&](const char* cause, int replicas, std::string_view ramp = "") {
    return advice_on_decision(cause, replicas, pool.spec, ramp)->field;
  };
  CHECK(field("AtMax", 3) == "jobs.maxActive");
  CHECK(field("AtMax", 5) == "scaling.maxReplicas");
  CHECK(field("AtMax", 2) == "scaling.maxReplicas");
  CHECK(field("Budget", 3) == "scaling.budget");
  CHECK(field("RampStep", 3) == "scaling.ramp");
  CHECK(field("RampStep", 3, "Advancing") == "scaling.ramp");
  CHECK(field("RampStep", 3, "RolledBack") == "scaling.ramp.rollbackTo");
  CHECK(advice_on_decision("AtMax", 3, pool_with("{}").spec, "")->field == "scaling.maxReplicas");
  CHECK(advice_on_decision("Tomorrow", 3, pool.spec, "") == nullptr);
  CHECK(is_field("jobs.maxActive"));
  CHECK(is_field("scaling.ramp.rollbackTo"));
}

TEST_CASE("every condition but those that only tell has its advice, once") {
  std::set<std::string_view> words;
  for (const Advice& advice : trouble_advice()) {
    check_texts(advice);
    CHECK(words.insert(advice.word).second);
  }
  std::set<std::string_view> expected(condition::kAll.begin(), condition::kAll.end());
  expected.erase(condition::kScalingActive);
  expected.erase(condition::kScalingLimited);
  CHECK(words == expected);
}

TEST_CASE("trouble is Ready or QueueReachable that is False, and another that is True") {
  const auto trouble = [](std::string_view type, ConditionStatus status) {
    return is_trouble({.type = std::string(type), .status = status});
  };
  CHECK(trouble("Ready", ConditionStatus::is_false));
  CHECK_FALSE(trouble("Ready", ConditionStatus::is_true));
  CHECK_FALSE(trouble("Ready", ConditionStatus::unknown));
  CHECK_FALSE(
      is_trouble({.type = "Ready", .status = ConditionStatus::is_false, .reason = "Progressing"}));
  CHECK(trouble("QueueReachable", ConditionStatus::is_false));
  CHECK(trouble("RolloutStuck", ConditionStatus::is_true));
  CHECK_FALSE(trouble("RolloutStuck", ConditionStatus::is_false));
  CHECK_FALSE(trouble("DrainTooShort", ConditionStatus::unknown));
  CHECK_FALSE(trouble("ScalingActive", ConditionStatus::is_false));
  CHECK_FALSE(trouble("ScalingLimited", ConditionStatus::is_true));
  CHECK_FALSE(trouble("OfTomorrow", ConditionStatus::is_true));
}

TEST_CASE("a pod that does not start: by the word of Kubernetes") {
  for (const auto& [word, part] : {std::pair{"Unschedulable", "add nodes"},
                                   {"ErrImagePull", "check the image"},
                                   {"ImagePullBackOff", "check the image"},
                                   {"ErrImageNeverPull", "check the image"},
                                   {"InvalidImageName", "check the image"},
                                   {"CrashLoopBackOff", "kubectl logs --previous w-1"},
                                   {"CreateContainerConfigError", "Secret or ConfigMap"},
                                   {"RunContainerError", "kubectl describe pod w-1"}}) {
    CHECK(advice_on_start(word, "w-1").find(part) != std::string::npos);
  }
}
