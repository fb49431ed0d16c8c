// The loop that talks to the queue: registers, renews leases, settles, claims, gives back, leaves.
//
// Runs on the thread that calls run(); everything else reaches it through the Mailbox. It never
// runs a handler, so that a busy handler cannot make a live worker look dead. Errors of Redis end
// in a reconnect with backoff and never leave run(); while Redis is away nothing is dropped.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include "base/backoff.h"
#include "queue/queue.h"
#include "runner/handler_loop.h"
#include "runner/job_settings.h"
#include "runner/mailbox.h"
#include "runner/pulse.h"
#include "runner/runner_metrics.h"
#include "runner/wake_loop.h"
#include "runner/worker_info.h"
#include "runner/worker_state.h"

namespace wp::runner {

struct IoSettings {
  Identity identity;
  std::string queue;
  redis::Endpoint endpoint;
  OwnSettings own;
  bool runs_program = false;  // exec, stdio
};

class IoLoop {
 public:
  /// The references outlive this object.
  IoLoop(IoSettings settings, Mailbox& mailbox, HandlerLoop& handlers, WakeLoop& wake,
         RunnerMetrics& metrics);

  /// Until the worker has left: after a stop signal, or because the queue's format is newer than
  /// this program. Answers the exit code: 0, or 3 for the format.
  int run();

  const Pulse& pulse() const { return pulse_; }
  /// True from the first registration until the first stop signal, and not before a program that
  /// runs jobs could be started. Any thread.
  bool ready() const { return ready_; }

 private:
  // The connection.
  void try_connect();
  void disconnected(const redis::Error& error);
  void apply(const queue::Config& config);
  // One exchange each; they throw redis::Error.
  void exchange();
  void beat(bool full);
  void release(const ReleasePlan& plan);
  void start(std::vector<queue::ClaimedJob> jobs);
  void step(const StepPlan& plan);
  void leave();
  // Facts and time.
  void absorb(Inbox inbox);
  void account(const Ending& ending);
  void stop_handlers(const Stops& stops);
  void advance_termination();
  void see_capacity(const Capacity& capacity);
  void become_ready();
  bool should_leave() const;
  Millis time_to_wait() const;
  Activity activity() const;
  std::string info_if_changed(bool always);

  const IoSettings settings_;
  Mailbox& mailbox_;
  HandlerLoop& handlers_;
  WakeLoop& wake_;
  RunnerMetrics& metrics_;
  Pulse pulse_;
  std::atomic<bool> ready_{false};

  std::unique_ptr<redis::Connection> connection_;
  std::unique_ptr<queue::Queue> queue_;
  bool registered_ = false;  // on the present connection
  bool ever_registered_ = false;
  Backoff reconnect_;
  Millis reconnect_at_{0};
  std::string last_error_;  // said once, until it changes
  Millis error_said_{0};

  WorkerState state_;
  queue::Config config_;
  JobSettings job_settings_;
  Millis beat_at_{0};
  std::map<std::int64_t, queue::Progress> progress_;

  int signals_ = 0;
  std::optional<Millis> drain_until_;
  int stop_level_ = 0;  // 1: handlers told to stop after the drain, 2: after a second signal
  std::optional<Millis> give_up_at_;
  int exit_code_ = 0;

  Millis started_;
  std::int64_t executed_ = 0;
  std::int64_t failed_ = 0;
  bool runs_nothing_ = false;    // for that trouble
  std::string handler_trouble_;  // as the handler said it last
  std::string job_trouble_;      // as the newest job said it that a broken handler gave back
  Activity told_;
  Millis told_at_{0};
};

}  // namespace wp::runner
