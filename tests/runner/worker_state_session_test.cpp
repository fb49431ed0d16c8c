// Documents that jobs share, in the core of the runner.
#include <doctest/doctest.h>

#include "runner/worker_state.h"
#include "tests/runner/worker_state_support.h"

using namespace wp;
using namespace wp::test;

namespace {

queue::ClaimedJob session_job(std::int64_t version, std::string document) {
  queue::ClaimedJob made = job("a", 1);
  made.session = "s";
  made.session_version = version;
  made.session_document = std::move(document);
  return made;
}

// Ends job 1 with a patch and answers the STEP that tells it.
StepPlan complete_with_patch(WorkerState& state, const std::string& patch) {
  Ending done = ending(1);
  done.session_patch = patch;
  state.ended(done, t(1), 0);
  auto plan = state.next_step(t(1));
  REQUIRE(plan);
  REQUIRE(plan->settlements.size() == 1);
  return *plan;
}

}  // namespace

TEST_CASE("a patch is merged into the document that came with the job") {
  WorkerState state = holding(1, {session_job(7, R"({"n":1})")});
  const StepPlan plan = complete_with_patch(state, R"({"m":2})");
  const queue::Settlement& settlement = plan.settlements[0];
  REQUIRE(settlement.session);
  CHECK(settlement.session->version == 7);
  CHECK(settlement.session->document == R"({"m":2,"n":1})");
  CHECK(state.step_answered(plan, reply({}, {Settled::done}), t(2)).conflicts == 0);
  CHECK(state.unsettled_count() == 0);
}

TEST_CASE("without a patch a session is left as it is") {
  WorkerState state = holding(1, {session_job(7, "{}")});
  CHECK_FALSE(complete_with_patch(state, "").settlements[0].session);
}

TEST_CASE("when another was faster the patch is merged anew, as often as that happens") {
  WorkerState state = holding(1, {session_job(7, R"({"n":1})")});
  StepPlan plan = complete_with_patch(state, R"({"m":2})");
  for (std::int64_t version = 8; version < 12; ++version) {
    queue::StepResult answer = reply({}, {Settled::conflict});
    answer.sessions[0] = {version, R"({"n":)" + std::to_string(version) + "}"};
    CHECK(state.step_answered(plan, answer, t(2)).conflicts == 1);
    const auto next = state.next_step(t(2));
    REQUIRE(next);
    plan = *next;
    REQUIRE(plan.settlements.size() == 1);
    CHECK(plan.settlements[0].session->version == version);
    CHECK(plan.settlements[0].session->document ==
          R"({"m":2,"n":)" + std::to_string(version) + "}");
  }
  state.step_answered(plan, reply({}, {Settled::done}), t(3));
  CHECK(state.unsettled_count() == 0);
}

TEST_CASE("a session that went or would grow too large makes another end of the job") {
  struct Row {
    Settled answer;
    queue::Outcome outcome;
    const char* text;
  };
  for (const Row row : {Row{Settled::session_gone, queue::Outcome::fail, "SessionGone: "},
                        Row{Settled::session_too_big, queue::Outcome::bury, "SessionTooLarge: "}}) {
    WorkerState state = holding(1, {session_job(7, "{}")});
    const StepPlan plan = complete_with_patch(state, R"({"m":2})");
    CHECK(state.step_answered(plan, reply({}, {row.answer}), t(2)).session_failures == 1);
    const auto again = state.next_step(t(2));
    REQUIRE(again);
    REQUIRE(again->settlements.size() == 1);
    CHECK(again->settlements[0].outcome == row.outcome);
    CHECK(again->settlements[0].text.starts_with(row.text));
    CHECK_FALSE(again->settlements[0].session);
    state.step_answered(*again, reply({}, {Settled::retried}), t(3));
    CHECK(state.unsettled_count() == 0);
  }
}

TEST_CASE("a job whose session is gone fails without its handler") {
  WorkerState state(1);
  state.connected();
  const auto plan = state.next_step(t(0));
  const StepOutcome outcome = state.step_answered(*plan, reply({session_job(-1, "")}), t(0));
  CHECK(outcome.start.empty());
  CHECK(outcome.session_failures == 1);
  const auto next = state.next_step(t(0));
  REQUIRE(next);
  REQUIRE(next->settlements.size() == 1);
  CHECK(next->settlements[0].outcome == queue::Outcome::fail);
  CHECK(next->settlements[0].epoch == 1);
}
