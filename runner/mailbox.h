// What the other threads have to tell the I/O thread: endings, progress, what the handler can do, a
// wake token, signals.
// Posting never blocks on I/O; taking waits until something came or a moment has passed.
// Any thread posts, one takes.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "runner/handlers/handler.h"

namespace wp::runner {

struct Inbox {
  std::vector<Ending> endings;
  std::map<std::int64_t, queue::Progress> progress;  // the newest of each claim
  std::optional<Capacity> capacity;                  // the newest
  std::vector<std::string> restarts;                 // of handlers, each with its reason
  bool token = false;                                // taken off the wake list
  int signals = 0;                                   // stop signals so far
};

class Mailbox : public HandlerEvents {
 public:
  void ended(Ending ending) override;
  void progressed(std::int64_t epoch, queue::Progress progress) override;
  void capacity(Capacity capacity) override;
  void restarted(std::string_view reason) override;
  void token();
  void signal(int count);

  /// Everything that came since the last call. Waits up to `wait` while there is nothing new.
  Inbox take(Millis wait);

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  Inbox inbox_;
  int signals_taken_ = 0;
};

}  // namespace wp::runner
