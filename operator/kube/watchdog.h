// Ends network exchanges from outside: each one when its time is over, and all of them on stop().
// A Line stands for one connection; while an exchange runs on it, the watchdog may shut its socket
// down, which wakes whoever reads or writes there. One thread, started with the first exchange,
// sleeps until the next deadline. Any thread may call any method; nothing throws.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <set>
#include <thread>

#include "base/unique_fd.h"
#include "operator/kube/error.h"

namespace wp::kube {

using SteadyTime = std::chrono::steady_clock::time_point;

class Watchdog {
 public:
  /// Has to outlive its exchange; the members belong to the watchdog.
  class Line {
   public:
    /// Whatever arrives on a connection that nobody uses announces its end. Only between exchanges.
    bool usable() const;

   private:
    friend class Watchdog;
    // A second descriptor of the socket: shutdown() through it is safe however and whenever the
    // owner of the connection closes the first.
    UniqueFd guard_;
    Transport cut_ = Transport::none;
    std::optional<SteadyTime> deadline_;
  };

  Watchdog() = default;
  ~Watchdog() { stop(); }
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  /// An exchange begins. False after stop().
  bool begin(Line& line, SteadyTime deadline);
  void extend(Line& line, SteadyTime deadline);
  /// The connection got this socket. When the exchange was cut off already, the descriptor is made
  /// useless, so that the connect that follows fails at once.
  void attach(Line& line, int fd);
  /// The exchange is over. Answers why it was cut off, or `none`.
  Transport end(Line& line);

  bool stopped() const;
  /// Cuts off what runs with Transport::stopped, and lets nothing begin any more.
  void stop();

 private:
  void cut_off(Line& line, Transport why);
  void look_again();
  void run(const std::stop_token& stop);

  mutable std::mutex mutex_;
  bool stopped_ = false;
  std::set<Line*> active_;
  std::uint64_t changes_ = 0;  // counts what the thread has to look at
  std::condition_variable_any wake_;
  std::jthread thread_;
};

}  // namespace wp::kube
