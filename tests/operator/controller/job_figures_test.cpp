#include "operator/controller/job_figures.h"

#include <doctest/doctest.h>

using namespace wp;
using wp::controller::health_of;
using wp::controller::JobFigures;

TEST_CASE("success is by job, and says nothing below ten settled ones") {
  JobFigures figures;
  figures.add(Millis{0}, {{"completed", 100}, {"dead", 5}});
  figures.add(Millis{6000}, {{"completed", 108}, {"dead", 6}});
  CHECK_FALSE(figures.success_percent());
  CHECK(health_of(figures.success_percent(), 0) == pool::HealthStatus::healthy);
  figures.add(Millis{12000}, {{"completed", 106 + 100}, {"dead", 105}});
  REQUIRE(figures.success_percent());
  CHECK(*figures.success_percent() == 51);
  CHECK(health_of(figures.success_percent(), 0) == pool::HealthStatus::degraded);
}

TEST_CASE("throughput, average and the 95th percentile come from the counters") {
  JobFigures figures;
  figures.add(Millis{0}, {{"completed", 0}, {"busy_ms", 0}});
  figures.add(Millis{60000},
              {{"completed", 100}, {"busy_ms", 50000}, {"duration:9", 96}, {"duration:12", 4}});
  const auto status = figures.status();
  CHECK(status.throughput_per_minute == 100);
  CHECK(status.average_duration_ms == 500);
  CHECK(status.p95_duration_ms == 512);
}

TEST_CASE("counters that went backwards start a new baseline") {
  JobFigures figures;
  figures.add(Millis{0}, {{"completed", 1000}});
  figures.add(Millis{6000}, {{"completed", 3}});
  figures.add(Millis{12000}, {{"completed", 23}});
  CHECK(figures.status().completed == 23);
  CHECK(figures.success_percent() == 100);
  CHECK(figures.status().throughput_per_minute == 200);
}

TEST_CASE("the window is ten minutes") {
  JobFigures figures;
  for (int minute = 0; minute <= 30; ++minute) {
    figures.add(Millis{minute * 60000}, {{"completed", minute < 20 ? minute * 10 : 200}});
  }
  CHECK(figures.status().throughput_per_minute == 0);
}

TEST_CASE("after a restart the figures that were published stand until there are others") {
  pool::JobsStatus before;
  before.completed = 90;
  before.throughput_per_minute = 12;
  before.success_percent = 70;
  before.average_duration_ms = 800;
  before.p95_duration_ms = 1024;
  JobFigures figures;
  const JobFigures::Counters at_first = {{"completed", 100}, {"failed", 3}, {"busy_ms", 5}};
  figures.add(Millis{1000000}, at_first);
  SUBCASE("nothing happens") {
    figures.add(Millis{1300000}, at_first);
    const auto status = figures.status(before);
    CHECK(status.completed == 100);
    CHECK(status.throughput_per_minute == 12);
    CHECK(status.success_percent == 70);
    CHECK(status.average_duration_ms == 800);
    CHECK(status.p95_duration_ms == 1024);
    CHECK_FALSE(figures.status().success_percent);
    // What happened before the restart is too long ago now.
    figures.add(Millis{1600000}, at_first);
    CHECK(figures.status(before).throughput_per_minute == 0);
    CHECK_FALSE(figures.status(before).success_percent);
  }
  SUBCASE("a job is done") {
    figures.add(Millis{1060000}, {{"completed", 101}, {"failed", 3}, {"busy_ms", 705}});
    const auto status = figures.status(before);
    CHECK(status.throughput_per_minute == 1);
    CHECK(status.average_duration_ms == 700);
    CHECK_FALSE(status.success_percent);
  }
  SUBCASE("the queue lost its data") {
    figures.add(Millis{1006000}, {{"completed", 0}});
    figures.add(Millis{1012000}, {{"completed", 0}});
    CHECK(figures.status(before).throughput_per_minute == 0);
  }
}
