// How the threads of local mode tell the main one that something happened, and how often the user
// asked to stop. Any thread.
#pragma once

#include <condition_variable>
#include <mutex>

#include "base/clock.h"

namespace wp::local {

class Bell {
 public:
  void ring() {
    {
      const std::lock_guard lock(mutex_);
      rung_ = true;
    }
    changed_.notify_all();
  }
  void stop(int count) {
    {
      const std::lock_guard lock(mutex_);
      stops_ = count;
      rung_ = true;
    }
    changed_.notify_all();
  }

  /// Returns when it rang since the last call, at the latest after `patience`.
  void wait(Millis patience) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, patience, [this] { return rung_; });
    rung_ = false;
  }
  int stops() const {
    const std::lock_guard lock(mutex_);
    return stops_;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool rung_ = false;
  int stops_ = 0;
};

}  // namespace wp::local
