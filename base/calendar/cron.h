// The five fields of a crontab, "0 8 * * 1-5": minute, hour, day of the month, month, day of the
// week. Lists, ranges, steps and English names (jan, MON); 7 is Sunday, too. When both days are
// restricted, either will do, as crontab(5) says. Immutable and pure: any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace wp {

/// What is wrong: "has \"25\" for the hour (field 2); allowed: 0 to 23, …".
class CronError : public std::invalid_argument {
 public:
  CronError(const std::string& problem, const std::string& allowed);
  const std::string& problem() const { return problem_; }
  const std::string& allowed() const { return allowed_; }

 private:
  std::string problem_, allowed_;
};

class Cron {
 public:
  /// Throws CronError; also for a date that never comes, such as 30 February.
  static Cron parse(std::string_view text);

  /// The first matching minute at or after `from`, before `until`: seconds of a calendar without
  /// zones (1970-01-01 00:00 is 0), as a wall clock shows them.
  std::optional<std::int64_t> first(std::int64_t from, std::int64_t until) const;
  /// The last matching minute at or before `until`, not before `from`.
  std::optional<std::int64_t> last(std::int64_t from, std::int64_t until) const;

  /// It speaks of every hour, and so of none in particular.
  bool every_hour() const { return hours_ == (1U << 24) - 1; }

 private:
  Cron() = default;
  bool matches_day(std::int64_t day) const;

  std::uint64_t minutes_ = 0;
  std::uint32_t hours_ = 0, days_ = 0, months_ = 0, weekdays_ = 0;
  bool any_day_ = false, any_weekday_ = false;  // the field begins with *
};

}  // namespace wp
