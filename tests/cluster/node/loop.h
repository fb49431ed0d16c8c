// The one thread that owns the pods waits here for everything: descriptors, a deadline, and calls
// from other threads. Only post() and stop() may be called from other threads. Callbacks must not
// block and must not throw.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "base/unique_fd.h"

namespace wp::testnode {

class Loop {
 public:
  using Call = std::function<void()>;

  /// Throws std::system_error when the kernel has no descriptors left.
  Loop();

  /// `ready` is called as long as `fd` is readable, until forget(fd).
  void watch(int fd, Call ready);
  void forget(int fd);

  void post(Call call);
  /// run() returns after the present round.
  void stop();

  /// Runs until stop(). After each round `settle` is called; it answers the steady time at which
  /// the next round begins at the latest.
  void run(const std::function<std::optional<Millis>()>& settle);

 private:
  void wait(std::optional<Millis> deadline);

  UniqueFd epoll_;
  UniqueFd wake_;
  UniqueFd timer_;
  std::map<int, Call> watches_;

  std::mutex mutex_;
  std::vector<Call> posted_;
  bool stop_ = false;
};

}  // namespace wp::testnode
