// SIGTERM and SIGINT as calls on a thread of their own. Construct it in main() before any other
// thread starts: the signals are blocked there, and every later thread inherits the mask (children
// have to be spawned with an empty one).
#pragma once

#include <functional>
#include <thread>

#include "base/unique_fd.h"

namespace wp {

class StopSignals {
 public:
  /// `handler(n)` is called with 1 at the first signal, 2 at the second, and so on.
  explicit StopSignals(std::function<void(int count)> handler);
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

 private:
  UniqueFd signals_;
  UniqueFd quit_;
  std::thread thread_;
};

/// SIGPIPE is ignored process-wide: a closed peer is an error code, never a death.
void ignore_sigpipe();

}  // namespace wp
