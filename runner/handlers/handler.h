// What executes jobs: one interface for processes, HTTP requests and the built-ins.
//
// A handler lives on the handler loop's thread and is called only there. It never blocks: it
// watches descriptors and sets timers on the EventLoop, and reports through HandlerEvents. It knows
// nothing of Redis; what an ending means for the job is decided in WorkerState, time limits and
// memory are watched by HandlerLoop.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

#include "base/clock.h"
#include "queue/job.h"

namespace wp::runner {

/// A claimed job with what the pool says about running it.
struct Task {
  queue::ClaimedJob job;
  int max_attempts = 5;
  Millis timeout{0};  // of this attempt; 0: none
};

/// Why a running job is stopped by us.
enum class StopCause { none, timeout, stalled, memory, cancelled, lost, partition, interrupted };
std::string_view to_string(StopCause cause);

/// The order to end a running job early.
struct Stop {
  StopCause cause = StopCause::none;
  Millis grace{0};   // from the polite way to the forced one
  std::string text;  // the job's error, where the cause is its own fault
};

/// How a run ended.
enum class Verdict {
  complete,     // text is the result, a JSON document
  fail,         // text is the error, here and below
  stall,        // a failure: stopped for lack of progress
  crash,        // died of a signal that we did not send
  defer,        // later, uncounted
  bury,         // dead at once
  rejected,     // dead at once, and the handler never saw it
  broken,       // the handler itself cannot run: no fault of the job, as far as one can tell
  unstarted,    // nothing was free to run it: it goes back
  interrupted,  // stopped by us before it was done, no fault of the job
};
std::string_view to_string(Verdict verdict);

struct Ending {
  std::int64_t epoch = 0;  // which claim
  Verdict verdict = Verdict::complete;
  std::string text;
  Millis delay{0};  // defer
  Millis duration{0};
  bool answered = false;  // broken: the handler ran and said so, so it may be this job after all
  std::string session_patch;  // a JSON object (RFC 7396), of a completion; empty: none
};

/// What a handler can do by now.
struct Capacity {
  int slots = 0;       // jobs at once, with those that run
  std::string broken;  // why it is less than it should be, when that is a fault; else empty
};

/// Where a handler reports to. Called on the handler loop's thread.
class HandlerEvents {
 public:
  virtual ~HandlerEvents() = default;
  virtual void ended(Ending ending) = 0;
  virtual void progressed(std::int64_t epoch, queue::Progress progress) = 0;
  /// When it changes. A handler that never says it can always run as many as there are slots; one
  /// that has to prepare itself says it first in its constructor.
  virtual void capacity(Capacity capacity) = 0;
  /// A process or connection that lives longer than a job was replaced. `reason` is a word of a
  /// small set: a metric's label.
  virtual void restarted(std::string_view reason) = 0;
};

/// A process that a handler keeps: the leader of a session.
struct HandlerProcess {
  pid_t leader = 0;
  std::int64_t epoch = 0;  // of the job that it runs; 0: none
};

class Handler {
 public:
  virtual ~Handler() = default;

  /// Begins the job. Exactly one ended() follows, possibly from within this call. Never throws:
  /// what goes wrong is an ending.
  virtual void start(Task task) = 0;

  /// Ends a running job early: politely, and by force after the grace. The ending then says what
  /// the cause makes of it, whatever the handler answers meanwhile. Called again, the earlier force
  /// counts, and the first cause. Unknown epochs are ignored: the end was quicker.
  virtual void stop(std::int64_t epoch, const Stop& stop) = 0;

  /// The processes to be weighed.
  virtual std::vector<HandlerProcess> processes() const { return {}; }
  /// A process that lives longer than a job has used too much memory: it is replaced, after its
  /// job.
  virtual void wear_out(pid_t leader) { (void)leader; }
  /// Such a process is replaced after so many jobs; 0: never.
  virtual void replace_after(std::int64_t jobs) { (void)jobs; }

  /// No job runs any more and none will come: lets go of what it keeps, politely and by force after
  /// `grace`, then calls `closed`, possibly from within this call.
  virtual void close(Millis grace, std::function<void()> closed) {
    (void)grace;
    closed();
  }
};

/// An ending that says no more than this.
Ending ending_with(Verdict verdict, std::string text);

/// The ending of a run that we stopped.
Ending stopped_ending(const Stop& stop);

}  // namespace wp::runner
