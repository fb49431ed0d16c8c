#include "operator/controller/announcer.h"

#include <fmt/format.h>

#include "operator/controller/conditions.h"
#include "operator/pool/event_reasons.h"

namespace wp::controller {
namespace event = pool::event;

void Announcer::edge(std::string_view what, bool so, const Tell& tell, EventNote begins,
                     std::optional<EventNote> over) {
  bool& holds = holds_[what];
  if (so == holds) return;
  holds = so;
  if (so) {
    tell(std::move(begins));
  } else if (over) {
    tell(std::move(*over));
  }
}

void Announcer::transitions(const Findings& f, const Tell& tell) {
  const bool unreachable = f.backlog && f.backlog->error;
  edge(event::kQueueUnreachable, unreachable, tell,
       {true, event::kQueueUnreachable, "ReadQueue",
        unreachable ? fmt::format("the queue cannot be read ({}): {} workers are held",
                                  redis::to_string(*f.backlog->error), f.view.replicas)
                    : std::string()},
       EventNote{false, event::kQueueRecovered, "ReadQueue", "the queue can be read again"});
  edge(event::kHandlersBroken, f.fleet.broken > 0, tell,
       {true, event::kHandlersBroken, "RunJobs", broken_message(f.fleet)});
  const bool fallback = f.decision && f.decision->fallback;
  edge(event::kFallbackActivated, fallback, tell,
       {true, event::kFallbackActivated, "Scale", fallback ? f.decision->reason : std::string()});
  edge(event::kRolloutStuck, f.view.rollout_stuck, tell,
       {true, event::kRolloutStuck, "Roll", rollout_stuck_message(f)});
  edge(event::kForeignScaler, !f.view.foreign_scaler.empty(), tell,
       {true, event::kForeignScaler, "Scale",
        f.view.foreign_scaler.empty() ? std::string() : foreign_scaler_message(f)});
  if (f.backlog && f.backlog->counts && !unreachable) {
    edge(event::kBackpressureOn, is_saturated(f), tell,
         {true, event::kBackpressureOn, "Enqueue",
          is_saturated(f) ? saturated_message(f) : std::string()},
         EventNote{false, event::kBackpressureOff, "Enqueue", "enqueues are taken again"});
    const auto& stat = f.backlog->counts->stat;
    const auto found = stat.find("interrupted");
    const std::int64_t interrupted = found == stat.end() ? 0 : found->second;
    if (interrupted_ && interrupted > *interrupted_) {
      tell({true, event::kJobsInterrupted, "Drain",
            fmt::format("{} running jobs were stopped and start again: their workers had to leave "
                        "before they were done; raise workers.drainTimeout",
                        interrupted - *interrupted_)});
    }
    interrupted_ = interrupted;
  }
  const std::string obstacle =
      f.obstacle ? std::string(f.obstacle->condition) + f.obstacle->message : std::string();
  if (!obstacle.empty() && obstacle != obstacle_) {
    // Condition types and event reasons share these words.
    tell({true, f.obstacle->condition, "Reconcile", f.obstacle->message});
  }
  obstacle_ = obstacle;
}

void Announcer::scaled(int before, int after, const std::string& reason, const Tell& tell) {
  const std::string_view word = after == 0       ? event::kScaledToZero
                                : before == 0    ? event::kWokeFromZero
                                : after > before ? event::kScaledUp
                                                 : event::kScaledDown;
  tell({false, word, "Scale", fmt::format("{} → {}: {}", before, after, reason)});
}

void Announcer::ramp(const scaling::RampOutcome& outcome, const Tell& tell) {
  using News = scaling::RampOutcome::News;
  if (outcome.news == News::none) return;
  const bool back = outcome.news == News::rolled_back;
  tell({back, back ? event::kRampRolledBack : event::kRampAdvanced, "Ramp", outcome.note});
}

void Announcer::retired(const std::vector<fleet::Note>& notes, const Tell& tell) {
  for (const fleet::Note& note : notes) {
    const bool done = note.kind == fleet::Note::Kind::worker_retired;
    tell({!done, done ? event::kWorkerRetired : event::kScaleInAborted, "Retire", note.text});
  }
}

void Announcer::lost(const std::vector<fleet::Incident>& incidents, const Tell& tell) {
  for (const fleet::Incident& one : incidents) {
    const bool stalled = one.kind == fleet::Incident::Kind::worker_stalled;
    tell({true, stalled ? event::kWorkerStalled : event::kWorkerLost, "Recover", one.text});
  }
}

void Announcer::reclaimed(const std::vector<backlog::Reclaimed>& reclaimed, const Tell& tell) {
  for (const backlog::Reclaimed& one : reclaimed) {
    tell({true, event::kJobsReclaimed, "Recover",
          fmt::format("{} {} went back to the queue: {}", one.jobs, one.jobs == 1 ? "job" : "jobs",
                      one.order.reason)});
  }
}

}  // namespace wp::controller
