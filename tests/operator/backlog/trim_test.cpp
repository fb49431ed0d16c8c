// When a queue without workers is trimmed: the pace, on a clock of the test's own.
#include "operator/backlog/trim.h"

#include <doctest/doctest.h>

using namespace wp;
using namespace wp::backlog;

namespace {

constexpr Millis kMinute{60000};
constexpr Millis kHour = 60 * kMinute;
const TrimRules kRules = trim_rules({{"lease_ms", "15000"},
                                     {"keep_done_age_ms", "86400000"},
                                     {"keep_dead_age_ms", "15552000000"},
                                     {"session_ttl_ms", "3600000"}});

queue::Counts counts_of(std::int64_t active, std::int64_t done = 0) {
  queue::Counts counts;
  counts.now = Millis{1000000};
  counts.active = active;
  counts.done = done;
  return counts;
}

queue::WorkerCounts worker_silent_for(Millis time) {
  queue::WorkerCounts worker;
  worker.worker = "pod/0a";
  worker.last_beat = Millis{1000000} - time;
  return worker;
}

// How often a queue is trimmed within `span`, when it is read each second.
int trims_within(TrimPace& pace, const queue::Counts& counts, const TrimRules& rules, Millis span,
                 int dropped = 0) {
  int trims = 0;
  for (Millis now{0}; now < span; now += Millis{1000}) {
    const auto due = pace.next(counts, rules, now);
    if (!due || *due > now) continue;
    ++trims;
    pace.sent(now);
    queue::Trimmed trimmed;
    trimmed.dropped = dropped;
    pace.answered(trimmed, now);
  }
  return trims;
}

}  // namespace

TEST_CASE("the rules come from the queue's configuration") {
  CHECK(kRules.lease == Millis{15000});
  CHECK(kRules.done_age == 24 * kHour);
  CHECK(kRules.dead_age == 4320 * kHour);
  CHECK(kRules.session_ttl == kHour);
  CHECK(trim_rules({}).lease == Millis{15000});
}

TEST_CASE("a queue is served while a worker spoke within two leases") {
  queue::Counts counts = counts_of(1);
  CHECK_FALSE(is_served(counts, Millis{15000}));
  counts.workers = {worker_silent_for(Millis{30001})};
  CHECK_FALSE(is_served(counts, Millis{15000}));
  counts.workers.push_back(worker_silent_for(Millis{30000}));
  CHECK(is_served(counts, Millis{15000}));
}

TEST_CASE("jobs that nobody renews: at once, then at least each half lease") {
  TrimPace pace;
  const queue::Counts counts = counts_of(3);
  Millis last{5000};
  REQUIRE(pace.next(counts, kRules, last) == last);
  for (int i = 0; i < 20; ++i) {
    pace.sent(last);
    const auto due = pace.next(counts, kRules, last);
    REQUIRE(due.has_value());
    CHECK(*due > last);
    CHECK(*due - last < kRules.lease / 2);
    last = *due;
  }
}

TEST_CASE("a full page of lapsed leases: the next one at once") {
  TrimPace pace;
  const Millis now{5000};
  (void)pace.next(counts_of(250), kRules, now);
  pace.sent(now);
  pace.answered({0, 100, 0}, now);
  CHECK(pace.next(counts_of(150), kRules, now) == now);
  pace.sent(now);
  pace.answered({0, 99, 0}, now);
  CHECK(*pace.next(counts_of(51), kRules, now) > now);
}

TEST_CASE("nothing is sent while a worker lives, nor for a queue that holds nothing") {
  TrimPace served;
  queue::Counts counts = counts_of(3, 1000);
  counts.workers = {worker_silent_for(Millis{1000})};
  CHECK(trims_within(served, counts, kRules, 24 * kHour) == 0);
  TrimPace empty;
  CHECK(trims_within(empty, counts_of(0), kRules, 24 * kHour) == 0);
  counts = counts_of(0);
  counts.waiting = counts.delayed = counts.due = 5;  // COUNTS reports them: workers come
  TrimPace waiting;
  CHECK(trims_within(waiting, counts, kRules, 24 * kHour) == 0);
}

TEST_CASE("what ages is looked for in a twentieth of its age, never within ten minutes") {
  TrimPace day;  // 24 h / 20 = 72 minutes, the first after ten
  CHECK(trims_within(day, counts_of(0, 10), kRules, 24 * kHour) == 20);
  TrimRules brief = kRules;
  brief.done_age = kMinute;
  TrimPace minute;
  CHECK(trims_within(minute, counts_of(0, 10), brief, kHour) == 5);
  TrimPace full_pages;
  CHECK(trims_within(full_pages, counts_of(0, 10), kRules, kHour, 100) == 5);
  TrimRules forever = kRules;
  forever.done_age = Millis{0};
  TrimPace none;
  CHECK(trims_within(none, counts_of(0, 10), forever, 24 * kHour) == 0);
}

TEST_CASE("dead jobs and sessions age as well") {
  queue::Counts dead = counts_of(0);
  dead.dead = 1;
  TrimPace first;
  CHECK(trims_within(first, dead, kRules, 24 * kHour) == 1);
  queue::Counts sessions = counts_of(0);
  sessions.bytes = 100;
  TrimPace second;
  CHECK(trims_within(second, sessions, kRules, kHour) == 5);
}

TEST_CASE("after its last worker the time begins anew; shorter ages hold within ten minutes") {
  TrimPace pace;
  queue::Counts counts = counts_of(0, 10);
  counts.workers = {worker_silent_for(Millis{0})};
  const Millis end = 100 * kHour;
  CHECK_FALSE(pace.next(counts, kRules, end));
  counts.workers.clear();
  CHECK(pace.next(counts, kRules, end) == end + 24 * kHour / 20);
  pace.rules_changed(end);
  CHECK(pace.next(counts, kRules, end) == end + 10 * kMinute);
}
