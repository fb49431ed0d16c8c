// The bookkeeping of the work queue without a lock and without a clock: the caller brings the time.
// Owned by one WorkQueue, which serialises the calls. Nothing throws.
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>

#include "base/clock.h"

namespace wp::kube {

class WorkQueueState {
 public:
  /// True when the key entered the ready list (a worker may be woken).
  bool add(const std::string& key, Millis now);
  /// True when the earliest deadline became earlier (waiters have to look again).
  bool add_at(const std::string& key, Millis ready_at);
  /// Moves the delayed keys whose time has come to the ready list. Answers how many became ready.
  std::size_t promote(Millis now);
  /// When the next delayed key becomes ready; nothing when none waits.
  std::optional<Millis> next_deadline() const;

  struct Taken {
    std::string key;
    Millis waited;  // since it became ready
  };
  std::optional<Taken> take(Millis now);
  /// The time since take(), when the key was taken; the key is ready again when it was added since.
  std::optional<Millis> done(const std::string& key, Millis now);

  /// The delay of the next try: base × 2^failures up to `max`. Counts the failure.
  Millis next_backoff(const std::string& key, Millis base, Millis max);
  void forget(const std::string& key) { failures_.erase(key); }
  int failures(const std::string& key) const;

  void shut_down();
  bool shutting_down() const { return shutting_down_; }
  /// The key is on its way to a worker already: add() would change nothing.
  bool waits(const std::string& key) const { return dirty_.contains(key); }
  std::size_t ready() const { return ready_.size(); }
  std::size_t processing() const { return processing_.size(); }
  /// Steady times at which the keys in work were taken.
  const std::unordered_map<std::string, Millis>& in_work() const { return processing_; }

 private:
  std::deque<std::string> ready_;
  std::unordered_map<std::string, Millis> dirty_;       // key → when it was added
  std::unordered_map<std::string, Millis> processing_;  // key → when it was taken
  std::set<std::pair<Millis, std::string>> by_time_;
  std::unordered_map<std::string, Millis> delayed_;
  std::unordered_map<std::string, int> failures_;
  bool shutting_down_ = false;
};

}  // namespace wp::kube
