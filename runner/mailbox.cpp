#include "runner/mailbox.h"

#include <utility>

namespace wp::runner {

void Mailbox::ended(Ending ending) {
  {
    const std::lock_guard lock(mutex_);
    inbox_.endings.push_back(std::move(ending));
  }
  changed_.notify_one();
}

// Waits for the next beat: nothing to wake anybody for.
void Mailbox::progressed(std::int64_t epoch, queue::Progress progress) {
  const std::lock_guard lock(mutex_);
  inbox_.progress[epoch] = std::move(progress);
}

void Mailbox::capacity(Capacity capacity) {
  {
    const std::lock_guard lock(mutex_);
    inbox_.capacity = std::move(capacity);
  }
  changed_.notify_one();
}

// A figure: nothing to wake anybody for.
void Mailbox::restarted(std::string_view reason) {
  const std::lock_guard lock(mutex_);
  inbox_.restarts.emplace_back(reason);
}

void Mailbox::token() {
  {
    const std::lock_guard lock(mutex_);
    inbox_.token = true;
  }
  changed_.notify_one();
}

void Mailbox::signal(int count) {
  {
    const std::lock_guard lock(mutex_);
    inbox_.signals = count;
  }
  changed_.notify_one();
}

Inbox Mailbox::take(Millis wait) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, wait, [this] {
    return !inbox_.endings.empty() || inbox_.capacity || inbox_.token ||
           inbox_.signals != signals_taken_;
  });
  signals_taken_ = inbox_.signals;
  Inbox taken = std::exchange(inbox_, {});
  inbox_.signals = taken.signals;
  return taken;
}

}  // namespace wp::runner
