// A clock for tests whose steady time stands still until it is moved. Any thread.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/clock.h"

namespace wp::test {

class SetClock : public Clock {
 public:
  Millis steady() const override { return Millis{now_.load()}; }
  Millis wall() const override { return system_clock().wall(); }
  void advance(Millis by) { now_ += by.count(); }

 private:
  std::atomic<std::int64_t> now_ = 100000;
};

}  // namespace wp::test
