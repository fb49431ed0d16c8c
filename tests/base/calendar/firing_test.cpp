// Crontab lines at places whose clocks jump, against instants that are known.
#include "base/calendar/firing.h"

#include <date/date.h>
#include <doctest/doctest.h>
#include <sstream>
#include <string>
#include <vector>

using namespace wp;

namespace {

// "2026-03-29 01:00" in UTC.
std::int64_t utc(const std::string& text) {
  std::istringstream in(text);
  date::sys_seconds time;
  in >> date::parse("%Y-%m-%d %H:%M", time);
  REQUIRE_MESSAGE(!in.fail(), text);
  return time.time_since_epoch().count();
}
std::string shown(std::optional<std::int64_t> instant) {
  if (!instant) return "never";
  return date::format("%Y-%m-%d %H:%M", date::sys_seconds{std::chrono::seconds{*instant}});
}

std::vector<std::string> firings(const char* line, const char* place, const std::string& from,
                                 std::size_t count) {
  const Cron cron = Cron::parse(line);
  const auto zone = TimeZone::find(place);
  REQUIRE_MESSAGE(zone, place);
  std::vector<std::string> times;
  std::int64_t at = utc(from);
  while (times.size() < count) {
    const auto next = next_firing(cron, *zone, at);
    REQUIRE(next);
    CHECK(*next > at);
    times.push_back(shown(next));
    // The way back finds the same.
    CHECK(last_firing(cron, *zone, *next) == next);
    const auto before = last_firing(cron, *zone, *next - 1);
    REQUIRE(before);
    CHECK(*before <= at);
    CHECK(next_firing(cron, *zone, *before) == next);
    at = *next;
  }
  return times;
}

using Times = std::vector<std::string>;

}  // namespace

TEST_CASE("places without jumps") {
  CHECK(firings("0 8 * * 1-5", "UTC", "2026-07-03 08:00", 3) ==
        Times{"2026-07-06 08:00", "2026-07-07 08:00", "2026-07-08 08:00"});
  // 5:30 ahead.
  CHECK(firings("0 8 * * *", "Asia/Kolkata", "2026-07-03 02:29", 2) ==
        Times{"2026-07-03 02:30", "2026-07-04 02:30"});
  CHECK(firings("15 20 * * *", "Etc/GMT+5", "2026-07-03 00:00", 2) ==
        Times{"2026-07-03 01:15", "2026-07-04 01:15"});
}

TEST_CASE("Europe/Berlin: the skipped hour") {
  // 29 March 2026: 01:59:59 CET is followed by 03:00 CEST, at 01:00 UTC.
  CHECK(firings("30 2 * * *", "Europe/Berlin", "2026-03-27 12:00", 4) ==
        Times{"2026-03-28 01:30", "2026-03-29 01:00", "2026-03-30 00:30", "2026-03-31 00:30"});
  CHECK(firings("0 3 * * *", "Europe/Berlin", "2026-03-28 12:00", 2) ==
        Times{"2026-03-29 01:00", "2026-03-30 01:00"});
  CHECK(firings("59 1 * * *", "Europe/Berlin", "2026-03-28 12:00", 2) ==
        Times{"2026-03-29 00:59", "2026-03-29 23:59"});
  // Several minutes of the skipped hour come due as one.
  CHECK(firings("*/20 2 * * *", "Europe/Berlin", "2026-03-28 12:00", 2) ==
        Times{"2026-03-29 01:00", "2026-03-30 00:00"});
  // Only on that day of the week.
  CHECK(firings("30 2 * * 1", "Europe/Berlin", "2026-03-28 12:00", 1) == Times{"2026-03-30 00:30"});
  // By time, not by the clock.
  CHECK(firings("30 * * * *", "Europe/Berlin", "2026-03-29 00:00", 3) ==
        Times{"2026-03-29 00:30", "2026-03-29 01:30", "2026-03-29 02:30"});
}

TEST_CASE("Europe/Berlin: the repeated hour") {
  // 25 October 2026: 02:59:59 CEST is followed by 02:00 CET, at 01:00 UTC.
  CHECK(firings("30 2 * * *", "Europe/Berlin", "2026-10-24 12:00", 3) ==
        Times{"2026-10-25 00:30", "2026-10-26 01:30", "2026-10-27 01:30"});
  CHECK(firings("0 3 * * *", "Europe/Berlin", "2026-10-24 12:00", 2) ==
        Times{"2026-10-25 02:00", "2026-10-26 02:00"});
  CHECK(firings("30 * * * *", "Europe/Berlin", "2026-10-25 00:00", 3) ==
        Times{"2026-10-25 00:30", "2026-10-25 01:30", "2026-10-25 02:30"});
}

TEST_CASE("America/New_York: both jumps") {
  // 8 March 2026 at 07:00 UTC, 1 November 2026 at 06:00 UTC.
  CHECK(firings("30 2 * * *", "America/New_York", "2026-03-07 12:00", 2) ==
        Times{"2026-03-08 07:00", "2026-03-09 06:30"});
  CHECK(firings("30 1 * * *", "America/New_York", "2026-10-31 12:00", 2) ==
        Times{"2026-11-01 05:30", "2026-11-02 06:30"});
}

TEST_CASE("Australia/Lord_Howe: a jump of half an hour") {
  // 5 April 2026: 02:00 +11 becomes 01:30 +10:30, at 15:00 UTC the day before; 4 October 2026:
  // 02:00 +10:30 becomes 02:30 +11, at 15:30 UTC the day before.
  CHECK(firings("45 1 * * *", "Australia/Lord_Howe", "2026-04-03 20:00", 2) ==
        Times{"2026-04-04 14:45", "2026-04-05 15:15"});
  CHECK(firings("15 2 * * *", "Australia/Lord_Howe", "2026-10-02 20:00", 2) ==
        Times{"2026-10-03 15:30", "2026-10-04 15:15"});
}

TEST_CASE("a day that a place left out") {
  // Samoa had no 30 December 2011: the clock went from the 29th, 24:00, to the 31st, at 10:00 UTC.
  CHECK(firings("0 12 30 12 *", "Pacific/Apia", "2011-12-01 00:00", 1) ==
        Times{"2011-12-30 10:00"});
}

TEST_CASE("rare ones, and a database that has no such place") {
  CHECK(firings("0 0 29 2 *", "Europe/Berlin", "2026-01-01 00:00", 2) ==
        Times{"2028-02-28 23:00", "2032-02-28 23:00"});
  CHECK_FALSE(TimeZone::find("Europe/Berlinn"));
  CHECK_FALSE(TimeZone::find("../../etc/passwd"));
  CHECK_FALSE(TimeZone::find(""));
}
