#include "runner/worker_state.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

#include "runner/session.h"

namespace wp::runner {
namespace {

// A due moment that a STEP did not clear (more than it promotes in one call) is tried again then.
constexpr Millis kDueAgain{50};

queue::Outcome outcome_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::complete:
      return queue::Outcome::complete;
    case Verdict::stall:
      return queue::Outcome::stall;
    case Verdict::crash:
      return queue::Outcome::crash;
    case Verdict::defer:
      return queue::Outcome::defer;
    case Verdict::bury:
    case Verdict::rejected:
      return queue::Outcome::bury;
    default:
      return queue::Outcome::fail;
  }
}

std::string gone_text(const std::string& session) {
  return fmt::format("SessionGone: the session \"{}\" is not kept any more (jobs.session.ttl)",
                     session);
}

// Given back uncounted: it was no end of the job.
bool goes_back(Verdict verdict) {
  return verdict == Verdict::broken || verdict == Verdict::unstarted ||
         verdict == Verdict::interrupted;
}

}  // namespace

WorkerState::WorkerState(int slots) : slots_(slots), capacity_(slots) {}

bool WorkerState::alone_running() const {
  return std::any_of(held_.begin(), held_.end(), [](const auto& entry) {
    return entry.second.alone &&
           (entry.second.stage == Stage::running || entry.second.stage == Stage::abandoned);
  });
}

// Exactly the free slots: a job that waited here for one could be running elsewhere.
int WorkerState::want(Millis now) const {
  if (draining_ || retired_ || paused_ || refused_ || alone_running()) return 0;
  return std::clamp(breaker_.allowed(capacity_ - busy_slots(), now), 0, kMaxStep);
}

bool WorkerState::wants_token(Millis now) const {
  return want(now) > 0 && tokens_ == 0 && !prompted_;
}

std::optional<Millis> WorkerState::wake_at(Millis now) const {
  std::optional<Millis> first = due_;
  const auto consider = [&first](Millis moment) {
    if (!first || moment < *first) first = moment;
  };
  if (const auto moment = breaker_.wake_at(); moment && *moment > now) consider(*moment);
  return first;
}

std::optional<StepPlan> WorkerState::next_step(Millis now) {
  if (breaker_.judge(now)) prompted_ = true;
  StepPlan plan;
  for (auto& [epoch, held] : held_) {
    if (held.stage != Stage::settling || held.in_flight) continue;
    if (plan.settlements.size() == static_cast<std::size_t>(kMaxStep)) break;
    plan.settlements.push_back(held.settlement);
    plan.epochs.push_back(epoch);
  }
  plan.want = want(now);
  plan.tokens = tokens_;
  const bool due = due_ && now >= *due_;
  // Every end leaves a slot idle, so it is told at once; what ends while a STEP is under way shares
  // the next one. A token that was taken has to be put back by a STEP, also when it is of no use.
  if (plan.settlements.empty() && tokens_ == 0 && !due && !(prompted_ && plan.want > 0)) return {};
  for (const std::int64_t epoch : plan.epochs) held_.at(epoch).in_flight = true;
  claiming_ = plan.want > 0;
  return plan;
}

void WorkerState::see(const queue::WorkerView& view, Millis now) {
  retired_ = view.retired;
  paused_ = view.paused;
  config_hash_ = view.config_hash;
  others_wait_ = view.claimable;
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

void WorkerState::settle_otherwise(Held& held, queue::Outcome outcome, std::string text) {
  held.stage = Stage::settling;
  held.settlement.outcome = outcome;
  held.settlement.text = std::move(text);
  held.settlement.session.reset();
  held.settlement.next.reset();
}

void WorkerState::merge_patch(Held& held) {
  held.settlement.session = queue::SessionWrite{
      held.document.version, merge_session(held.document.document, held.session_patch)};
}

// Of a completion that its session was in the way of, the job is still ours: it is told once more,
// as it is to be now. `document`: the session's, as it is now.
bool WorkerState::settle_again(Held& held, queue::Settled settled,
                               const queue::SessionState* document, StepOutcome& outcome) {
  switch (settled) {
    case queue::Settled::conflict:
      if (document == nullptr) return false;
      held.document = *document;
      merge_patch(held);
      ++outcome.conflicts;
      break;
    case queue::Settled::session_gone:
      settle_otherwise(held, queue::Outcome::fail, gone_text(held.session));
      ++outcome.session_failures;
      break;
    case queue::Settled::session_too_big:
      settle_otherwise(
          held, queue::Outcome::bury,
          fmt::format(
              "SessionTooLarge: the document of the session \"{}\" would have {} bytes, more "
              "than jobs.session.maxBytes; keep it elsewhere and store a reference",
              held.session, held.settlement.session->document.size()));
      ++outcome.session_failures;
      break;
    default:
      return false;
  }
  held.in_flight = false;
  held.resent = false;
  return true;
}

StepOutcome WorkerState::step_answered(const StepPlan& in_reply_to, const queue::StepResult& result,
                                       Millis now) {
  StepOutcome outcome;
  claiming_ = false;
  for (std::size_t i = 0; i < in_reply_to.epochs.size(); ++i) {
    const auto it = held_.find(in_reply_to.epochs[i]);
    if (it == held_.end()) continue;
    const queue::Settled settled =
        i < result.settled.size() ? result.settled[i] : queue::Settled::stale;
    const auto document = result.sessions.find(i);
    const queue::SessionState* const newest =
        document != result.sessions.end() ? &document->second : nullptr;
    if (settle_again(it->second, settled, newest, outcome)) continue;
    if (settled == queue::Settled::stale) {
      ++(it->second.resent ? outcome.unknown : outcome.stale);
    }
    held_.erase(it);
  }
  see(result.view, now);
  if (due_ && *due_ <= now) due_ = now + kDueAgain;
  // One that was taken meanwhile may stand for a job that this STEP was too early to see.
  tokens_ -= in_reply_to.tokens;
  for (const queue::ClaimedJob& job : result.claimed) {
    Held held;
    held.id = job.id;
    held.type = job.type;
    held.alone = job.alone;
    held.started = now;
    held.session = job.session;
    held.document = {job.session_version, job.session_document};
    held.chain = job.chain;
    if (draining_) {
      held.stage = Stage::returning;
    } else if (!job.session.empty() && job.session_version < 0) {
      held.settlement.id = job.id;
      held.settlement.epoch = job.epoch;
      settle_otherwise(held, queue::Outcome::fail, gone_text(job.session));
      ++outcome.session_failures;
    } else {
      ++running_;
      breaker_.started(job.epoch, now);
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
        breaker_.forgot(it->first);
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

  Verdict verdict = ending.verdict;
  if (goes_back(verdict)) {
    held.stage = Stage::returning;
    held.release = verdict == Verdict::interrupted ? queue::ReleaseKind::interrupted
                                                   : queue::ReleaseKind::unstarted;
  }
  if (verdict == Verdict::broken) {
    const Breaker::Fate fate = breaker_.broke(held.id, ending.answered, others_wait_, now, chance);
    if (fate == Breaker::Fate::aside) held.release = queue::ReleaseKind::aside;
    if (fate == Breaker::Fate::fail) verdict = Verdict::fail;
  } else if (goes_back(verdict) || verdict == Verdict::rejected) {
    breaker_.forgot(ending.epoch);
  } else {
    breaker_.ran(held.id);
  }
  if (!goes_back(verdict)) {
    held.stage = Stage::settling;
    held.settlement = {held.id,     ending.epoch,    outcome_of(verdict),
                       ending.text, ending.duration, ending.delay};
  }
  if (verdict == Verdict::complete) {
    held.settlement.next = queue::next_in_chain(held.session, held.chain, ending.text);
    held.session_patch = ending.session_patch;
    if (!held.session.empty() && !held.session_patch.empty()) merge_patch(held);
  }
  return Counted{held.id, held.type, std::string(to_string(verdict)), ending.duration};
}

void WorkerState::capacity(const Capacity& capacity) {
  if (capacity.slots > capacity_) prompted_ = true;
  capacity_ = std::min(capacity.slots, slots_);
  handler_broken_ = !capacity.broken.empty();
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
