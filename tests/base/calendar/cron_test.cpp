// Lines of a crontab: what they match, against a minute-by-minute count, and what is refused.
#include "base/calendar/cron.h"

#include <date/date.h>
#include <doctest/doctest.h>
#include <string>
#include <vector>

using namespace wp;
using namespace date::literals;

namespace {

constexpr std::int64_t kDay = 86400;

std::int64_t clock(date::year_month_day day, int hour = 0, int minute = 0) {
  return std::int64_t{date::sys_days{day}.time_since_epoch().count()} * kDay + hour * 3600 +
         minute * 60;
}

// What matches from one moment to another, by walking.
std::vector<std::int64_t> all(const Cron& cron, std::int64_t from, std::int64_t until) {
  std::vector<std::int64_t> found;
  while (const auto next = cron.first(from, until)) {
    found.push_back(*next);
    from = *next + 1;
  }
  return found;
}

std::size_t count(const char* text, date::year_month_day from, date::year_month_day until) {
  return all(Cron::parse(text), clock(from), clock(until)).size();
}

}  // namespace

TEST_CASE("how often lines match in January 2026, which begins on a Thursday") {
  struct Row {
    const char* text;
    std::size_t expected;
  };
  for (const Row& row : {
           Row{"0 8 * * *", 31},
           Row{"0 8 * * 1-5", 22},
           Row{"0 8 * * mon-FRI", 22},
           Row{"0 8 * * 0", 4},
           Row{"0 8 * * 7", 4},
           Row{"0 8 * * 6-7", 9},
           Row{"0 8 * * sat-sun", 9},
           Row{"0 8 * * Sun,Sat", 9},
           Row{"*/15 * * * *", 31 * 96},
           Row{"0-30/10 22 * * *", 31 * 4},
           Row{"5/20 * * * *", 31 * 24 * 3},
           Row{"0 0 1,15 * *", 2},
           Row{"0 0 31 jan,FEB *", 1},
           Row{"0 0 * 2 *", 0},
           Row{"0 0 13 * 5", 1 + 5},  // the 13th, a Tuesday, and each Friday
           Row{"0 0 */2 * 5", 2},     // * in front: both must do, odd days that are Fridays
           Row{"0 0 1-7 * */7", 1},   // the first Sunday
           Row{" 0\t8  *  *  * ", 31},
       }) {
    CAPTURE(std::string(row.text));
    CHECK(count(row.text, 2026_y / 1 / 1, 2026_y / 2 / 1) == row.expected);
  }
}

TEST_CASE("first and last find the same as each other, at every border") {
  for (const char* text :
       {"30 2 * * *", "0 0 1 * *", "59 23 31 12 *", "*/7 3,4 * * 2", "0 0 29 2 *"}) {
    const Cron cron = Cron::parse(text);
    const auto times = all(cron, clock(2023_y / 1 / 1), clock(2033_y / 1 / 1));
    REQUIRE(times.size() >= 2);
    for (std::size_t i = 0; i + 1 < std::min<std::size_t>(times.size(), 400); ++i) {
      const std::int64_t a = times[i];
      const std::int64_t b = times[i + 1];
      CHECK(cron.first(a, b) == a);
      CHECK_FALSE(cron.first(a + 1, b));
      CHECK(cron.first(a + 1, b + 1) == b);
      CHECK(cron.last(a, b) == b);
      CHECK(cron.last(a, b - 1) == a);
      CHECK_FALSE(cron.last(a + 1, b - 1));
    }
  }
}

TEST_CASE("29 February, across a year that is no leap year") {
  const Cron cron = Cron::parse("0 0 29 2 *");
  CHECK(cron.first(clock(2097_y / 1 / 1), clock(2120_y / 1 / 1)) == clock(2104_y / 2 / 29));
  CHECK(cron.last(clock(2090_y / 1 / 1), clock(2104_y / 2 / 28)) == clock(2096_y / 2 / 29));
}

TEST_CASE("before the epoch, too") {
  const Cron cron = Cron::parse("0 12 * * *");
  CHECK(cron.first(-1, kDay) == 12 * 3600);
  CHECK(cron.last(-kDay, -1) == -12 * 3600);
}

TEST_CASE("what is refused, where, and what is allowed") {
  struct Row {
    const char* text;
    const char* what;
  };
  for (const Row& row : {
           Row{"",
               "has 0 fields; allowed: five: minute, hour, day of the month, month, day of the "
               "week"},
           Row{"0 8 * *", "has 4 fields; allowed: five: minute"},
           Row{"0 8 * * * *", "has 6 fields; allowed: five: minute"},
           Row{"60 8 * * *",
               "has \"60\" for the minute (field 1); allowed: 0 to 59, ranges (1-5), lists (1,3) "
               "and steps "
               "(*/2)"},
           Row{"0 24 * * *", "has \"24\" for the hour (field 2); allowed: 0 to 23, "},
           Row{"0 8 0 * *", "has \"0\" for the day of the month (field 3); allowed: 1 to 31, "},
           Row{"0 8 * 13 *",
               "has \"13\" for the month (field 4); allowed: 1 to 12 or jan to dec, "},
           Row{"0 8 * * 8",
               "has \"8\" for the day of the week (field 5); allowed: 0 to 7 or sun to sat, "},
           Row{"0 8 * * foo", "has \"foo\" for the day of the week (field 5)"},
           Row{"0 8 * mo *", "has \"mo\" for the month (field 4)"},
           Row{"mon 8 * * *", "has \"mon\" for the minute (field 1)"},
           Row{"0 18-8 * * *", "has \"18-8\" for the hour (field 2)"},
           Row{"*/0 8 * * *", "has \"*/0\" for the minute (field 1)"},
           Row{"0 8-/2 * * *", "has \"8-/2\" for the hour (field 2)"},
           Row{"0, 8 * * *", "has \"0,\" for the minute (field 1)"},
           Row{"0 8 -1 * *", "has \"-1\" for the day of the month (field 3)"},
           Row{"0 8 ** * *", "has \"**\" for the day of the month (field 3)"},
           Row{"99999999999 8 * * *", "has \"99999999999\" for the minute (field 1)"},
           Row{"@daily", "has 1 fields"},
           Row{"0 0 30 2 *",
               "is day 30 of month 2, which never comes; allowed: a day that the month has"},
           Row{"0 0 31 4,6,9,11 *", "is day 31 of month 4,6,9,11, which never comes"},
       }) {
    CAPTURE(std::string(row.text));
    std::string said;
    try {
      (void)Cron::parse(row.text);
    } catch (const CronError& e) {
      said = e.what();
      CHECK(said == e.problem() + "; allowed: " + e.allowed());
    }
    CHECK_MESSAGE(said.starts_with(row.what), said);
  }
}
