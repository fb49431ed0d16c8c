// What the estimators learn, against hand-computed ticks and against queues that are simulated with
// known rates.
#include "operator/scaling/estimators.h"

#include <cmath>
#include <doctest/doctest.h>
#include <queue>
#include <random>
#include <vector>

using namespace wp;
using namespace wp::scaling;

namespace {

constexpr Millis kExpected{10000};

Demand reading(std::int64_t waiting, std::int64_t active, Counters counters) {
  return Demand{waiting, 0, active, active, counters, true};
}

// Jobs arrive as a Poisson process and are served exponentially by `servers`, one reading a second.
struct Simulated {
  double service = 0;  // the mean of the estimates, after a while
  double arrivals = 0;
};
Simulated simulate(unsigned seed, double rate, double service, std::size_t servers, int seconds) {
  std::mt19937 random(seed);
  std::exponential_distribution<double> gap(rate);
  std::exponential_distribution<double> duration(1 / service);
  std::priority_queue<double, std::vector<double>, std::greater<>> ends;
  Estimators estimators;
  Counters counters;
  std::int64_t waiting = 0;
  double arrival = gap(random);
  double sum_service = 0;
  double sum_arrivals = 0;
  int samples = 0;
  for (int second = 0; second <= seconds; ++second) {
    const double until = second;
    for (;;) {
      const double end = ends.empty() ? until + 1 : ends.top();
      if (std::min(end, arrival) > until) break;
      double now = arrival;
      if (end <= arrival) {
        now = end;
        ends.pop();
        ++counters.completed;
      } else {
        ++waiting;
        arrival += gap(random);
      }
      while (waiting > 0 && ends.size() < servers) {
        --waiting;
        ++counters.started;
        ends.push(now + duration(random));
      }
    }
    estimators.tick(Millis{second * 1000},
                    reading(waiting, static_cast<std::int64_t>(ends.size()), counters), kExpected);
    if (second > 600) {
      sum_service += estimators.service_seconds();
      sum_arrivals += estimators.arrivals_per_second();
      ++samples;
    }
  }
  return {sum_service / samples, sum_arrivals / samples};
}

}  // namespace

TEST_CASE("before anything is known: expectedDuration, no arrivals, five seconds to start") {
  Estimators estimators;
  estimators.tick(Millis{0}, reading(7, 0, {}), Millis{4000});
  CHECK(estimators.service_seconds() == doctest::Approx(4));
  CHECK(estimators.arrivals_per_second() == 0);
  CHECK(estimators.start_time() == Millis{5000});
  CHECK(estimators.measured() == Measured{});
  // A person who corrects the expectation is heard while nothing is measured.
  estimators.tick(Millis{0}, reading(7, 0, {}), Millis{9000});
  CHECK(estimators.service_seconds() == doctest::Approx(9));
}

TEST_CASE("the service time by hand: running time over what ended, forgotten beyond three") {
  Estimators estimators;
  estimators.tick(Millis{0}, reading(0, 0, {}), kExpected);
  // b = 30 + 8·1, n = 3 + 2
  estimators.tick(Millis{1000}, reading(0, 8, {10, 2, 0, 0}), kExpected);
  CHECK(estimators.service_seconds() == doctest::Approx(38.0 / 5));
  // n > 3: both are decayed, then b + 4·2, n + 1; the failed attempt ended, too.
  const double kept = std::exp(-2.0 / 120);
  estimators.tick(Millis{3000}, reading(0, 4, {10, 2, 1, 0}), kExpected);
  CHECK(estimators.service_seconds() == doctest::Approx((38 * kept + 8) / (5 * kept + 1)));
}

TEST_CASE("nothing ends: the estimate grows by itself") {
  Estimators estimators;
  estimators.tick(Millis{0}, reading(0, 0, {}), Millis{1000});
  for (int second = 1; second <= 600; ++second) {
    estimators.tick(Millis{second * 1000}, reading(0, 2, {2, 0, 0, 0}), Millis{1000});
  }
  CHECK(estimators.service_seconds() == doctest::Approx((3 + 1200) / 3.0));
}

TEST_CASE("an idle hour forgets nothing of the service time, and all of the arrivals") {
  Estimators estimators;
  estimators.tick(Millis{0}, reading(0, 0, {}), kExpected);
  for (int second = 1; second <= 300; ++second) {
    estimators.tick(Millis{second * 1000}, reading(0, 2, {second, second, 0, 0}), kExpected);
  }
  const double before = estimators.service_seconds();
  CHECK(before == doctest::Approx(2).epsilon(0.1));
  CHECK(estimators.arrivals_per_second() == doctest::Approx(1).epsilon(0.01));
  estimators.tick(Millis{3900000}, reading(0, 0, {300, 300, 0, 0}), kExpected);
  CHECK(estimators.service_seconds() == doctest::Approx(before));
  CHECK(estimators.arrivals_per_second() < 1e-9);
}

TEST_CASE("arrivals by hand: started plus growth of the waiting, and never negative") {
  Estimators estimators;
  estimators.tick(Millis{0}, reading(5, 0, {}), kExpected);
  const double weight = 1 - std::exp(-2.0 / 30);
  // 6 started, 5 of which had waited, and 3 more wait: 4 arrived in 2 s.
  estimators.tick(Millis{2000}, reading(3, 6, {6, 0, 0, 0}), kExpected);
  CHECK(estimators.arrivals_per_second() == doctest::Approx(2 * weight));
  // Three were purged.
  estimators.tick(Millis{4000}, reading(0, 6, {6, 0, 0, 0}), kExpected);
  CHECK(estimators.arrivals_per_second() == doctest::Approx(2 * weight * (1 - weight)));
}

TEST_CASE("counters that went backwards are another queue's: a new baseline, one tick skipped") {
  for (const Counters& reset : {Counters{0, 40, 40, 0}, {50, 0, 40, 0}, {50, 40, 0, 0}}) {
    Estimators estimators;
    estimators.tick(Millis{0}, reading(0, 1, {50, 40, 40, 0}), kExpected);
    const double service = estimators.service_seconds();
    estimators.tick(Millis{1000}, reading(900, 1, reset), kExpected);
    CHECK(estimators.service_seconds() == service);
    CHECK(estimators.arrivals_per_second() == 0);
    Counters next = reset;
    ++next.started;
    estimators.tick(Millis{2000}, reading(900, 1, next), kExpected);
    CHECK(estimators.arrivals_per_second() == doctest::Approx(1 - std::exp(-1.0 / 30)));
  }
}

TEST_CASE("what happened while the queue could not be read belongs to no tick") {
  Estimators estimators;
  estimators.tick(Millis{0}, reading(0, 5, {5, 0, 0, 0}), kExpected);
  estimators.stand_still();
  estimators.tick(Millis{60000}, reading(500, 5, {900, 800, 0, 0}), kExpected);
  CHECK(estimators.service_seconds() == doctest::Approx(10));
  CHECK(estimators.arrivals_per_second() == 0);
}

TEST_CASE("the same moment twice changes nothing, nor does a clock that went back") {
  Estimators estimators;
  estimators.tick(Millis{5000}, reading(0, 5, {5, 0, 0, 0}), kExpected);
  estimators.tick(Millis{6000}, reading(4, 5, {9, 4, 0, 0}), kExpected);
  const double service = estimators.service_seconds();
  const double arrivals = estimators.arrivals_per_second();
  for (const int now : {6000, 2000}) {
    estimators.tick(Millis{now}, reading(70, 50, {90, 40, 0, 0}), kExpected);
    CHECK(estimators.service_seconds() == service);
    CHECK(estimators.arrivals_per_second() == arrivals);
  }
}

TEST_CASE("a long tick counts for ten seconds, in what ran as in what ended") {
  Estimators estimators;
  estimators.tick(Millis{0}, reading(0, 2, {0, 0, 0, 0}), kExpected);
  estimators.tick(Millis{100000}, reading(0, 2, {100, 100, 0, 0}), kExpected);
  // b = 30 + 2·10, n = 3 + 100·10/100
  CHECK(estimators.service_seconds() == doctest::Approx(50.0 / 13));
}

TEST_CASE("a cold start takes the service time from the queue's own history") {
  const auto cold = [](Counters counters) {
    Estimators estimators;
    estimators.tick(Millis{0}, reading(0, 0, counters), kExpected);
    return estimators.service_seconds();
  };
  CHECK(cold({500, 300, 200, 400000}) == doctest::Approx(0.8));
  // One attempt speaks for one of three.
  CHECK(cold({1, 1, 0, 1000}) == doctest::Approx((1 + 2 * 10) / 3.0));
  // What status kept is newer than the whole history.
  Estimators kept;
  kept.seed({Millis{2500}, Millis{40000}});
  kept.tick(Millis{0}, reading(0, 0, {500, 300, 200, 400000}), kExpected);
  CHECK(kept.service_seconds() == doctest::Approx(2.5));
  CHECK(kept.start_time() == Millis{40000});
  CHECK(kept.measured() == Measured{Millis{2500}, Millis{40000}});
}

TEST_CASE("what is measured is not overwritten by what status says") {
  Estimators estimators;
  estimators.tick(Millis{0}, reading(0, 0, {}), kExpected);
  estimators.tick(Millis{1000}, reading(0, 1, {1, 1, 0, 0}), kExpected);
  estimators.add_starts(Millis{1000}, {Millis{3000}});
  const double service = estimators.service_seconds();
  estimators.seed({Millis{1}, Millis{1}});
  CHECK(estimators.service_seconds() == service);
  CHECK(estimators.start_time() == Millis{3000});
}

TEST_CASE("pod starts: their mean, within 1 and 300 s") {
  PodStart start;
  CHECK(start.time() == Millis{5000});
  CHECK_FALSE(start.measured());
  start.add(Millis{0}, Millis{60000});
  CHECK(start.measured());
  CHECK(start.time() == Millis{60000});
  start.add(Millis{0}, Millis{20000});
  CHECK(start.time() == Millis{40000});
  for (int i = 0; i < 100; ++i) start.add(Millis{0}, Millis{86400000});
  for (int i = 0; i < 100; ++i) start.add(Millis{3600000}, Millis{86400000});
  CHECK(start.time() >= Millis{299000});
  CHECK(start.time() <= Millis{300000});
  PodStart quick;
  quick.add(Millis{0}, Millis{0});
  CHECK(quick.time() == Millis{1000});
}

TEST_CASE("pod starts: a burst's slowest, which are ready last, count as much as its first") {
  PodStart start;
  Millis sum{0};
  for (int i = 1; i <= 100; ++i) {
    const Millis took{2000 + 150 * i};
    start.add(took, took);  // created at once
    sum += took;
  }
  CHECK(start.time() >= sum / 100);
  // What was forgotten during the 15 s is all that is missing.
  CHECK(start.time() <= sum / 100 + Millis{200});
}

TEST_CASE("pod starts: other times are believed within minutes, or five, and never forgotten") {
  PodStart start;
  for (int i = 0; i < 100; ++i) start.add(Millis{0}, Millis{5000});
  // A day later five of the old ones stand against the new one.
  start.add(Millis{86400000}, Millis{65000});
  CHECK(start.time() == Millis{15000});
  for (int i = 1; i <= 5; ++i) start.add(Millis{86400000 + i * 60000}, Millis{65000});
  CHECK(start.time() > Millis{40000});
  // A clock that goes backwards forgets nothing and breaks nothing.
  const Millis before = start.time();
  start.add(Millis{0}, before);
  CHECK(start.time() == before);
  // Who was seeded takes what is measured as one more.
  PodStart seeded;
  seeded.seed(Millis{10000});
  seeded.add(Millis{0}, Millis{40000});
  CHECK(seeded.time() == Millis{15000});
  seeded.seed(Millis{1000});
  CHECK(seeded.time() == Millis{15000});
}

TEST_CASE("it converges to the truth, with jobs that are longer than a look and much shorter") {
  // Seeded: the figures below are those of these runs, and the bounds leave room for others.
  struct Row {
    double rate, service;
    std::size_t servers;
  };
  for (const Row& row : {Row{2, 10, 40}, Row{20, 1, 40}, Row{100, 0.2, 40}, Row{0.4, 60, 60},
                         Row{3, 10, 25} /* saturated: a backlog grows */}) {
    CAPTURE(row.rate);
    CAPTURE(row.service);
    double service = 0;
    double arrivals = 0;
    for (const unsigned seed : {1U, 2U, 3U, 4U}) {
      const Simulated run = simulate(seed, row.rate, row.service, row.servers, 6000);
      service += run.service / 4;
      arrivals += run.arrivals / 4;
    }
    MESSAGE("service ", service, " of ", row.service, ", arrivals ", arrivals, " of ", row.rate);
    CHECK(service == doctest::Approx(row.service).epsilon(0.05));
    CHECK(arrivals == doctest::Approx(row.rate).epsilon(0.05));
  }
}

TEST_CASE("while the first long jobs still run the estimate is not that of the short ones") {
  // 50 of 1 s, 50 of 600 s, all begin at once: after 60 s only the short ones have ended. Their
  // average says 1 s; half of the jobs have run for a minute already.
  Estimators estimators;
  estimators.tick(Millis{0}, reading(0, 100, {100, 0, 0, 0}), Millis{1000});
  for (int second = 1; second <= 60; ++second) {
    estimators.tick(Millis{second * 1000}, reading(0, 50, {100, 50, 0, 0}), Millis{1000});
  }
  CHECK(estimators.service_seconds() > 50);
}

TEST_CASE("no number makes it NaN, zero or infinite") {
  Estimators estimators;
  constexpr std::int64_t kHuge = 1000000000000;
  std::int64_t now = 0;
  for (const std::int64_t dt : {1, 1, 100000000, 1, 5}) {
    now += dt;
    const std::int64_t n = now % 2 == 0 ? kHuge : 0;
    estimators.tick(Millis{now}, reading(n, n, {now * 100, now * 90, now, 0}), Millis{0});
    CHECK(std::isfinite(estimators.service_seconds()));
    CHECK(std::isfinite(estimators.arrivals_per_second()));
    CHECK(estimators.service_seconds() >= 0.001);
    CHECK(estimators.arrivals_per_second() >= 0);
  }
}
