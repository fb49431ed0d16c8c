// Tests wait for facts, with a deadline, never for a time.
#pragma once

#include <chrono>
#include <thread>

#include "base/clock.h"

namespace wp::test {

/// True as soon as `fact()` is; false when it is not within `deadline`: generous, as a machine may
/// be busy, and waited for only by a test that fails. A fact that is dear to look at is looked at
/// more seldom.
template <typename Fact>
bool eventually(Fact fact, Millis deadline = Millis{60000}, Millis every = Millis{5}) {
  const Millis end = system_clock().steady() + deadline;
  while (!fact()) {
    if (system_clock().steady() > end) return false;
    std::this_thread::sleep_for(every);
  }
  return true;
}

}  // namespace wp::test
