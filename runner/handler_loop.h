// The thread on which handlers live: their time limits and the dead man's switch.
//
// The switch: the I/O thread says until when the leases certainly hold; when that moment passes and
// nobody moved it, everything that runs is stopped here, whatever the I/O thread is waiting for.
// All public calls may come from any thread. The thread ends with the object, after stopping is no
// longer possible: the owner waits for all endings first.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <thread>
#include <unordered_map>
#include <vector>

#include "runner/event_loop.h"
#include "runner/handlers/handler.h"
#include "runner/pulse.h"

namespace wp::runner {

/// SIGTERM to SIGKILL, for handlers that we stop.
inline constexpr Millis kStopGrace{5000};

class HandlerLoop : private HandlerEvents {
 public:
  using MakeHandler = std::function<std::unique_ptr<Handler>(EventLoop&, HandlerEvents&)>;

  /// `make` is called on the new thread; `events` outlives this object.
  HandlerLoop(const MakeHandler& make, HandlerEvents& events);
  ~HandlerLoop() override;
  HandlerLoop(const HandlerLoop&) = delete;
  HandlerLoop& operator=(const HandlerLoop&) = delete;

  void start(std::vector<Task> tasks);
  void stop(std::vector<std::int64_t> epochs, StopCause cause, Millis grace);

  /// The leases hold until then (boot clock); `grace` is what a handler gets when they don't.
  void leases_hold_until(Millis boot_time, Millis grace);

  const Pulse& pulse() const { return pulse_; }

 private:
  struct Running {
    EventLoop::TimerId timeout = 0;
  };

  void ended(Ending ending) override;
  void progressed(std::int64_t epoch, queue::Progress progress) override;
  void start_one(Task task);
  void watch_leases();

  HandlerEvents& events_;
  Pulse pulse_;
  EventLoop loop_;
  std::unique_ptr<Handler> handler_;
  std::unordered_map<std::int64_t, Running> running_;  // by epoch
  EventLoop::TimerId lease_timer_ = 0;
  std::atomic<std::int64_t> hold_until_{0};
  std::atomic<std::int64_t> lease_grace_{0};
  std::thread thread_;
};

}  // namespace wp::runner
