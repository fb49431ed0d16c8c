#include "ctl/pools/next_step.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

#include "operator/pool/event_reasons.h"

namespace wp::ctl {
namespace {

namespace condition = pool::condition;
namespace cause = pool::cause;

// Causes that say what is wanted; all others cap or hold the number.
constexpr std::array kWanted = {cause::kBacklog, cause::kIdle, cause::kSchedule,
                                cause::kBelowThreshold};

// Troubles that a rolled back ramp gives way to: with them it could not begin anew.
constexpr std::array kBeforeRamp = {condition::kInvalidSpec,    condition::kNameConflict,
                                    condition::kQueueConflict,  condition::kTargetConflict,
                                    condition::kQueueReachable, condition::kHandlersBroken,
                                    condition::kRolloutStuck};

template <typename List>
bool holds(const List& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

// kubectl on this pool; empty for a local one.
std::string kubectl(const PoolFacts& f, const std::string& verb, const std::string& rest) {
  if (f.shown.local) return {};
  const pool::Metadata& meta = f.parsed.pool.meta;
  return fmt::format("kubectl -n {} {} wp {} {}", meta.ns, verb, meta.name, rest);
}

std::string kubectl_pods(const PoolFacts& f, const std::string& verb) {
  if (f.shown.local || f.status.selector.empty()) return {};
  return fmt::format("kubectl -n {} {} -l {}", f.parsed.pool.meta.ns, verb, f.status.selector);
}

NextStep against(const PoolFacts& f, const pool::Condition& trouble) {
  NextStep next{std::string(pool::advice_on_trouble(trouble.type)->step), ""};
  if (trouble.type == condition::kRolloutStuck) next.command = kubectl_pods(f, "describe pods");
  if (trouble.type == condition::kHandlersBroken) {
    next.command = kubectl_pods(f, "logs --tail=20 --prefix");
  }
  return next;
}

NextStep begin_ramp_anew(const PoolFacts& f) {
  if (f.shown.local) return {"mend what fired it, then start local mode again", ""};
  return {"mend what fired it, then let the ramp begin anew:",
          kubectl(f, "annotate", "workerpool.dev/ramp-reset=$(date +%s) --overwrite")};
}

// Somebody wanted it so; nothing is wrong.
NextStep against_intent(const PoolFacts& f, std::string_view reason) {
  if (reason == cause::kPaused) {
    if (f.declared().pause == pool::Pause::none) {
      return {"when that is over:", "workerpoolctl queue resume " + f.declared().queue.name};
    }
    return {f.shown.local ? "set spec.pause to None in the pool's file and start local mode again"
                          : "when that is over:",
            kubectl(f, "patch", R"(--type=merge -p '{"spec":{"pause":"None"}}')")};
  }
  if (f.shown.local) return {"nothing to do; without spec.replicas the size is automatic", ""};
  return {"nothing to do; for an automatic size:",
          kubectl(f, "patch", R"(--type=merge -p '{"spec":{"replicas":null}}')")};
}

}  // namespace

std::vector<const pool::Condition*> troubles_of(const pool::Status& status) {
  std::vector<const pool::Condition*> found;
  for (const pool::Advice& advice : pool::trouble_advice()) {
    const pool::Condition* one = status.condition(advice.word);
    if (one == nullptr || !pool::is_trouble(*one)) continue;
    // Ready repeats what another condition says, unless nothing else does.
    if (one->type == condition::kReady && !found.empty()) continue;
    found.push_back(one);
  }
  return found;
}

const pool::Advice* advice_of(const PoolFacts& f) {
  if (!f.status.decision) return nullptr;
  return pool::advice_on_decision(
      f.status.decision->cause, f.status.decision->replicas, f.declared(),
      f.status.ramp ? std::string_view(f.status.ramp->state) : std::string_view());
}

const pool::Advice* limit_of(const PoolFacts& f) {
  const pool::Advice* advice = advice_of(f);
  return advice != nullptr && holds(kWanted, advice->word) ? nullptr : advice;
}

bool is_rolled_back(const PoolFacts& f) {
  return f.status.ramp && f.status.ramp->state == pool::ramp_state::kRolledBack;
}

NextStep next_step(const PoolFacts& f) {
  if (f.status.conditions.empty()) {
    return {fmt::format("no operator has looked at this pool yet: does one run, and does it watch "
                        "namespace {}?",
                        f.parsed.pool.meta.ns),
            ""};
  }
  if (f.status.observed_generation < f.parsed.pool.meta.generation) {
    return {"wait: the operator has not seen the newest spec yet; if that lasts, does it run?", ""};
  }
  const auto troubles = troubles_of(f.status);
  const bool ramp_first =
      is_rolled_back(f) && (troubles.empty() || !holds(kBeforeRamp, troubles.front()->type));
  if (ramp_first) return begin_ramp_anew(f);
  if (!troubles.empty()) return against(f, *troubles.front());
  const pool::Condition* active = f.status.condition(condition::kScalingActive);
  if (active != nullptr && active->status == pool::ConditionStatus::is_false &&
      (active->reason == cause::kPaused || active->reason == cause::kFixed)) {
    return against_intent(f, active->reason);
  }
  const pool::Advice* limit = limit_of(f);
  if (limit == nullptr) return {"nothing to do", ""};
  return {std::string(limit->step),
          limit->word == cause::kUnschedulable ? kubectl_pods(f, "describe pods") : ""};
}

}  // namespace wp::ctl
