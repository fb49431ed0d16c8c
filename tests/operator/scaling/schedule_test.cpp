// Floors by the time of day and week, at places whose clocks jump.
#include "operator/scaling/schedule.h"

#include <date/date.h>
#include <doctest/doctest.h>
#include <sstream>

using namespace wp;
using namespace wp::scaling;

namespace {

// "2026-03-29 01:00:00" in UTC.
Millis utc(const std::string& text) {
  std::istringstream in(text);
  date::sys_seconds time;
  in >> date::parse(text.size() > 16 ? "%Y-%m-%d %H:%M:%S" : "%Y-%m-%d %H:%M", time);
  REQUIRE_MESSAGE(!in.fail(), text);
  return time.time_since_epoch();
}

Schedule one(const char* zone, const char* start, const char* end, int floor = 5) {
  return {"day", zone, start, end, floor};
}

int floor_at(const Schedule& schedule, const std::string& when) {
  Schedules schedules({schedule});
  const auto& floor = schedules.floor(utc(when));
  return floor ? floor->min_replicas : 0;
}

}  // namespace

TEST_CASE("working hours in Berlin, in winter and in summer") {
  const Schedule work = one("Europe/Berlin", "0 8 * * 1-5", "0 18 * * 1-5");
  struct Row {
    const char* when;
    bool holds;
  };
  for (const Row& row : {Row{"2026-01-05 06:59:59", false}, Row{"2026-01-05 07:00:00", true},
                         Row{"2026-01-05 16:59:59", true}, Row{"2026-01-05 17:00:00", false},
                         Row{"2026-07-06 05:59:59", false}, Row{"2026-07-06 06:00:00", true},
                         Row{"2026-07-06 16:00:00", false}, Row{"2026-07-04 10:00:00", false},
                         Row{"2026-07-05 10:00:00", false}}) {
    CAPTURE(row.when);
    CHECK((floor_at(work, row.when) == 5) == row.holds);
  }
}

TEST_CASE("over midnight, and over the weekend") {
  const Schedule night = one("Asia/Kolkata", "0 22 * * *", "30 5 * * *");
  CHECK(floor_at(night, "2026-07-03 16:29") == 0);
  CHECK(floor_at(night, "2026-07-03 16:30") == 5);
  CHECK(floor_at(night, "2026-07-03 23:59") == 5);
  CHECK(floor_at(night, "2026-07-04 00:00") == 0);
  const Schedule weekend = one("America/New_York", "0 18 * * 5", "0 6 * * 1");
  CHECK(floor_at(weekend, "2026-07-03 21:59") == 0);  // Friday
  CHECK(floor_at(weekend, "2026-07-03 22:00") == 5);
  CHECK(floor_at(weekend, "2026-07-05 12:00") == 5);
  CHECK(floor_at(weekend, "2026-07-06 09:59") == 5);
  CHECK(floor_at(weekend, "2026-07-06 10:00") == 0);
  // A month long, begun in another year.
  const Schedule winter = one("UTC", "0 0 15 12 *", "0 0 15 1 *");
  CHECK(floor_at(winter, "2026-01-14 23:59") == 5);
  CHECK(floor_at(winter, "2026-01-15 00:00") == 0);
}

TEST_CASE("a start in the skipped hour, an end in the repeated one") {
  const Schedule early = one("Europe/Berlin", "30 2 * * *", "0 4 * * *");
  CHECK(floor_at(early, "2026-03-29 00:59:59") == 0);
  CHECK(floor_at(early, "2026-03-29 01:00:00") == 5);  // 03:00, the clock having jumped
  CHECK(floor_at(early, "2026-03-29 02:00:00") == 0);
  const Schedule late = one("Europe/Berlin", "0 1 * * *", "30 2 * * *");
  CHECK(floor_at(late, "2026-10-25 00:29:59") == 5);
  CHECK(floor_at(late, "2026-10-25 00:30:00") == 0);  // the first 02:30
  CHECK(floor_at(late, "2026-10-25 01:15:00") == 0);
  // Both in the skipped hour: over before it began.
  const Schedule inside = one("Europe/Berlin", "10 2 * * *", "50 2 * * *");
  CHECK(floor_at(inside, "2026-03-28 01:20") == 5);
  // Lord Howe: half an hour is repeated; 01:40 to 01:50 comes once.
  const Schedule howe = one("Australia/Lord_Howe", "40 1 * * *", "50 1 * * *");
  CHECK(floor_at(howe, "2026-04-04 14:45") == 5);
  CHECK(floor_at(howe, "2026-04-04 15:15") == 0);
}

TEST_CASE("one that ends as it starts again goes on; its hour on the hour by time") {
  const Schedule always = one("UTC", "0 0 * * *", "0 0 * * *");
  CHECK(floor_at(always, "2026-07-03 00:00") == 5);
  CHECK(floor_at(always, "2026-07-03 23:59:59") == 5);
  const Schedule halves = one("Europe/Berlin", "0 * * * *", "30 * * * *");
  for (const char* hour : {"2026-10-25 00", "2026-10-25 01", "2026-10-25 02"}) {
    CHECK(floor_at(halves, std::string(hour) + ":29") == 5);
    CHECK(floor_at(halves, std::string(hour) + ":30") == 0);
  }
}

TEST_CASE("the highest floor wins, and it says which") {
  Schedules schedules({{"base", "UTC", "0 6 * * *", "0 22 * * *", 2},
                       {"peak", "UTC", "0 10 * * *", "0 12 * * *", 9},
                       {"lunch", "UTC", "0 11 * * *", "0 14 * * *", 4}});
  struct Row {
    const char* when;
    const char* name;
    int floor;
    const char* next;
  };
  for (const Row& row : {Row{"2026-07-03 09:00", "base", 2, "2026-07-03 10:00"},
                         Row{"2026-07-03 10:30", "peak", 9, "2026-07-03 11:00"},
                         Row{"2026-07-03 11:30", "peak", 9, "2026-07-03 12:00"},
                         Row{"2026-07-03 12:00", "lunch", 4, "2026-07-03 14:00"},
                         Row{"2026-07-03 14:00", "base", 2, "2026-07-03 22:00"}}) {
    CAPTURE(row.when);
    const auto& floor = schedules.floor(utc(row.when));
    REQUIRE(floor);
    CHECK(floor->name == row.name);
    CHECK(floor->min_replicas == row.floor);
    CHECK(schedules.next_edge(utc(row.when)) == utc(row.next) - utc(row.when));
  }
  CHECK_FALSE(schedules.floor(utc("2026-07-03 23:00")));
  CHECK(schedules.next_edge(utc("2026-07-03 23:00")) == Millis{7 * 3600 * 1000});
  // A clock that was set back.
  CHECK(schedules.floor(utc("2026-07-03 10:30"))->name == "peak");
}

TEST_CASE(
    "every minute of two days that jump: kept answers are those of a fresh look, edges are told") {
  for (const char* zone : {"Europe/Berlin", "Australia/Lord_Howe", "America/New_York"}) {
    for (const char* begin :
         {"2026-03-28 12:00", "2026-04-04 00:00", "2026-10-24 12:00", "2026-03-07 12:00"}) {
      const std::vector<Schedule> declared = {{"a", zone, "15 2 * * *", "45 1 * * *", 3},
                                              {"b", zone, "*/40 * * * *", "10 * * * *", 7}};
      Schedules kept(declared);
      Millis edge{0};
      std::optional<ScheduleFloor> last;
      for (int minute = 0; minute < 2 * 1440; ++minute) {
        const Millis now = utc(begin) + Millis{minute * 60000};
        const auto floor = kept.floor(now);
        Schedules fresh(declared);
        const auto again = fresh.floor(now);
        CHECK(floor.has_value() == again.has_value());
        if (floor && again) CHECK(floor->min_replicas == again->min_replicas);
        const bool changed =
            minute > 0 && (floor ? floor->min_replicas : 0) != (last ? last->min_replicas : 0);
        if (changed) CHECK(now >= edge);
        last = floor;
        const auto next = kept.next_edge(now);
        REQUIRE(next);
        CHECK(*next > Millis{0});
        edge = now + *next;
      }
    }
  }
}

TEST_CASE("none, and what is refused") {
  Schedules none;
  CHECK_FALSE(none.floor(utc("2026-07-03 10:30")));
  CHECK_FALSE(none.next_edge(utc("2026-07-03 10:30")));
  const auto refusal = [](const Schedule& schedule) -> std::string {
    try {
      Schedules schedules({schedule});
    } catch (const std::invalid_argument& e) {
      return e.what();
    }
    return "";
  };
  CHECK(refusal(one("Europe/Berlinn", "0 8 * * *", "0 9 * * *")) ==
        "schedule day: this machine knows no time zone Europe/Berlinn");
  CHECK(
      refusal(one("UTC", "0 8 * *", "0 9 * * *")).starts_with("schedule day: start has 4 fields"));
  CHECK(refusal(one("UTC", "0 8 * * *", "0 99 * * *"))
            .starts_with("schedule day: end has \"99\" for the hour (field 2); allowed: 0 to 23"));
}
