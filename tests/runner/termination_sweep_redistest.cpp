// SIGTERM, and two signals at once, at every step of a job's life. The runner exits with 0, in
// time, and holds nothing: what ran is completed (or, by two signals, interrupted), what did not
// start has gone back. Nothing is lost, nothing is counted against any job, and a second runner
// executes the rest.
#include <doctest/doctest.h>
#include <signal.h>

#include "tests/runner/sweep.h"

using namespace wp;
using namespace wp::test;
using queue::JobState;

namespace {

void check_nothing_counted(SweepRow& row) {
  for (const std::string& id : row.ids()) {
    CAPTURE(id);
    const queue::JobView view = row.job(id);
    CHECK(view.failures + view.crashes + view.losses + view.deferrals == 0);
  }
  for (const char* stat : {"failed", "crashed", "lost", "deferred", "stale", "dead"}) {
    CAPTURE(stat);
    // A completion that is told again, for its first answer was lost, is refused and counted.
    const bool told_again = row.point().network == Network::loses_answer;
    CHECK(row.count(stat) <= (told_again && std::string(stat) == "stale" ? 1 : 0));
  }
}

void terminate_at(const RedisServer& redis, const Point& point, const Shape& shape,
                  const std::vector<int>& signals) {
  SweepRow row(redis, point, shape, signals);
  const bool hurry = signals.size() > 1;
  row.strike();
  if (!hurry) row.let_go();
  const int exit = row.runner().wait(Millis{30000}).value_or(-1);  // the drain's time is 60 s
  CAPTURE(row.runner().log());
  CHECK(exit == 0);
  row.check_handlers_gone();
  row.check_first(hurry ? point.hurried : point.terminated);
  CHECK(row.in_state(JobState::active).empty());
  const auto interrupted = row.count("interrupted");
  if (row.stop_signals() == 1) CHECK(interrupted == 0);
  const auto second = row.next_runner();
  row.let_go();
  row.settle_books(static_cast<int>(interrupted));
  check_nothing_counted(row);
}

void sweep_shapes(const std::vector<int>& signals) {
  const RedisServer redis;
  for (const Shape& shape :
       {Shape{.name = "one slot"},
        Shape{.name = "four slots, large", .slots = 4, .jobs = 6, .bytes = 200000},
        short_lease({.name = "built-in", .slots = 4, .jobs = 6, .builtin = true})}) {
    sweep(shape, [&](const Point& point) { terminate_at(redis, point, shape, signals); });
  }
}

}  // namespace

TEST_CASE("SIGTERM at every step: what runs completes, the rest goes back, nothing is counted") {
  sweep_shapes({SIGTERM});
}

TEST_CASE("two signals at every step: what runs goes back too, and nothing is counted") {
  sweep_shapes({SIGTERM, SIGINT});
}
