// Waits for work without polling: one blocking connection on the queue's wake list, and only while
// this worker can put a token to use. A token that it takes goes to the mailbox; the I/O thread's
// STEP puts it back when more can be claimed. Its own thread; arm() and the destructor may be
// called from others.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "queue/redis/connection.h"
#include "runner/mailbox.h"
#include "runner/pulse.h"

namespace wp::runner {

class WakeLoop {
 public:
  WakeLoop(redis::Endpoint endpoint, std::string wake_key, Mailbox& mailbox);
  ~WakeLoop();
  WakeLoop(const WakeLoop&) = delete;
  WakeLoop& operator=(const WakeLoop&) = delete;

  /// Whether to wait for a token. Taking it back ends a wait at once; a token that came in that
  /// very moment may be lost with the connection, so the caller STEPs once (the mailbox says so).
  void arm(bool armed);

  const Pulse& pulse() const { return pulse_; }

 private:
  void run();
  /// Waits on the list; true when a token was taken.
  void reconnect();
  bool wait_for_token();
  void pause();

  std::string wake_key_;
  Mailbox& mailbox_;
  Pulse pulse_;
  redis::Connection connection_;

  std::mutex mutex_;
  std::condition_variable changed_;
  bool armed_ = false;
  bool blocking_ = false;
  bool interrupted_ = false;  // the wait under way, by arm()
  bool stop_ = false;
  bool asked_ = false;  // the wait under way got as far as BLPOP; the thread's own
  std::thread thread_;
};

}  // namespace wp::runner
