// When a crontab's line comes due at a place: the wall clock's jumps are treated as cron(8) does.
// What falls into a skipped hour comes due at the moment of the jump; what falls into an hour that
// is repeated comes due the first time. A line that speaks of every hour goes by time instead: not
// at all in the skipped one, twice in the repeated one. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>

#include "base/calendar/cron.h"
#include "base/calendar/time_zone.h"

namespace wp {

/// The last time at or before `instant` (seconds since the epoch); none within nine years.
std::optional<std::int64_t> last_firing(const Cron& cron, const TimeZone& zone,
                                        std::int64_t instant);
/// The first time after `instant`.
std::optional<std::int64_t> next_firing(const Cron& cron, const TimeZone& zone,
                                        std::int64_t instant);

}  // namespace wp
