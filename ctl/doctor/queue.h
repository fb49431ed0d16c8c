// What `doctor` looks at in a queue: is it served, does it move, and is it whole?
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ctl/doctor/finding.h"
#include "queue/queue.h"

namespace wp::ctl {

/// With more jobs than this, CHECK stops Redis for too long to be run unasked.
inline constexpr std::int64_t kMostChecked = 20'000;

/// Configuration, owner, format, pause, workers, their handlers, dead jobs, the oldest that waits.
/// Pure.
Findings judge_queue(const std::string& name, const queue::Counts& counts,
                     const queue::Config& config);

/// Of the invariants: `violations` as CHECK answered them. Pure.
Finding judge_check(const std::string& name, std::int64_t jobs,
                    const std::vector<std::string>& violations);
Finding check_left_away(const std::string& name, std::int64_t jobs);

}  // namespace wp::ctl
