// The ramp 2 → 3 → 4, each trigger, restarts, resets and what a status may have lost.
#include "operator/scaling/ramp.h"

#include <algorithm>
#include <doctest/doctest.h>

using namespace wp;
using namespace wp::scaling;
using News = RampOutcome::News;

namespace {

constexpr Millis kHour{3600000};
constexpr Millis kBegin{1700000000000};

RampPlan plan_234() {
  RampPlan plan;
  plan.steps = {{2, 0, 2 * kHour}, {3, 1, 4 * kHour}, {4, 0, 24 * kHour}};
  plan.rollback_to = 1;
  plan.triggers = {10, 1, 1, 1, {"no such session"}};
  return plan;
}

// A ramp that is watched, hour by hour.
struct Watched {
  RampPlan plan = plan_234();
  std::optional<RampState> state;
  RampEvidence evidence{RampCounters{1000, 200, 30, 40}, {}, 0};
  RampOutcome at(Millis since_begin) {
    return advance(state, plan, evidence, kBegin + since_begin);
  }
  RampOutcome at_hour(int hour) { return at(hour * kHour); }
};

}  // namespace

TEST_CASE("2, 3, 4, each after its time, then the pool's own bounds") {
  Watched w;
  RampOutcome out = w.at_hour(0);
  CHECK(out.news == News::began);
  CHECK(out.note == "ramp step 1 of 3: up to 2 workers for 2 h");
  REQUIRE(out.bounds);
  CHECK(out.bounds->max_replicas == 2);
  CHECK(out.bounds->steps == 3);
  CHECK(out.recheck == 2 * kHour);
  out = w.at(2 * kHour - Millis{1});
  CHECK(out.news == News::none);
  CHECK(out.recheck == Millis{1});
  out = w.at_hour(2);
  CHECK(out.news == News::advanced);
  CHECK(out.note == "ramp step 2 of 3 after 2 h without trouble: up to 3 workers for 4 h");
  CHECK(out.bounds->max_replicas == 3);
  CHECK(out.bounds->min_replicas == 1);
  CHECK(out.recheck == 4 * kHour);
  CHECK(w.at_hour(5).news == News::none);
  CHECK(w.at_hour(6).bounds->max_replicas == 4);
  CHECK(w.at_hour(29).news == News::none);
  out = w.at_hour(30);
  CHECK(out.news == News::completed);
  CHECK(out.note == "the ramp is complete after 24 h without trouble");
  CHECK_FALSE(out.bounds);
  CHECK_FALSE(out.recheck);
  // Trouble after it is not the ramp's.
  w.evidence.counters->lost += 50;
  out = w.at_hour(31);
  CHECK(out.news == News::none);
  CHECK_FALSE(out.bounds);
  CHECK(w.state->phase == RampPhase::complete);
}

TEST_CASE("each trigger sets the cap back at once, and names up to five jobs") {
  const Millis hour = kBegin + kHour;
  struct Row {
    const char* what;
    RampEvidence evidence;
    const char* trigger;  // empty: does not fire
    std::vector<std::string> jobs;
  };
  const RampCounters begin{1000, 200, 30, 40};
  const auto counted = [&](std::int64_t completed, std::int64_t failed, std::int64_t lost,
                           std::int64_t interrupted) {
    return RampCounters{begin.completed + completed, begin.failed + failed, begin.lost + lost,
                        begin.interrupted + interrupted};
  };
  const std::vector<RampFailure> failures = {
      {"j9", hour, "failed", "exit status 1: no such session: s7"},
      {"j8", hour, "loss", "worker lost: pod gone"},
      {"j7", hour, "failed", "exit status 1"},
      {"j7", hour, "failed", "exit status 1"},
      {"j6", hour, "interrupted", "drain"},
      {"j5", hour, "dead", "worker crashed: too often"},
      {"j4", hour, "stalled", "no progress"},
      {"j3", hour, "dead", "exit status 65"},
      {"j0", kBegin - Millis{1}, "failed", "before the step"},
  };
  std::vector<RampFailure> without_session(failures.begin() + 1, failures.end());
  for (const Row& row : {
           Row{"nine attempts are too few", {counted(0, 9, 0, 0), without_session, 0}, "", {}},
           Row{"a tenth failed",
               {counted(90, 10, 0, 0), failures, 0},
               "failurePercent: 10 of 100 attempts (10 %), limit 10 %",
               {"j9", "j7", "j4", "j3"}},
           Row{"less than a tenth", {counted(91, 9, 0, 0), without_session, 0}, "", {}},
           Row{"one lost",
               {counted(5, 0, 1, 0), failures, 0},
               "lostJobs: 1, limit 1",
               {"j8", "j5"}},
           Row{"two interrupted",
               {counted(5, 0, 0, 2), failures, 0},
               "interruptedJobs: 2, limit 1",
               {"j6"}},
           Row{"one stalled",
               {counted(5, 0, 0, 0), failures, 1},
               "stalledWorkers: 1, limit 1",
               {"j4"}},
           Row{"stalled, and the queue unknown",
               {std::nullopt, {}, 3},
               "stalledWorkers: 3, limit 1",
               {}},
           Row{"an error's text",
               {counted(5, 0, 0, 0), failures, 0},
               "errorContains: \"no such session\"",
               {"j9"}},
           Row{"no such text", {counted(5, 0, 0, 0), without_session, 0}, "", {}},
       }) {
    CAPTURE(row.what);
    Watched w;
    (void)w.at_hour(0);
    w.evidence = row.evidence;
    const RampOutcome out = w.at_hour(1);
    const std::string trigger = row.trigger;
    if (trigger.empty()) {
      CHECK(out.news == News::none);
      CHECK(out.bounds->max_replicas == 2);
      continue;
    }
    CHECK(out.news == News::rolled_back);
    CHECK(out.bounds->max_replicas == 1);
    CHECK(out.bounds->rolled_back);
    CHECK(out.bounds->step == 1);
    CHECK_FALSE(out.pause_claims);
    CHECK(w.state->phase == RampPhase::rolled_back);
    CHECK(w.state->trigger == trigger);
    CHECK(w.state->jobs == row.jobs);
    CHECK(out.note.starts_with(trigger + " in ramp step 1 of 3: at most 1 worker until "));
    for (const std::string& job : row.jobs) CHECK(out.note.find(job) != std::string::npos);
  }
}

TEST_CASE("at most five jobs are named, each once") {
  Watched w;
  (void)w.at_hour(0);
  std::vector<std::string> ids;
  for (int i = 0; i < 9; ++i) ids.push_back("job-" + std::to_string(i));
  for (const std::string& id : ids) {
    w.evidence.failures.push_back({id, kBegin + kHour, "loss", ""});
    w.evidence.failures.push_back({id, kBegin + kHour, "loss", ""});
  }
  w.evidence.counters->lost += 18;
  (void)w.at_hour(1);
  CHECK(w.state->jobs == std::vector<std::string>{"job-0", "job-1", "job-2", "job-3", "job-4"});
}

TEST_CASE("a trigger that is absent never fires") {
  Watched w;
  w.plan.triggers = {};
  (void)w.at_hour(0);
  w.evidence = {
      RampCounters{1000, 9000, 9000, 9000}, {{"j", kBegin + kHour, "dead", "no such session"}}, 50};
  CHECK(w.at_hour(1).news == News::none);
  CHECK(w.at_hour(2).news == News::advanced);
}

TEST_CASE("only what happened since the step began counts") {
  Watched w;
  (void)w.at_hour(0);
  w.plan.triggers = {20, 5, 5, 1, {}};
  w.state.reset();
  (void)w.at_hour(0);
  // Four in each step: five in none.
  w.evidence.counters->lost += 4;
  CHECK(w.at_hour(1).news == News::none);
  CHECK(w.at_hour(2).news == News::advanced);
  w.evidence.counters->lost += 4;
  CHECK(w.at_hour(3).news == News::none);
  w.evidence.counters->lost += 1;
  CHECK(w.at_hour(4).news == News::rolled_back);
  CHECK(w.state->trigger == "lostJobs: 5, limit 5");
}

TEST_CASE("rolled back it stays, until the ramp changes or the annotation gets a new value") {
  Watched w;
  w.plan.reset = "monday";
  (void)w.at_hour(0);
  (void)w.at_hour(2);
  w.evidence.counters->lost += 1;
  CHECK(w.at_hour(3).news == News::rolled_back);
  CHECK(w.state->step == 2);
  for (int hour = 4; hour < 200; ++hour) {
    const RampOutcome out = w.at_hour(hour);
    CHECK(out.news == News::none);
    CHECK(out.bounds->max_replicas == 1);
    CHECK_FALSE(out.recheck);
  }
  Watched again = w;
  again.plan.reset = "";  // taken away: that is no new value
  CHECK(again.at_hour(200).bounds->max_replicas == 1);
  again.plan.reset = "monday";
  CHECK(again.at_hour(201).bounds->max_replicas == 1);
  again.plan.reset = "tuesday";
  RampOutcome out = again.at_hour(202);
  CHECK(out.news == News::began);
  CHECK(out.bounds->max_replicas == 2);
  CHECK(again.state->phase == RampPhase::advancing);
  CHECK(again.state->trigger.empty());
  CHECK(again.state->jobs.empty());
  // What rolled it back before does not do so again.
  CHECK(again.at_hour(203).news == News::none);
  CHECK(again.at_hour(204).news == News::advanced);

  again = w;
  again.plan.triggers.lost_jobs = 3;
  out = again.at_hour(200);
  CHECK(out.news == News::began);
  CHECK(out.bounds->max_replicas == 2);
}

TEST_CASE("onRollback PauseClaims says so, for as long as it is rolled back") {
  Watched w;
  w.plan.pause_claims = true;
  CHECK_FALSE(w.at_hour(0).pause_claims);
  w.evidence.stalled_workers = 1;
  const RampOutcome out = w.at_hour(1);
  CHECK(out.pause_claims);
  CHECK(out.note.find("at most 1 worker, claims paused, until") != std::string::npos);
  w.evidence.stalled_workers = 0;
  CHECK(w.at_hour(2).pause_claims);
  w.plan.reset = "go on";
  CHECK_FALSE(w.at_hour(3).pause_claims);
}

TEST_CASE("a restart goes on where it was, with what status kept") {
  Watched w;
  (void)w.at_hour(0);
  (void)w.at_hour(2);
  const RampState kept = *w.state;
  // Nothing but what status keeps.
  Watched after;
  after.state = RampState{kept.step, kept.since, kept.phase, kept.trigger,
                          kept.jobs, kept.plan,  kept.reset, kept.baseline};
  CHECK(after.at_hour(5).news == News::none);
  CHECK(after.at_hour(6).news == News::advanced);
  // What happened while nobody looked counts, by the baseline; without it from now on.
  after.state = kept;
  after.evidence.counters->lost += 1;
  CHECK(after.at_hour(5).news == News::rolled_back);
  after.state = kept;
  after.state->baseline.reset();
  CHECK(after.at_hour(5).news == News::none);
  after.evidence.counters->lost += 1;
  CHECK(after.at_hour(6).news == News::rolled_back);
  // Not even what was declared then: taken as it is declared now.
  after.state = kept;
  after.state->plan.clear();
  after.evidence.counters = kept.baseline;
  CHECK(after.at_hour(5).news == News::none);
  CHECK(after.state->step == 2);
}

TEST_CASE("counters that went backwards begin anew, and count from there") {
  Watched w;
  (void)w.at_hour(0);
  w.evidence.counters = RampCounters{0, 0, 0, 0};
  CHECK(w.at_hour(1).news == News::none);
  w.evidence.counters->lost = 1;
  CHECK(w.at(kHour + Millis{1}).news == News::rolled_back);
}

TEST_CASE("while the queue is unknown no step is taken, and the next reading decides") {
  Watched w;
  (void)w.at_hour(0);
  const RampEvidence known = w.evidence;
  w.evidence = {};
  CHECK(w.at_hour(2).news == News::none);
  CHECK(w.at_hour(3).bounds->max_replicas == 2);
  w.evidence = known;
  w.evidence.counters->lost += 1;
  Watched other = w;
  CHECK(w.at_hour(4).news == News::rolled_back);
  other.evidence.counters->lost -= 1;
  CHECK(other.at_hour(4).news == News::advanced);
  // One step at a time, each for its whole time.
  CHECK(other.at_hour(7).news == News::none);
  (void)other.at_hour(500);
  CHECK(other.state->step == 3);
}

TEST_CASE("a clock that was set back does not stop it for ever") {
  Watched w;
  (void)w.at_hour(1000);
  CHECK(w.at_hour(0).recheck == 2 * kHour);
  CHECK(w.at_hour(2).news == News::advanced);
}

TEST_CASE("no steps are no ramp") {
  Watched w;
  (void)w.at_hour(0);
  w.plan.steps.clear();
  CHECK_FALSE(w.at_hour(1).bounds);
  CHECK_FALSE(w.state);
}

TEST_CASE("a digest tells ramps apart by all they declare, and not by the annotation") {
  const std::string own = digest_of(plan_234());
  CHECK(own == digest_of(plan_234()));
  RampPlan same = plan_234();
  same.reset = "x";
  CHECK(digest_of(same) == own);
  const auto changed = [&](auto change) {
    RampPlan other = plan_234();
    change(other);
    return digest_of(other) != own;
  };
  CHECK(changed([](RampPlan& p) { p.steps.pop_back(); }));
  CHECK(changed([](RampPlan& p) { p.steps[0].max_replicas = 1; }));
  CHECK(changed([](RampPlan& p) { p.steps[0].min_replicas = 1; }));
  CHECK(changed([](RampPlan& p) { p.steps[0].stable_for += Millis{1}; }));
  CHECK(changed([](RampPlan& p) { p.rollback_to = 0; }));
  CHECK(changed([](RampPlan& p) { p.pause_claims = true; }));
  CHECK(changed([](RampPlan& p) { p.triggers.failure_percent.reset(); }));
  CHECK(changed([](RampPlan& p) { p.triggers.lost_jobs = 2; }));
  CHECK(changed([](RampPlan& p) { p.triggers.interrupted_jobs.reset(); }));
  CHECK(changed([](RampPlan& p) { p.triggers.stalled_workers = 2; }));
  CHECK(changed([](RampPlan& p) { p.triggers.error_contains = {"no such", "session"}; }));
}

TEST_CASE("words of a phase, there and back") {
  for (const RampPhase phase :
       {RampPhase::advancing, RampPhase::rolled_back, RampPhase::complete}) {
    CHECK(ramp_phase(to_string(phase)) == phase);
  }
  CHECK_FALSE(ramp_phase("Elsewhere"));
}
