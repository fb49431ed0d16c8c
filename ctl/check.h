// CHECK of a queue's invariants: O(n) in its jobs, and Redis does nothing else meanwhile. On a
// connection of its own, whose replies may take as long as that.
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "ctl/connect.h"

namespace wp::ctl {

inline constexpr Millis kCheckPatience{15 * 60'000};

/// A line for each violation. Throws redis::Error.
std::vector<std::string> run_check(const Target& target, const std::string& queue,
                                   Millis patience = kCheckPatience);

}  // namespace wp::ctl
