#include "runner/worker_state.h"

#include <algorithm>
#include <utility>

namespace wp::runner {
namespace {

// A due moment that a STEP did not clear (more than it promotes in one call) is tried again then.
constexpr Millis kDueAgain{50};
// A handler that has run a job for so long is not broken.
constexpr Millis kTrialProves{5000};

queue::Outcome outcome_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::complete:
      return queue::Outcome::complete;
    case Verdict::crash:
      return queue::Outcome::crash;
    case Verdict::defer:
      return queue::Outcome::defer;
    case Verdict::bury:
      return queue::Outcome::bury;
    default:
      return queue::Outcome::fail;
  }
}

}  // namespace

WorkerState::WorkerState(int slots)
    : slots_(slots),
      broken_backoff_({.initial = Millis{1000}, .max = Millis{30000}, .jitter_percent = 0}) {}

bool WorkerState::alone_running() const {
  return std::any_of(held_.begin(), held_.end(), [](const auto& entry) {
    return entry.second.alone &&
           (entry.second.stage == Stage::running || entry.second.stage == Stage::abandoned);
  });
}

// Exactly the free slots: a job that waited here for one could be running elsewhere.
int WorkerState::want(Millis now) const {
  if (draining_ || retired_ || paused_ || refused_ || alone_running()) return 0;
  const int free = slots_ - busy_slots();
  if (!broken_) return std::min(free, kMaxStep);
  // One job finds out whether the handler works again; the others stay with workers that do.
  return now >= broken_until_ && !trial_ && free > 0 ? 1 : 0;
}

void WorkerState::judge_trial(Millis now) {
  if (!broken_ || !trial_) return;
  const auto it = held_.find(*trial_);
  if (it == held_.end() || it->second.stage != Stage::running) {
    trial_.reset();
  } else if (now - it->second.started >= kTrialProves) {
    broken_ = false;
    broken_backoff_.reset();
    trial_.reset();
    prompted_ = true;
  }
}

bool WorkerState::wants_token(Millis now) const {
  return want(now) > 0 && !token_taken_ && !prompted_;
}

std::optional<Millis> WorkerState::wake_at(Millis now) const {
  std::optional<Millis> first = due_;
  const auto consider = [&first](Millis moment) {
    if (!first || moment < *first) first = moment;
  };
  if (broken_ && now < broken_until_) consider(broken_until_);
  if (broken_ && trial_) {
    if (const auto it = held_.find(*trial_); it != held_.end()) {
      consider(it->second.started + kTrialProves);
    }
  }
  return first;
}

std::optional<StepPlan> WorkerState::next_step(Millis now) {
  judge_trial(now);
  StepPlan plan;
  for (auto& [epoch, held] : held_) {
    if (held.stage != Stage::settling || held.in_flight) continue;
    if (plan.settlements.size() == static_cast<std::size_t>(kMaxStep)) break;
    plan.settlements.push_back(held.settlement);
    plan.epochs.push_back(epoch);
  }
  plan.want = want(now);
  const bool due = due_ && now >= *due_;
  // Every end leaves a slot idle, so it is told at once; what ends while a STEP is under way shares
  // the next one. A token that was taken has to be put back by a STEP, also when it is of no use.
  if (plan.settlements.empty() && !token_taken_ && !due && !(prompted_ && plan.want > 0)) return {};
  for (const std::int64_t epoch : plan.epochs) held_.at(epoch).in_flight = true;
  claiming_ = plan.want > 0;
  return plan;
}

void WorkerState::see(const queue::WorkerView& view, Millis now) {
  retired_ = view.retired;
  paused_ = view.paused;
  config_hash_ = view.config_hash;
  due_.reset();
  if (view.next_due) due_ = now + std::max(Millis{0}, *view.next_due - view.now);
}

std::vector<std::int64_t> WorkerState::cancelled(const std::vector<std::string>& ids) {
  std::vector<std::int64_t> epochs;
  for (auto& [epoch, held] : held_) {
    if (held.stage != Stage::running || held.stop_sent) continue;
    if (std::find(ids.begin(), ids.end(), held.id) == ids.end()) continue;
    held.stop_sent = true;
    epochs.push_back(epoch);
  }
  return epochs;
}

StepOutcome WorkerState::step_answered(const StepPlan& in_reply_to, const queue::StepResult& result,
                                       Millis now) {
  StepOutcome outcome;
  claiming_ = false;
  for (std::size_t i = 0; i < in_reply_to.epochs.size(); ++i) {
    const auto it = held_.find(in_reply_to.epochs[i]);
    if (it == held_.end()) continue;
    if (i < result.settled.size() && result.settled[i] == queue::Settled::stale) {
      ++(it->second.resent ? outcome.unknown : outcome.stale);
    }
    held_.erase(it);
  }
  see(result.view, now);
  if (due_ && *due_ <= now) due_ = now + kDueAgain;
  token_taken_ = false;
  for (const queue::ClaimedJob& job : result.claimed) {
    Held held;
    held.id = job.id;
    held.type = job.type;
    held.alone = job.alone;
    held.started = now;
    held.session = job.session;
    held.chain = job.chain;
    if (draining_) {
      held.stage = Stage::returning;
    } else {
      ++running_;
      if (broken_) trial_ = job.epoch;
      outcome.start.push_back(job);
    }
    held_.emplace(job.epoch, std::move(held));
  }
  const int claimed = static_cast<int>(result.claimed.size());
  outcome.cancelled = cancelled(result.view.cancelled);
  prompted_ = result.view.claimable && claimed > 0 && in_reply_to.want > 0;
  refused_ = result.view.claimable && claimed == 0 && in_reply_to.want > 0;
  return outcome;
}

Stops WorkerState::beat_answered(const queue::BeatResult& result, Millis now) {
  Stops stops;
  for (const std::string& id : result.lost) {
    for (auto it = held_.begin(); it != held_.end();) {
      Held& held = it->second;
      if (held.id != id || held.stage == Stage::abandoned) {
        ++it;
      } else if (held.stage == Stage::running) {
        stops.lost.push_back(it->first);
        held.stage = Stage::abandoned;
        --running_;
        ++abandoned_;
        ++it;
      } else {
        if (held.stage == Stage::settling && held.resent) ++stops.unknown;
        it = held_.erase(it);  // not ours any more: there is nobody to tell
      }
    }
  }
  see(result.view, now);
  stops.cancelled = cancelled(result.view.cancelled);
  refused_ = false;
  if (result.view.claimable) prompted_ = true;
  return stops;
}

void WorkerState::release_answered(const ReleasePlan& in_reply_to) {
  for (const queue::Claim& claim : in_reply_to.claims) held_.erase(claim.epoch);
}

void WorkerState::connection_lost() {
  unheard_ |= std::exchange(claiming_, false);
  for (auto& [epoch, held] : held_) {
    if (!held.in_flight) continue;
    held.in_flight = false;
    held.resent = true;
  }
}

void WorkerState::connected() {
  unheard_ = false;
  prompted_ = true;
  refused_ = false;
}

std::optional<Counted> WorkerState::ended(const Ending& ending, Millis now, std::uint64_t chance) {
  const auto it = held_.find(ending.epoch);
  if (it == held_.end()) return std::nullopt;
  Held& held = it->second;
  refused_ = false;
  if (held.stage == Stage::abandoned) {
    --abandoned_;
    held_.erase(it);
    prompted_ = true;
    return std::nullopt;
  }
  if (held.stage != Stage::running) return std::nullopt;
  --running_;
  prompted_ = true;

  Counted counted{held.type, std::string(to_string(ending.verdict)), ending.duration};
  if (ending.verdict == Verdict::broken || ending.verdict == Verdict::interrupted) {
    held.stage = Stage::returning;
    held.release = ending.verdict == Verdict::broken ? queue::ReleaseKind::unstarted
                                                     : queue::ReleaseKind::interrupted;
  } else {
    held.stage = Stage::settling;
    held.settlement = {held.id,     ending.epoch,    outcome_of(ending.verdict),
                       ending.text, ending.duration, ending.delay};
    if (held.settlement.outcome == queue::Outcome::complete) {
      held.settlement.next = queue::next_in_chain(held.session, held.chain, ending.text);
    }
  }
  if (ending.verdict == Verdict::broken) {
    // Jobs that began together fail together: they count as one try.
    trial_.reset();
    if (!broken_ || now >= broken_until_) broken_until_ = now + broken_backoff_.next(chance);
    broken_ = true;
  } else if (ending.verdict != Verdict::interrupted) {
    broken_ = false;
    trial_.reset();
    broken_backoff_.reset();
  }
  return counted;
}

std::optional<ReleasePlan> WorkerState::next_release() {
  ReleasePlan plan;
  for (auto& [epoch, held] : held_) {
    if (held.stage != Stage::returning) continue;
    if (plan.claims.empty()) plan.kind = held.release;
    if (held.release != plan.kind) continue;  // the other kind goes with the next call
    if (plan.claims.size() == static_cast<std::size_t>(kMaxStep)) break;
    plan.claims.push_back({held.id, epoch});
  }
  if (plan.claims.empty()) return std::nullopt;
  return plan;
}

BeatPlan WorkerState::beat() const {
  BeatPlan plan;
  for (const auto& [epoch, held] : held_) {
    if (held.stage == Stage::abandoned) continue;
    plan.claims.push_back({held.id, epoch});
  }
  return plan;
}

std::vector<std::int64_t> WorkerState::running() const {
  std::vector<std::int64_t> epochs;
  for (const auto& [epoch, held] : held_) {
    if (held.stage == Stage::running) epochs.push_back(epoch);
  }
  return epochs;
}

std::vector<WorkerState::Shown> WorkerState::shown(std::size_t limit) const {
  std::vector<Shown> list;
  for (const auto& [epoch, held] : held_) {
    if (list.size() == limit) break;
    if (held.stage == Stage::running) list.push_back({held.id, held.started});
  }
  return list;
}

int WorkerState::unsettled_count() const {
  return static_cast<int>(held_.size()) - running_ - abandoned_;
}

}  // namespace wp::runner
