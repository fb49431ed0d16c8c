// A place's wall clock, by the system's time zone database (package tzdata): when its offset to UTC
// changes. "UTC" needs no database. Immutable; any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace date {
class time_zone;
}

namespace wp {

class TimeZone {
 public:
  /// By its name, such as Europe/Berlin. Nothing: the machine has none of that name.
  static std::optional<TimeZone> find(const std::string& name);
  TimeZone() = default;  // UTC

  /// From `begin` on, before `end`, the clock shows UTC + `offset`. Seconds since the epoch.
  struct Stretch {
    std::int64_t begin = 0;
    std::int64_t end = 0;
    std::int64_t offset = 0;
  };
  Stretch at(std::int64_t instant) const;

 private:
  const date::time_zone* zone_ = nullptr;  // of the database, which stays; nullptr: UTC
};

}  // namespace wp
