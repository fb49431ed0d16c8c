// SIGKILL, and SIGSTOP beyond the lease, at every step of a job's life; then a second runner
// finishes. Each job is done once, was executed again only when the struck runner held it, and that
// is counted as queue.md says: a loss when its lease lapses; when the pod comes back, a crash of
// the job that it held alone, or a loss of each of several.
#include <algorithm>
#include <doctest/doctest.h>
#include <signal.h>

#include "tests/runner/sweep.h"

using namespace wp;
using namespace wp::test;
using queue::JobState;

namespace {

// Asserts what is counted against each job: once, and only what the dead runner held.
void check_counters(SweepRow& row, const std::vector<std::string>& held) {
  const bool crash = row.shape().same_pod && held.size() == 1;
  for (const std::string& id : row.ids()) {
    CAPTURE(id);
    const queue::JobView view = row.job(id);
    const bool was_held = std::find(held.begin(), held.end(), id) != held.end();
    CHECK(view.losses == (was_held && !crash ? 1 : 0));
    CHECK(view.crashes == (was_held && crash ? 1 : 0));
    CHECK(view.failures == 0);
  }
  const auto count = static_cast<std::int64_t>(held.size());
  CHECK(row.count("lost") == (crash ? 0 : count));
  CHECK(row.count("crashed") == (crash ? count : 0));
  CHECK(row.count("failed") == 0);
}

void kill_at(const RedisServer& redis, const Point& point, const Shape& shape) {
  SweepRow row(redis, point, shape, {SIGKILL});
  row.strike();
  CHECK(row.runner().wait() == 1000 + SIGKILL);
  row.check_first(point.killed);
  row.check_handlers_gone();
  const std::vector<std::string> held = row.in_state(JobState::active);
  const auto interrupted = row.count("interrupted");
  const auto second = row.next_runner();
  row.let_go();
  row.settle_books(static_cast<int>(held.size()) + static_cast<int>(interrupted));
  check_counters(row, held);
}

void suspend_at(const RedisServer& redis, const Point& point, const Shape& shape) {
  SweepRow row(redis, point, shape, {SIGSTOP});
  row.strike();
  row.check_first(point.killed);
  const std::vector<std::string> held = row.in_state(JobState::active);
  const auto interrupted = row.count("interrupted");
  const auto second = row.next_runner();
  row.let_go();
  row.settle_books(static_cast<int>(held.size()) + static_cast<int>(interrupted));
  row.runner().signal(SIGCONT);
  row.runner().signal(SIGTERM);
  CHECK(row.runner().wait() == 0);
  // Whatever it still had to say changed nothing; what it still executed, it held.
  row.settle_books(static_cast<int>(held.size()) + static_cast<int>(interrupted));
  check_counters(row, held);
}

}  // namespace

TEST_CASE("SIGKILL at every step: another worker takes over when the leases lapse") {
  const RedisServer redis;
  const Shape one{.name = "one slot"};
  const Shape four{.name = "four slots, large", .slots = 4, .jobs = 6, .bytes = 200000};
  for (const Shape& shape : {short_lease(one), short_lease(four)}) {
    sweep(shape, [&](const Point& point) { kill_at(redis, point, shape); });
  }
}

TEST_CASE("SIGKILL at every step: the pod comes back") {
  const RedisServer redis;
  const Shape one{.name = "one slot, large", .bytes = 200000, .same_pod = true};
  const Shape four{.name = "four slots", .slots = 4, .jobs = 6, .same_pod = true};
  for (const Shape& shape : {one, four}) {
    sweep(shape, [&](const Point& point) { kill_at(redis, point, shape); });
  }
}

TEST_CASE("SIGKILL at every step of a built-in handler's job") {
  const RedisServer redis;
  const Shape shape = short_lease({.name = "built-in", .slots = 4, .jobs = 6, .builtin = true});
  sweep(shape, [&](const Point& point) { kill_at(redis, point, shape); });
}

TEST_CASE("SIGSTOP at every step, beyond the lease: a zombie changes nothing") {
  const RedisServer redis;
  const Shape shape = short_lease({.name = "four slots", .slots = 4, .jobs = 6});
  sweep(shape, [&](const Point& point) { suspend_at(redis, point, shape); });
}

TEST_CASE("what strikes a runner does not reach its handlers") {
  const RedisServer redis;
  QueueClient queue(redis);
  queue.configure(15000);
  Folder folder;
  const FaultPlan plan({{"spawn", "before"}, {"spawn", "after"}}, folder / "hits");
  const RunnerProcess runner({redis.url(),
                              "q",
                              {"--scratch-dir", folder.path(), "--", "/bin/sh", "-c",
                               "! env | grep -e LD_PRELOAD -e WP_FAULT"},
                              plan.environment()});
  queue.wait_state(queue.enqueue(""), JobState::done);
  (void)queue.enqueue("");
  CHECK(eventually([&] { return plan.hits() == plan.shots(); }));
}
