#include "operator/pool/status.h"

#include "tests/operator/pool/support.h"

using namespace wp;
using namespace wp::pool;
using nlohmann::json;

namespace {

constexpr Millis kThen{1750000000000};
constexpr Millis kNow{1760000000000};

Status status() {
  Status out;
  out.observed_generation = 3;
  out.replicas = 7;
  out.queue = QueueStatus{.name = "media/thumbnails", .waiting = 120, .backpressure = false};
  out.workers = WorkersStatus{.busy = 6, .idle = 1};
  out.health = HealthStatus::healthy;
  out.decision = DecisionStatus{8, "Backlog", "120 waiting", ""};
  out.set({.type = "Ready",
           .status = ConditionStatus::is_true,
           .reason = "AsDeclared",
           .message = "7 of 8 workers are ready",
           .observed_generation = 3});
  out.set({.type = "QueueReachable", .status = ConditionStatus::is_true, .reason = "Reached"});
  return out;
}

Status written() {
  Status out = status();
  carry_over({}, kThen, out);
  return out;
}

}  // namespace

TEST_CASE("unknown numbers are absent, not zero") {
  const json out = to_json(status());
  CHECK(out.at("queue") ==
        json{{"name", "media/thumbnails"}, {"waiting", 120}, {"backpressure", false}});
  CHECK_FALSE(out.contains("jobs"));
  CHECK_FALSE(out.contains("readyReplicas"));
  CHECK_FALSE(out.contains("lastScaleTime"));
  CHECK(out.at("workers").at("stalled") == 0);
}

TEST_CASE("what was written is read back") {
  Status full = written();
  full.jobs = JobsStatus{5120, 12, 310, 99, 800, 2100};
  full.ramp =
      RampStatus{1, "2026-01-01T00:00:00Z", "Advancing", "lost", {"a", "b"}, "5f2c", "again"};
  full.measured = MeasuredStatus{800, 5200};
  full.last_scale_time = "2026-01-01T00:00:00Z";
  full.scale_operations = 42;
  CHECK(to_json(status_from_json(to_json(full))) == to_json(full));
}

TEST_CASE("a status that someone else broke is read without a fall") {
  for (const char* text :
       {"null", "[]", R"({"conditions": [1, {}, {"type": 5}]})",
        R"({"queue": "x", "replicas": "7", "health": "Fine", "decision": 1})",
        R"({"replicas": 1.5, "ramp": {"jobs": [1], "hash": 7, "baseline": [1]}})",
        R"({"measured": {"serviceMs": "1s", "startMs": null}})"}) {
    const Status read = status_from_json(json::parse(text));
    CHECK(to_json(read).value("measured", json()).is_null());
    CHECK(read.conditions.empty());
    CHECK_FALSE(read.replicas.has_value());
    CHECK_FALSE(read.health.has_value());
  }
}

TEST_CASE("lastTransitionTime moves only with the status value") {
  const Status before = written();
  Status after = status();
  after.set({.type = "Ready",
             .status = ConditionStatus::is_true,
             .reason = "Progressing",
             .message = "other words"});
  after.set({.type = "QueueReachable", .status = ConditionStatus::is_false, .reason = "Timeout"});
  after.set({.type = "ScalingActive", .status = ConditionStatus::is_true, .reason = "Automatic"});
  carry_over(before, kNow, after);
  CHECK(after.condition("Ready")->last_transition_time == format_time_seconds(kThen));
  CHECK(after.condition("QueueReachable")->last_transition_time == format_time_seconds(kNow));
  CHECK(after.condition("ScalingActive")->last_transition_time == format_time_seconds(kNow));
  CHECK(after.condition("Saturated") == nullptr);
}

TEST_CASE("a decision's words and time are frozen while its number and cause stand") {
  const Status before = written();
  Status after = status();
  after.decision->reason = "121 waiting";
  carry_over(before, kNow, after);
  CHECK(after.decision->reason == "120 waiting");
  CHECK(after.decision->time == format_time_seconds(kThen));

  after = status();
  after.decision = DecisionStatus{8, "AtMax", "now capped", ""};
  carry_over(before, kNow, after);
  CHECK(after.decision->reason == "now capped");
  CHECK(after.decision->time == format_time_seconds(kNow));
}

TEST_CASE("a write is due when something differs, at once when it matters") {
  const Status before = written();
  CHECK(compare(before, written()) == Difference::none);
  CHECK_FALSE(status_differs(before, written()));

  Status after = written();
  std::swap(after.conditions[0], after.conditions[1]);
  CHECK(compare(before, after) == Difference::none);

  const auto with = [](auto change) {
    Status out = written();
    change(out);
    return out;
  };
  CHECK(compare(before, with([](Status& s) { s.queue->waiting = 121; })) == Difference::numbers);
  CHECK(compare(before, with([](Status& s) { s.queue->waiting.reset(); })) == Difference::numbers);
  CHECK(compare(before, with([](Status& s) { s.replicas = 8; })) == Difference::numbers);
  CHECK(compare(before, with([](Status& s) { s.conditions[0].message = "x"; })) ==
        Difference::numbers);
  CHECK(compare(before, with([](Status& s) {
                  s.measured = MeasuredStatus{800, {}};
                })) == Difference::numbers);
  CHECK(compare(before, with([](Status& s) { s.ramp = RampStatus{.step = 1, .hash = "a"}; })) ==
        Difference::urgent);
  CHECK(compare(before, with([](Status& s) { s.queue->backpressure = true; })) ==
        Difference::urgent);
  CHECK(compare(before, with([](Status& s) { s.health = HealthStatus::degraded; })) ==
        Difference::urgent);
  CHECK(compare(before, with([](Status& s) { s.decision->replicas = 9; })) == Difference::urgent);
  CHECK(compare(before, with([](Status& s) { s.decision.reset(); })) == Difference::urgent);
  CHECK(compare(before, with([](Status& s) { s.decision->cause = "Window"; })) ==
        Difference::numbers);
  CHECK(compare(before, with([](Status& s) { s.conditions.pop_back(); })) == Difference::urgent);
  CHECK(compare(before, with([](Status& s) { s.conditions[0].reason = "AtRest"; })) ==
        Difference::urgent);
  CHECK(compare(before, with([](Status& s) { s.observed_generation = 4; })) == Difference::urgent);
}

TEST_CASE("texts are cut to what the schema takes, between characters") {
  Status out = status();
  out.conditions[0].message = std::string(4095, 'x') + "é";
  out.decision->reason = std::string(5000, 'x');
  const json text = to_json(out);
  CHECK(text.at("conditions").at(0).at("message").get<std::string>().size() == 4095);
  CHECK(text.at("decision").at("reason").get<std::string>().size() == 1024);
  CHECK_NOTHROW(static_cast<void>(text.dump()));
  out.ramp = RampStatus{.trigger = std::string(999, 'x'), .reset = std::string(999, 'x')};
  CHECK(to_json(out).at("ramp").at("trigger").get<std::string>().size() == 256);
  CHECK(to_json(out).at("ramp").at("reset").get<std::string>().size() == kMaxRampReset);
}
