// What the other threads have to tell the I/O thread: endings, progress, a wake token, signals.
// Posting never blocks on I/O; taking waits until something came or a moment has passed.
// Any thread posts, one takes.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <vector>

#include "base/clock.h"
#include "runner/handlers/handler.h"

namespace wp::runner {

struct Inbox {
  std::vector<Ending> endings;
  std::map<std::int64_t, queue::Progress> progress;  // the newest of each claim
  bool token = false;                                // taken off the wake list
  int signals = 0;                                   // stop signals so far

  bool empty() const { return endings.empty() && progress.empty() && !token; }
};

class Mailbox : public HandlerEvents {
 public:
  void ended(Ending ending) override;
  void progressed(std::int64_t epoch, queue::Progress progress) override;
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
