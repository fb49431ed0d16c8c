// What executes jobs: one interface for processes, HTTP requests and the built-ins.
//
// A handler lives on the handler loop's thread and is called only there. It never blocks: it
// watches descriptors and sets timers on the EventLoop, and reports through HandlerEvents. It knows
// nothing of Redis; what an ending means for the job is decided in WorkerState.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
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
enum class StopCause { none, timeout, cancelled, lost, partition, interrupted };
std::string_view to_string(StopCause cause);

/// How a run ended.
enum class Verdict {
  complete,     // text is the result, a JSON document
  fail,         // text is the error, here and below
  crash,        // died of a signal that we did not send
  defer,        // later, uncounted
  bury,         // dead at once
  broken,       // the handler itself cannot run: no fault of the job
  interrupted,  // stopped by us before it was done, no fault of the job
};
std::string_view to_string(Verdict verdict);

struct Ending {
  std::int64_t epoch = 0;  // which claim
  Verdict verdict = Verdict::complete;
  std::string text;
  Millis delay{0};  // defer
  Millis duration{0};
};

/// Where a handler reports to. Called on the handler loop's thread.
class HandlerEvents {
 public:
  virtual ~HandlerEvents() = default;
  virtual void ended(Ending ending) = 0;
  virtual void progressed(std::int64_t epoch, queue::Progress progress) = 0;
};

class Handler {
 public:
  virtual ~Handler() = default;

  /// Begins the job. Exactly one ended() follows, possibly from within this call. Never throws:
  /// what goes wrong is an ending.
  virtual void start(Task task) = 0;

  /// Ends a running job early: politely, and by force after `grace`. The ending then says what the
  /// cause makes of it, whatever the handler answers meanwhile. Called again, the earlier force
  /// counts, and the first cause. Unknown epochs are ignored: the end was quicker.
  virtual void stop(std::int64_t epoch, StopCause cause, Millis grace) = 0;
};

/// The ending of a run that we stopped.
Ending stopped_ending(StopCause cause, Millis timeout);

}  // namespace wp::runner
