// When a pool's status is written: what people must know at once, numbers every few seconds and of
// all pools together at most twenty times a second (the interval stretches), and nothing ahead of
// another pool that waits to be decided: a hundred queues that fill at once get their workers
// first and their words afterwards. One per controller; any thread.
#pragma once

#include <mutex>
#include <optional>

#include "base/clock.h"
#include "operator/pool/status.h"

namespace wp::controller {

class StatusPace {
 public:
  /// Numbers of one pool are written at most so often.
  explicit StatusPace(Millis interval) : interval_(interval) {}

  /// What one pool has had and is owed. Times are steady. Kept by its reconciles.
  struct Turn {
    std::optional<Millis> written_at;
    std::optional<Millis> numbers_at;  // its place among all pools' numbers
    std::optional<Millis> owed_since;  // something urgent was put off
  };

  /// Nothing: it is time. Else: ask again after so long. `difference` is not none; `crowded`: other
  /// pools wait to be reconciled.
  std::optional<Millis> wait(Turn& turn, pool::Difference difference, bool crowded, Millis now);

 private:
  Millis next_place(Millis now);

  const Millis interval_;
  std::mutex mutex_;
  Millis next_numbers_{0};
};

}  // namespace wp::controller
