// What a worker holds and what it does next: the pure core of the runner.
//
// The I/O thread owns it, tells it facts (claimed, ended, answered, lost, told to stop) and asks
// for the next action. No clock, no I/O: time is an argument (any steady clock, the same for all
// calls).
//
// A held job is running (its handler has it), settling (its end waits to be told to the queue),
// returning (to be given back, uncounted), or abandoned (no longer ours; its handler is being ended
// and nothing will be told). Running and abandoned ones take a slot. Claims are by epoch, since an
// abandoned job may come back to this very worker before its first handler is gone.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "queue/queue.h"
#include "runner/breaker.h"
#include "runner/handlers/handler.h"

namespace wp::runner {

inline constexpr int kMaxStep =
    128;  // settlements and claims of one STEP: the script's time budget

/// One STEP to send.
struct StepPlan {
  std::vector<queue::Settlement> settlements;
  std::vector<std::int64_t> epochs;  // theirs
  int want = 0;
  int tokens = 0;  // taken before it: the STEP puts back what they stood for
};

/// One RELEASE to send.
struct ReleasePlan {
  std::vector<queue::Claim> claims;
  queue::ReleaseKind kind = queue::ReleaseKind::unstarted;
};

/// One BEAT to send: what it names.
struct BeatPlan {
  std::vector<queue::Claim> claims;
};

/// What a BEAT's answer asks for: running jobs whose handlers are to be stopped.
struct Stops {
  std::vector<std::int64_t> lost;
  std::vector<std::int64_t> cancelled;
  int unknown =
      0;  // settlements whose answer was lost, and whose claim is gone: done, or taken away
};

/// How an ended job is accounted for.
struct Counted {
  std::string id;
  std::string type;
  std::string result;  // the metric's label
  Millis duration{0};
};

struct StepOutcome {
  std::vector<queue::ClaimedJob> start;  // for the handlers
  std::vector<std::int64_t> cancelled;   // running jobs to stop
  int stale = 0;                         // the fence refused them
  int unknown = 0;                       // refused after a re-send: the first try may have worked
  // Completions that the session's document was in the way of:
  int conflicts = 0;         // another was faster: merged anew, and sent again
  int session_failures = 0;  // gone, or too large: failures now
};

class WorkerState {
 public:
  explicit WorkerState(int slots);

  // Facts.
  /// `in_reply_to` is what was sent; its claims are started unless the worker drains.
  StepOutcome step_answered(const StepPlan& in_reply_to, const queue::StepResult& result,
                            Millis now);
  Stops beat_answered(const queue::BeatResult& result, Millis now);
  void release_answered(const ReleasePlan& in_reply_to);
  /// The answer to what was sent last is not known, or the connection is a new one.
  void connection_lost();
  void connected();  // registered and beaten: stepping may begin
  /// Absent for an epoch that is not held, and for an abandoned job.
  std::optional<Counted> ended(const Ending& ending, Millis now, std::uint64_t chance);
  void token_taken() { ++tokens_; }
  /// What the handler can do by now.
  void capacity(const Capacity& capacity);
  /// No claims any more, for good.
  void drain() { draining_ = true; }

  // Decisions.
  std::optional<StepPlan> next_step(Millis now);
  std::optional<ReleasePlan> next_release();
  BeatPlan beat() const;
  /// Nothing is held any more and the worker drains.
  bool may_leave() const { return draining_ && held_.empty() && !unheard_; }
  /// Nothing else keeps the worker than a claim whose answer was lost: what it may have handed over
  /// goes back with the full beat of the next connection, and would count as a loss without.
  bool leaves_after_reconnect() const { return draining_ && held_.empty() && unheard_; }
  /// Whether the wake list may be blocked on: a token can be put to use.
  bool wants_token(Millis now) const;
  /// When next_step() is to be asked again if nothing else happens.
  std::optional<Millis> wake_at(Millis now) const;

  std::vector<std::int64_t> running() const;  // epochs
  struct Shown {
    std::string id;
    Millis started{0};
  };
  std::vector<Shown> shown(std::size_t limit) const;  // running, oldest first
  int running_count() const { return running_; }
  int unsettled_count() const;
  int busy_slots() const { return running_ + abandoned_; }
  int slots() const { return slots_; }
  /// Whether the handler cannot run jobs, or fewer than it should.
  bool broken() const { return breaker_.broken() || handler_broken_; }
  bool retired() const { return retired_; }
  bool paused() const { return paused_; }
  bool draining() const { return draining_; }
  /// The newest hash of T:cfg that an answer named.
  const std::string& config_hash() const { return config_hash_; }

 private:
  enum class Stage { running, settling, returning, abandoned };
  struct Held {
    std::string id;
    std::string type;
    bool alone = false;
    bool stop_sent = false;
    bool in_flight = false;  // named in a call that was not answered yet
    bool resent = false;     // named in a call whose answer was lost
    Stage stage = Stage::running;
    Millis started{0};
    std::string session;
    queue::SessionState document;  // of the session, as last read
    std::string session_patch;     // what the handler changed of it
    std::vector<queue::ChainStep> chain;
    queue::Settlement settlement;
    queue::ReleaseKind release = queue::ReleaseKind::unstarted;
  };

  static void settle_otherwise(Held& held, queue::Outcome outcome, std::string text);
  static void merge_patch(Held& held);
  bool settle_again(Held& held, queue::Settled settled, const queue::SessionState* document,
                    StepOutcome& outcome);
  int want(Millis now) const;
  bool alone_running() const;
  void see(const queue::WorkerView& view, Millis now);
  std::vector<std::int64_t> cancelled(const std::vector<std::string>& ids);

  const int slots_;
  std::map<std::int64_t, Held> held_;
  int running_ = 0;
  int abandoned_ = 0;
  int capacity_;  // of the handler: at most slots_

  bool draining_ = false;
  bool retired_ = false;
  bool paused_ = false;
  bool handler_broken_ = false;  // as the handler itself says
  Breaker breaker_;              // as the ends of jobs say
  bool others_wait_ = false;     // the newest answer said that something could be claimed

  bool claiming_ = false;  // by a STEP that was not answered yet
  bool unheard_ = false;   // such an answer was lost
  int tokens_ = 0;         // taken, and no STEP that was sent afterwards has been answered
  bool prompted_ = false;  // a STEP may find something to claim
  bool refused_ = false;   // claimable, but not for us: until one of our jobs ends, or the beat
  std::optional<Millis> due_;
  std::string config_hash_;
};

}  // namespace wp::runner
