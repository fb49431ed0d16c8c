// The thread on which handlers live, and what is watched there: time limits, progress, memory, and
// the dead man's switch.
//
// The switch: the I/O thread says until when the leases certainly hold; when that moment passes and
// nobody moved it, everything that runs is stopped here, whatever the I/O thread is waiting for.
// All public calls may come from any thread. The thread ends with the object, after stopping is no
// longer possible: the owner waits for all endings first.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/schema/schema.h"
#include "runner/event_loop.h"
#include "runner/handlers/handler.h"
#include "runner/pulse.h"

namespace wp::runner {

/// SIGTERM to SIGKILL, for handlers that we stop.
inline constexpr Millis kStopGrace{5000};

/// What a pool allows the handlers of a worker. 0: no limit.
struct HandlerLimits {
  /// A job without a time limit of its own has to report progress this often. Looked at every
  /// `check_interval`.
  Millis stall_timeout{0};
  Millis check_interval{30000};
  /// Bytes of one handler's session: above, it is replaced after its job; above five quarters of
  /// it, the job is stopped and fails.
  std::int64_t max_memory = 0;
  /// A handler that lives longer than a job is replaced after so many.
  std::int64_t max_jobs = 0;
  /// A job that goes on for so long after force was used cannot be ended from here.
  Millis force_fails{10000};

  bool operator==(const HandlerLimits&) const = default;
};

class HandlerLoop : private HandlerEvents {
 public:
  using MakeHandler = std::function<std::unique_ptr<Handler>(EventLoop&, HandlerEvents&)>;

  /// `make` is called on the new thread; `events` outlives this object.
  HandlerLoop(const MakeHandler& make, HandlerEvents& events);
  ~HandlerLoop() override;
  HandlerLoop(const HandlerLoop&) = delete;
  HandlerLoop& operator=(const HandlerLoop&) = delete;

  void start(std::vector<Task> tasks);
  void stop(std::vector<std::int64_t> epochs, const Stop& stop);
  void limit(const HandlerLimits& limits);
  /// What every payload has to be. Checked here, while leases are renewed: it may take a moment.
  void check(Schema schema);
  /// After the last ending: lets the handler end what it keeps. Returns when that is done, or when
  /// twice the grace is over.
  void close(Millis grace);

  /// The leases hold until then (boot clock); `grace` is what a handler gets when they don't.
  void leases_hold_until(Millis boot_time, Millis grace);

  /// Bytes of anonymous and shared memory of all handlers' processes, when last weighed, and the
  /// most so far.
  std::int64_t memory() const { return memory_; }
  std::int64_t memory_peak() const { return memory_peak_; }

  /// Running jobs that were stopped, by force in the end, and go on all the same (in a system call
  /// that hangs, say).
  int stuck() const { return stuck_; }

  const Pulse& pulse() const { return pulse_; }

 private:
  struct Running {
    EventLoop::TimerId timeout = 0;
    bool limited = false;            // by a time limit: then progress is not asked for
    Millis sign{0};                  // when it began, or last reported progress
    std::optional<Millis> force_at;  // it is being stopped: when force is used
  };

  void ended(Ending ending) override;
  void progressed(std::int64_t epoch, queue::Progress progress) override;
  void capacity(Capacity capacity) override { events_.capacity(std::move(capacity)); }
  void restarted(std::string_view reason) override { events_.restarted(reason); }

  void start_next();
  void start_one(Task task);
  void stop_one(std::int64_t epoch, const Stop& stop);
  void stop_running(std::int64_t epoch, const Stop& stop);
  void count_stuck();
  void watch();
  void watch_leases();
  void watch_progress();
  void watch_memory();

  HandlerEvents& events_;
  Pulse pulse_;
  EventLoop loop_;
  std::unique_ptr<Handler> handler_;
  HandlerLimits limits_;
  Schema schema_;
  std::deque<Task> waiting_;  // to be started: in pieces, so that what runs gets its turn
  std::unordered_map<std::int64_t, Running> running_;  // by epoch
  EventLoop::TimerId lease_timer_ = 0;
  Millis missed_{-1};  // the last end of the leases that nothing was heard before
  EventLoop::TimerId progress_timer_ = 0;
  EventLoop::TimerId memory_timer_ = 0;
  std::atomic<std::int64_t> hold_until_{0};
  std::atomic<std::int64_t> lease_grace_{0};
  std::atomic<std::int64_t> memory_{0};
  std::atomic<std::int64_t> memory_peak_{0};
  std::atomic<int> stuck_{0};
  std::thread thread_;
};

}  // namespace wp::runner
