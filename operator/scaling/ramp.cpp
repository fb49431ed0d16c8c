#include "operator/scaling/ramp.h"

#include <algorithm>
#include <fmt/format.h>

#include "base/digest.h"
#include "operator/scaling/wording.h"

namespace wp::scaling {
namespace {

constexpr std::int64_t kEnoughAttempts = 10;
constexpr std::size_t kMostJobs = 5;

using News = RampOutcome::News;

struct Trouble {
  std::string trigger;
  std::vector<std::string> jobs;
};

// Of the step's failures, those that `concerns` picks.
template <typename Concerns>
std::vector<std::string> jobs_of(const RampState& state, const RampEvidence& evidence,
                                 Concerns concerns) {
  std::vector<std::string> jobs;
  for (const RampFailure& failure : evidence.failures) {
    if (jobs.size() == kMostJobs) break;
    if (failure.at < state.since || !concerns(failure)) continue;
    // One job that failed three times is one job.
    if (std::find(jobs.begin(), jobs.end(), failure.id) == jobs.end())
      jobs.emplace_back(failure.id);
  }
  return jobs;
}

// One that was lost too often is dead, and its message says of what.
bool is_loss(const RampFailure& failure) {
  return failure.kind == "loss" || failure.kind == "crash" ||
         (failure.kind == "dead" && failure.error.starts_with("worker "));
}

bool is_failure(const RampFailure& failure) {
  const bool ended =
      failure.kind == "failed" || failure.kind == "dead" || failure.kind == "stalled";
  return ended && !is_loss(failure);
}

// What happened since the step began, against the triggers in the order of the declaration.
std::optional<Trouble> find_trouble(const RampState& state, const RampTriggers& when,
                                    const RampEvidence& evidence) {
  const auto named = [&](auto concerns) { return jobs_of(state, evidence, concerns); };
  if (evidence.counters && state.baseline) {
    const RampCounters& now = *evidence.counters;
    const std::int64_t failed = now.failed - state.baseline->failed;
    const std::int64_t ended = now.completed - state.baseline->completed + failed;
    if (when.failure_percent && ended >= kEnoughAttempts &&
        failed * 100 >= ended * *when.failure_percent) {
      return Trouble{fmt::format("failurePercent: {} of {} attempts ({} %), limit {} %", failed,
                                 ended, failed * 100 / ended, *when.failure_percent),
                     named(is_failure)};
    }
    const std::int64_t lost = now.lost - state.baseline->lost;
    if (when.lost_jobs && lost >= *when.lost_jobs) {
      return Trouble{fmt::format("lostJobs: {}, limit {}", lost, *when.lost_jobs), named(is_loss)};
    }
    const std::int64_t interrupted = now.interrupted - state.baseline->interrupted;
    if (when.interrupted_jobs && interrupted >= *when.interrupted_jobs) {
      return Trouble{
          fmt::format("interruptedJobs: {}, limit {}", interrupted, *when.interrupted_jobs),
          named([](const RampFailure& failure) { return failure.kind == "interrupted"; })};
    }
  }
  if (when.stalled_workers && evidence.stalled_workers >= *when.stalled_workers) {
    return Trouble{fmt::format("stalledWorkers: {}, limit {}", evidence.stalled_workers,
                               *when.stalled_workers),
                   named([](const RampFailure& failure) { return failure.kind == "stalled"; })};
  }
  for (const std::string& text : when.error_contains) {
    auto jobs = named([&](const RampFailure& failure) {
      return failure.error.find(text) != std::string_view::npos;
    });
    if (!jobs.empty()) return Trouble{fmt::format("errorContains: \"{}\"", text), std::move(jobs)};
  }
  return std::nullopt;
}

bool went_backwards(const RampCounters& before, const RampCounters& after) {
  return after.completed < before.completed || after.failed < before.failed ||
         after.lost < before.lost || after.interrupted < before.interrupted;
}

class Ramp {
 public:
  Ramp(RampState& state, const RampPlan& plan, const RampEvidence& evidence, Millis wall)
      : state_(state), plan_(plan), evidence_(evidence), wall_(wall) {}

  RampOutcome run(bool is_new) {
    take_declaration(is_new);
    keep_baseline();
    if (state_.phase == RampPhase::advancing) {
      if (auto trouble = find_trouble(state_, plan_.triggers, evidence_)) {
        roll_back(std::move(*trouble));
      } else {
        move_on();
      }
    }
    say_bounds();
    return std::move(outcome_);
  }

 private:
  int steps() const { return static_cast<int>(plan_.steps.size()); }
  const RampStep& step() const { return plan_.steps[static_cast<std::size_t>(state_.step - 1)]; }

  // Another ramp, or another value of the annotation, begins anew. What status lost (it is empty)
  // says nothing, and is taken as it is declared.
  void take_declaration(bool is_new) {
    const std::string digest = digest_of(plan_);
    const bool other = !state_.plan.empty() && state_.plan != digest;
    const bool reset = !plan_.reset.empty() && plan_.reset != state_.reset;
    if (is_new || other || reset) {
      const std::string obeyed = plan_.reset.empty() ? state_.reset : plan_.reset;
      state_ = RampState{};
      state_.reset = obeyed;
      state_.since = wall_;
      outcome_.news = News::began;
      outcome_.note = fmt::format("ramp step 1 of {}: {}", steps(), spell_step());
    }
    state_.plan = digest;
    state_.step = std::clamp(state_.step, 1, steps());
    // A clock that was set back.
    state_.since = std::min(state_.since, wall_);
  }

  void keep_baseline() {
    if (!evidence_.counters) return;
    if (!state_.baseline || went_backwards(*state_.baseline, *evidence_.counters)) {
      state_.baseline = evidence_.counters;
    }
  }

  void move_on() {
    const Millis left = state_.since + step().stable_for - wall_;
    if (left > Millis{0}) {
      outcome_.recheck = left;
      return;
    }
    // Whether there was trouble is not known.
    if (!evidence_.counters) return;
    const std::string stable = spell_time(step().stable_for);
    state_.since = wall_;
    state_.baseline = evidence_.counters;
    if (state_.step == steps()) {
      state_.phase = RampPhase::complete;
      outcome_.news = News::completed;
      outcome_.note = fmt::format("the ramp is complete after {} without trouble", stable);
      return;
    }
    ++state_.step;
    outcome_.news = News::advanced;
    outcome_.note = fmt::format("ramp step {} of {} after {} without trouble: {}", state_.step,
                                steps(), stable, spell_step());
    outcome_.recheck = step().stable_for;
  }

  void roll_back(Trouble trouble) {
    state_.phase = RampPhase::rolled_back;
    state_.since = wall_;
    state_.trigger = std::move(trouble.trigger);
    state_.jobs = std::move(trouble.jobs);
    outcome_.news = News::rolled_back;
    outcome_.note = fmt::format(
        "{} in ramp step {} of {}: at most {}{} until spec.scaling.ramp changes or the annotation "
        "workerpool.dev/ramp-reset gets a new value",
        state_.trigger, state_.step, steps(), spell_workers(plan_.rollback_to),
        plan_.pause_claims ? ", claims paused," : "");
    if (!state_.jobs.empty()) {
      outcome_.note += fmt::format("; {} {}", state_.jobs.size() == 1 ? "job" : "jobs",
                                   fmt::join(state_.jobs, ", "));
    }
  }

  std::string spell_step() const {
    return fmt::format("up to {} for {}", spell_workers(step().max_replicas),
                       spell_time(step().stable_for));
  }

  void say_bounds() {
    switch (state_.phase) {
      case RampPhase::advancing:
        outcome_.bounds =
            RampBounds{state_.step, steps(), step().max_replicas, step().min_replicas, false};
        return;
      case RampPhase::rolled_back:
        outcome_.bounds = RampBounds{state_.step, steps(), plan_.rollback_to, 0, true};
        outcome_.pause_claims = plan_.pause_claims;
        return;
      case RampPhase::complete:
        return;
    }
  }

  RampState& state_;
  const RampPlan& plan_;
  const RampEvidence& evidence_;
  const Millis wall_;
  RampOutcome outcome_;
};

}  // namespace

std::string_view to_string(RampPhase phase) {
  switch (phase) {
    case RampPhase::advancing:
      return "Advancing";
    case RampPhase::rolled_back:
      return "RolledBack";
    case RampPhase::complete:
      return "Complete";
  }
  return "Advancing";
}

std::optional<RampPhase> ramp_phase(std::string_view word) {
  for (const RampPhase phase :
       {RampPhase::advancing, RampPhase::rolled_back, RampPhase::complete}) {
    if (word == to_string(phase)) return phase;
  }
  return std::nullopt;
}

RampOutcome advance(std::optional<RampState>& state, const RampPlan& plan,
                    const RampEvidence& evidence, Millis wall) {
  if (plan.steps.empty()) {
    state.reset();
    return {};
  }
  const bool is_new = !state;
  if (is_new) state.emplace();
  return Ramp(*state, plan, evidence, wall).run(is_new);
}

std::string digest_of(const RampPlan& plan) {
  const RampTriggers& when = plan.triggers;
  std::string text =
      fmt::format("{} {} {} {} {} {}", plan.rollback_to, plan.pause_claims,
                  when.failure_percent.value_or(-1), when.lost_jobs.value_or(-1),
                  when.interrupted_jobs.value_or(-1), when.stalled_workers.value_or(-1));
  for (const RampStep& step : plan.steps) {
    text +=
        fmt::format("; {} {} {}", step.max_replicas, step.min_replicas, step.stable_for.count());
  }
  for (const std::string& error : when.error_contains) {
    text += fmt::format("; {}:{}", error.size(), error);
  }
  return short_digest(text);
}

}  // namespace wp::scaling
