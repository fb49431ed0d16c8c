// Schedules that raise a pool's floor: each from a crontab line's time until another's, at a place.
// Pure: wall time in, floor out. Between two edges the answer is kept, so that asking each second
// costs nothing. One thread at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/calendar/cron.h"
#include "base/calendar/time_zone.h"
#include "base/clock.h"
#include "operator/scaling/params.h"

namespace wp::scaling {

/// As declared.
struct Schedule {
  std::string name;
  std::string time_zone;  // "Europe/Berlin"
  std::string start;      // five fields of a crontab
  std::string end;
  int min_replicas = 0;
  bool operator==(const Schedule&) const = default;
};

class Schedules {
 public:
  Schedules() = default;
  /// Throws std::invalid_argument, naming the schedule: a line that is none, an unknown place.
  explicit Schedules(const std::vector<Schedule>& declared);

  /// The highest floor of those that hold at `wall` (since the epoch); nothing: none holds.
  const std::optional<ScheduleFloor>& floor(Millis wall);
  /// Until the next start or end of any of them; nothing: none within years.
  std::optional<Millis> next_edge(Millis wall);

 private:
  struct Line {
    std::string name;
    TimeZone zone;
    Cron start;
    Cron end;
    int min_replicas = 0;
  };
  void look(std::int64_t second);

  std::vector<Line> lines_;
  std::optional<ScheduleFloor> floor_;
  std::int64_t from_ = 0;   // seconds: the answer holds from here …
  std::int64_t until_ = 0;  // … to before here
};

}  // namespace wp::scaling
