// What `doctor` says of one thing: one line, and what to do about it. Pure data.
#pragma once

#include <string>
#include <vector>

namespace wp::ctl {

enum class Level {
  ok,
  unknown,  // it may not be looked at (a managed Redis, a user without the right)
  warn,     // it works, but not as it should, or not for long
  fail,     // it does not work, or loses jobs
};

struct Finding {
  Level level = Level::ok;
  std::string what;  // what was looked at, a word or two
  std::string found;
  std::string advice;  // empty when there is nothing to do
  std::string queue;   // empty: of the server or the user
};

using Findings = std::vector<Finding>;

}  // namespace wp::ctl
