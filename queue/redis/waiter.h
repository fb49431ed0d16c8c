// Waits for a descriptor with a deadline, and lets another thread end the wait.
//
// Owned by one Connection and used by its thread; only interrupt() may be called from others. Every
// wait of the library for a server goes through here, so nothing waits without a deadline.
#pragma once

#include "base/clock.h"
#include "base/unique_fd.h"
#include "queue/redis/error.h"

namespace wp::redis {

/// Somebody ended the wait: an Error(closed) that is no failure of the server.
class Interrupted : public Error {
 public:
  Interrupted() : Error(ErrorClass::closed, "interrupted") {}
};

class Waiter {
 public:
  Waiter();

  /// True when one of the poll(2) `events` came; false when the steady `deadline` passed first.
  /// Throws Interrupted.
  bool wait(int fd, short events, Millis deadline) const;
  /// Lets time pass until `deadline`. Throws Interrupted.
  void pause(Millis deadline) const { (void)wait(-1, 0, deadline); }

  /// Ends the wait of now, or the next one. Any thread.
  void interrupt();
  /// Takes an interruption back.
  void clear();

 private:
  UniqueFd event_;
};

}  // namespace wp::redis
