// What the connection's tests share.
#pragma once

#include <doctest/doctest.h>
#include <string>

#include "base/clock.h"
#include "queue/redis/error.h"

namespace wp::test {

/// The Error that `action` throws.
template <typename Action>
redis::Error error_of(Action action) {
  try {
    action();
  } catch (const redis::Error& e) {
    return e;
  }
  FAIL("no error");
  return {redis::ErrorClass::server, ""};
}

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// Steady time since it was made.
class Stopwatch {
 public:
  Millis elapsed() const { return system_clock().steady() - start_; }

 private:
  Millis start_ = system_clock().steady();
};

}  // namespace wp::test
