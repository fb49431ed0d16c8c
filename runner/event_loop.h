// One thread's wait for everything: descriptors, timers, and calls from other threads.
//
// Owned by the thread that calls run(); only post() and stop() may be called from others. Timers
// run on CLOCK_BOOTTIME, so that what was due while the machine was suspended is due at once when
// it resumes. Callbacks must not block and must not throw.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/unique_fd.h"

namespace wp::runner {

/// The clock of leases: unlike the steady one it counts on while the machine is suspended.
Millis boot_now();

class EventLoop {
 public:
  using Ready = std::function<void(std::uint32_t events)>;
  using Call = std::function<void()>;
  using TimerId = std::uint64_t;  // 0: none

  /// Throws std::system_error when the kernel has no descriptors left.
  EventLoop();

  void watch(int fd, std::uint32_t events, Ready ready);
  /// No callback for this descriptor comes after this, even if an event is already at hand.
  void forget(int fd);

  TimerId at(Millis boot_time, Call call);
  TimerId after(Millis delay, Call call) { return at(boot_now() + delay, std::move(call)); }
  void cancel(TimerId timer);

  /// Any thread: `call` runs on the loop's thread, in order.
  void post(Call call);
  /// Any thread: run() returns after the calls posted so far.
  void stop();

  /// Runs until stop(). `tick` is called after every wait, at least every 15 s.
  void run(const Call& tick);

 private:
  struct Watch {
    int fd;
    Ready ready;
  };

  void arm_timer();
  void run_timers();
  void run_posted();

  UniqueFd epoll_;
  UniqueFd wake_;
  UniqueFd timer_;
  std::uint64_t next_token_ = 1;
  std::unordered_map<std::uint64_t, std::shared_ptr<Watch>> watches_;
  std::unordered_map<int, std::uint64_t> tokens_;
  std::map<std::pair<Millis, TimerId>, Call> timers_;
  std::unordered_map<TimerId, Millis> timer_times_;
  TimerId next_timer_ = 1;
  Millis armed_{0};

  std::mutex mutex_;
  std::vector<Call> posted_;
  std::atomic<bool> stop_{false};
};

}  // namespace wp::runner
