// How a decision's text spells its numbers: short, rounded to what a person reads, and the same
// everywhere. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace wp::scaling {

/// "250 ms", "0.8 s", "12 s", "3 min", "5 h".
std::string spell_time(double seconds);
std::string spell_time(Millis time);

/// Two digits that count, no exponent: "0.13", "4.7", "310".
std::string spell_number(double value);

/// "1 worker", "8 workers".
std::string spell_workers(int count);

/// "31 slots / 4 = 8 workers"; with one slot per worker just "31 workers".
std::string spell_slots(std::int64_t slots, int per_worker, int count);

}  // namespace wp::scaling
