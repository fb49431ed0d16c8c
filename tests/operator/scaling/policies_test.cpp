// The four policies: golden vectors, LookAhead by hand, and the words of each.
#include <cmath>
#include <doctest/doctest.h>
#include <limits>

#include "operator/scaling/look_ahead.h"
#include "operator/scaling/slot_per_job.h"
#include "operator/scaling/target_depth.h"
#include "tests/operator/scaling/support.h"

using namespace wp;
using namespace wp::scaling;
using namespace wp::scaling::test;

namespace {

Demand demand(std::int64_t waiting, std::int64_t active, std::int64_t due_soon = 0) {
  return Demand{waiting, due_soon, active, active, {}, true};
}

// With counters, so that LookAhead has what it needs.
Snapshot counted(std::int64_t seconds, int current, std::int64_t waiting, std::int64_t active,
                 int slots, Counters counters = {}) {
  Snapshot s = at(seconds, current, waiting, active);
  s.demand->counters = counters;
  s.workers.ready = current;
  s.workers.serving_slots = slots;
  return s;
}

}  // namespace

TEST_CASE("SlotPerJob: a slot for what waits, is due soon or runs") {
  struct Row {
    int concurrency;
    std::int64_t waiting, active, due_soon;
    int expected;
    const char* reason;
  };
  for (const Row& row :
       {Row{1, 0, 0, 0, 0, "0 waiting + 0 running: 0 workers"},
        Row{1, 1, 0, 0, 1, "1 waiting + 0 running: 1 worker"},
        Row{1, 3, 2, 0, 5, "3 waiting + 2 running: 5 workers"},
        Row{4, 1, 0, 0, 1, "1 waiting + 0 running: 1 slot / 4 = 1 worker"},
        Row{4, 120, 14, 0, 34, "120 waiting + 14 running: 134 slots / 4 = 34 workers"},
        Row{4, 7, 0, 2, 3, "7 waiting + 2 due soon + 0 running: 9 slots / 4 = 3 workers"}}) {
    const Want want = slot_per_job(with(Policy::slot_per_job, row.concurrency),
                                   demand(row.waiting, row.active, row.due_soon));
    CHECK(want.workers == row.expected);
    CHECK(want.reason == row.reason);
    CHECK(want.cause == (row.expected > 0 ? Cause::backlog : Cause::idle));
    CHECK_FALSE(want.recheck);
  }
}

TEST_CASE("TargetDepth: so many jobs per worker, and never below what runs") {
  Params params = with(Policy::target_depth, 2);
  params.jobs_per_worker = 10;
  CHECK(target_depth(params, demand(95, 6)).workers == 11);
  CHECK(target_depth(params, demand(95, 6)).reason ==
        "95 waiting + 6 running: 101 jobs / 10 = 11 workers");
  CHECK(target_depth(params, demand(0, 7)).workers == 4);
  CHECK(target_depth(params, demand(0, 7)).reason ==
        "0 waiting + 7 running: 7 jobs / 10 = 1 worker; 7 run: 4 workers");
  CHECK(target_depth(params, demand(0, 0)).workers == 0);
}

TEST_CASE("Threshold: the golden vectors, between 4 and 30 workers") {
  struct Row {
    std::int64_t waiting;
    int workers;
    int expected;
  };
  for (const Row& row : {Row{40, 10, 20}, Row{20, 10, 10}, Row{5, 20, 10}, Row{10, 20, 20},
                         Row{400, 10, 30}, Row{0, 20, 4}, Row{1, 4, 4}}) {
    Params params = unlimited(Policy::threshold);
    params.min_replicas = 4;
    params.max_replicas = 30;
    State state = old_state();
    CHECK(decide(state, params, at(1000, row.workers, row.waiting, 0)).replicas == row.expected);
  }
}

TEST_CASE("Threshold: steps, busy workers, the first worker, the target depth") {
  struct Row {
    const char* what;
    int step;
    std::int64_t target_depth;
    std::int64_t waiting;
    int current;
    int busy;
    int slots;
    int expected;
  };
  for (const Row& row :
       {Row{"up by a step", 3, 0, 90, 10, 10, 10, 13}, Row{"down by a step", 3, 0, 1, 10, 2, 10, 7},
        Row{"down by a step, busy ones stay", 3, 0, 1, 10, 9, 10, 9},
        Row{"down, busy ones stay", 0, 0, 2, 10, 7, 10, 7},
        Row{"no worker, one job", 0, 0, 1, 0, 0, 0, 1},
        Row{"no worker, many jobs: straight there", 0, 0, 41, 0, 0, 0, 21},
        Row{"no worker, by a step", 2, 0, 41, 0, 0, 0, 2},
        Row{"no worker, no job", 0, 0, 0, 0, 0, 0, 0},
        Row{"between, above the depth, all busy: one more", 0, 10, 15, 10, 10, 10, 11},
        Row{"between, above the depth, one idle", 0, 10, 15, 10, 9, 10, 10},
        Row{"between, at the depth", 0, 15, 15, 10, 10, 10, 10}}) {
    CAPTURE(row.what);
    Params params = unlimited(Policy::threshold);
    params.scale_to_zero_after = Millis{0};
    params.threshold.step = row.step;
    params.threshold.target_depth = row.target_depth;
    Snapshot s = at(1000, row.current, row.waiting, row.busy);
    s.workers.ready = row.current;
    s.workers.busy = row.busy;
    s.workers.serving_slots = row.slots;
    State state = old_state();
    CHECK(decide(state, params, s).replicas == row.expected);
  }
}

TEST_CASE("Threshold: what cannot start is no worker") {
  Params params = unlimited(Policy::threshold);
  Snapshot s = at(1000, 10, 15, 5);
  s.workers.ready = 5;
  s.workers.absent = s.workers.unstartable = 5;
  std::optional<ThresholdChange> last;
  // 15 / 5 = 300 %, not 15 / 10 = 150 %.
  CHECK(threshold(last, params, s, *s.demand).reason ==
        "15 waiting / 5 workers = 300 %, above 200 %: 8 workers");
}

TEST_CASE("Threshold: one change per cooldown, which a jump cut short does not begin anew") {
  Params params = with(Policy::threshold, 1, 100);
  params.up_workers = 20;
  params.up_percent = 0;
  State state = old_state();
  // 4 → 50 in steps of 20 per 5 s.
  Decision d = decide(state, params, at(1000, 4, 100, 4));
  CHECK(d.replicas == 24);
  record_up(state, Millis{1000000}, 20);
  d = decide(state, params, at(1005, 24, 60, 24));
  CHECK(d.replicas == 44);
  CHECK(d.limited == Cause::rate_limited);
  record_up(state, Millis{1005000}, 20);
  d = decide(state, params, at(1010, 44, 20, 44));
  CHECK(d.replicas == 50);
  CHECK(d.limited == Cause::cooldown);
  record_up(state, Millis{1010000}, 6);
  // 0 / 50 is below 50 %, and all are idle, but the last change was at 1000.
  d = decide(state, params, at(1059, 50, 0, 0));
  CHECK(d.replicas == 50);
  CHECK(d.limited == Cause::cooldown);
  REQUIRE(d.recheck);
  CHECK(*d.recheck == Millis{1000});
  CHECK(d.reason ==
        "0 waiting / 50 workers = 0 %, below 50 %: 0 workers; one change per 60 s: 50 "
        "workers");
  params.scale_down_window = Millis{0};
  d = decide(state, params, at(1060, 50, 2, 1));
  CHECK(d.replicas == 4);
  CHECK(d.cause == Cause::below_threshold);
  // The next cooldown has begun.
  d = decide(state, params, at(1061, 4, 100, 4));
  CHECK(d.replicas == 4);
  CHECK(d.limited == Cause::cooldown);
  CHECK(decide(state, params, at(1120, 4, 100, 4)).replicas == 24);
}

TEST_CASE("Threshold: the same change asked for again begins no new cooldown") {
  Params params = unlimited(Policy::threshold);
  params.scale_to_zero_after = Millis{600000};
  State state = old_state();
  // To zero is decided at 1000, and waits; a cooldown later it is decided again.
  CHECK(decide(state, params, at(1000, 1, 0, 0)).replicas == 1);
  CHECK(decide(state, params, at(1060, 1, 0, 0)).replicas == 1);
  CHECK(decide(state, params, at(1065, 1, 40, 1)).replicas == 20);
}

TEST_CASE("Threshold: words") {
  Params params = with(Policy::threshold);
  const auto reason = [&](const Snapshot& s) {
    std::optional<ThresholdChange> last;
    return threshold(last, params, s, *s.demand).reason;
  };
  CHECK(reason(at(0, 10, 40, 0)) == "40 waiting / 10 workers = 400 %, above 200 %: 20 workers");
  CHECK(reason(at(0, 20, 5, 12)) ==
        "5 waiting / 20 workers = 25 %, below 50 %: 12 busy, 12 workers");
  CHECK(reason(at(0, 10, 20, 0)) ==
        "20 waiting / 10 workers = 200 %, within 50 to 200 %: 10 workers");
  CHECK(reason(at(0, 0, 41, 0)) == "41 waiting, no worker, above 200 %: 21 workers");
  params.threshold.step = 5;
  CHECK(reason(at(0, 10, 40, 0)) ==
        "40 waiting / 10 workers = 400 %, above 200 %: 10 + 5 = 15 workers");
  params.threshold.target_depth = 10;
  CHECK(reason(at(0, 10, 15, 10)) ==
        "15 waiting, above the target depth 10, no idle slot: one more, 11 workers");
}

TEST_CASE("LookAhead: the formula by hand") {
  struct Row {
    const char* what;
    LookAheadInput in;  // slots, waiting, running, arrivals, service, start, target, beta
    double left, burst, rate, base, need;
  };
  for (const Row& row : {
           Row{"nothing", {0, 0, 0, 0, 10, 5, 2, 0.5}, 0, 0, 0, 0, 0},
           // From zero, S ≫ T: nearly one slot per job. 30·60/62
           Row{"long jobs from zero", {0, 30, 0, 0, 60, 5, 2, 0.5}, 30, 29.032258, 0, 0, 29.032258},
           // S ≪ T: (λ + Q/T)·S. (100 + 20·2)·0.1/2.1; R = 2, base = 2 + 0.5·√2
           Row{"short jobs from zero",
               {0, 100, 0, 20, 0.1, 5, 2, 0.5},
               100,
               6.6666667,
               2,
               2.7071068,
               6.6666667},
           // 10 slots all busy, 8 wait; in 5 s the ten finish 10·5/10 = 5, 1/s arrive: 8 + 5 − 5
           Row{"busy, a backlog",
               {10, 8, 10, 1, 10, 5, 2, 0.5},
               8,
               (10 + 8 + 2) * 10.0 / 12,
               10,
               10 + 0.5 * std::sqrt(10.0),
               (10 + 8 + 2) * 10.0 / 12},
           // Ten slots, six busy: four idle ones and 50 that end take it all.
           Row{"short jobs, enough slots",
               {10, 4, 6, 5, 1, 5, 2, 0.5},
               0,
               0,
               5,
               5 + 0.5 * std::sqrt(5.0),
               5 + 0.5 * std::sqrt(5.0)},
           // λ stale after a burst: capped by what is there.
           Row{"stale rate",
               {40, 0, 3, 50, 10, 5, 2, 0.5},
               50 * 5.0 - 37 - 20,
               (3 + 193 + 100) * 10.0 / 12,
               3,
               3 + 0.5 * std::sqrt(3.0),
               (3 + 193 + 100) * 10.0 / 12},
           Row{"only what runs", {10, 0, 7, 0, 10, 5, 2, 0.5}, 0, 0, 0, 0, 7},
           Row{"headroom low", {10, 0, 7, 0.7, 10, 5, 2, 0}, 0, 0, 7, 7, 7},
           Row{"headroom high",
               {10, 0, 7, 0.7, 10, 5, 2, 1},
               0,
               0,
               7,
               7 + std::sqrt(7.0),
               7 + std::sqrt(7.0)},
           // T = 0: one slot for each that is left.
           Row{"no patience", {4, 9, 4, 0, 10, 5, 0, 0.5}, 7, 11, 0, 0, 11},
           Row{"half a job is none", {0, 0.5, 0, 0, 10, 5, 2, 0.5}, 0.5, 0, 0, 0, 0},
       }) {
    CAPTURE(row.what);
    const LookAheadNeed out = look_ahead_need(row.in);
    CHECK(out.left == doctest::Approx(row.left));
    CHECK(out.burst == doctest::Approx(row.burst));
    CHECK(out.rate == doctest::Approx(row.rate));
    CHECK(out.base == doctest::Approx(row.base));
    CHECK(out.need == doctest::Approx(row.need));
  }
}

TEST_CASE("LookAhead: words for what decided") {
  Params params = unlimited(Policy::look_ahead, 4);
  params.look_ahead.expected_duration = Millis{800};
  State state = old_state();
  // (8 + 106 + 0)·0.8/2.8 would be 38; 14 run on 16 slots, and 2 are idle, 16·5/0.8 = 100 end.
  Decision d = decide(state, params, counted(1000, 4, 220, 14, 16));
  CHECK(d.reason ==
        "220 waiting + 14 running at 0.8 s each, 2 s target: 39 slots / 4 = 10 workers");
  CHECK(d.replicas == 10);
  CHECK(d.cause == Cause::backlog);
  // More than it can do by then is nothing to do.
  d = decide(state, params, counted(1000, 4, 20, 14, 16));
  CHECK(d.reason.starts_with("20 waiting + 14 running: 14 slots / 4 = 4 workers"));
  params.concurrency = 1;
  d = decide(state, params, counted(1000, 0, 9, 0, 0));
  CHECK(d.reason == "9 waiting + 0 running at 0.8 s each, 2 s target: 3 workers");
}

TEST_CASE("LookAhead: arrivals are said, and headroom") {
  Params params = unlimited(Policy::look_ahead);
  params.look_ahead.expected_duration = Millis{1000};
  State state = old_state();
  // Ten a second of one second each, for five minutes.
  Decision d;
  for (int second = 0; second <= 300; ++second) {
    Counters counters{second * 10, second * 10, 0, 0};
    d = decide(state, params, counted(1000 + second, 20, 0, 10, 20, counters));
  }
  // 10 + 0.5·√10, and the window holds nothing back: 12 was wanted all the time.
  CHECK(d.reason.starts_with(
      "0 waiting + 10 running, 10/s at 1 s each: 10 busy + 1.6 headroom: 12 workers"));
  Counters counters{3010, 3000, 0, 0};
  d = decide(state, params, counted(1301, 20, 80, 20, 20, counters));
  CHECK(d.reason == "80 waiting + 20 running, 13/s arriving at 1 s each, 2 s target: 31 workers");
}

TEST_CASE("LookAhead without counters is SlotPerJob, and says so") {
  Params params = unlimited(Policy::look_ahead);
  params.foreign = true;
  State state = old_state();
  const Decision d = decide(state, params, at(1000, 0, 7, 0));
  CHECK(d.replicas == 7);
  CHECK(d.reason == "SlotPerJob, as this queue has no counters: 7 waiting + 0 running: 7 workers");
}

TEST_CASE("LookAhead looks again each second while it moves by itself, and not at rest") {
  Params params = with(Policy::look_ahead);
  State state = old_state();
  CHECK(decide(state, params, counted(1000, 0, 3, 0, 0)).recheck == Millis{1000});
  CHECK(decide(state, params, counted(1001, 3, 0, 3, 3)).recheck == Millis{1000});
  CHECK_FALSE(decide(state, params, counted(1002, 0, 0, 0, 0)).recheck);
}

TEST_CASE("LookAhead: no number makes it NaN, negative or endless") {
  const double huge = 1e12;
  for (const double slots : {0.0, 1.0, 1e6}) {
    for (const double waiting : {0.0, 1.0, huge}) {
      for (const double running : {0.0, 1.0, huge}) {
        for (const double arrivals : {0.0, 1e-9, 1e15}) {
          for (const double service : {1e-3, 1e7}) {
            for (const double target : {0.0, 3600.0}) {
              const LookAheadNeed out =
                  look_ahead_need({slots, waiting, running, arrivals, service, 300, target, 1});
              CHECK(std::isfinite(out.need));
              CHECK(out.need >= running);
            }
          }
        }
      }
    }
  }
  Params params = unlimited(Policy::look_ahead);
  params.max_replicas = std::numeric_limits<int>::max();
  params.look_ahead.expected_duration = Millis{0};
  params.look_ahead.target_wait = Millis{0};
  State state = old_state();
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  Snapshot s = counted(1000, 5, kMost, kMost, 5, {kMost, kMost / 2, 0, kMost});
  s.demand->due_soon = kMost;
  const Decision d = decide(state, params, s);
  CHECK(d.replicas > 5);
  CHECK(d.reason.size() < 250);
}
