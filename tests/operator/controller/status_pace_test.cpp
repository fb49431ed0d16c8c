// When a status is written: at once, later, or after those who wait for a decision.
#include "operator/controller/status_pace.h"

#include <algorithm>
#include <doctest/doctest.h>
#include <vector>

using namespace wp;
using controller::StatusPace;
using pool::Difference;

namespace {

constexpr Millis kNow{100000};

}  // namespace

TEST_CASE("what is urgent is written at once, however lately something was written") {
  StatusPace pace(Millis{5000});
  StatusPace::Turn turn;
  CHECK_FALSE(pace.wait(turn, Difference::urgent, false, kNow));
  turn.written_at = kNow;
  CHECK_FALSE(pace.wait(turn, Difference::urgent, false, kNow));
}

TEST_CASE("while others wait for a decision even that is put off, for two seconds at most") {
  StatusPace pace(Millis{5000});
  StatusPace::Turn turn;
  Millis now = kNow;
  while (const auto wait = pace.wait(turn, Difference::urgent, true, now)) {
    CHECK(*wait > Millis{0});
    now += *wait;
  }
  CHECK(now - kNow >= Millis{1900});
  CHECK(now - kNow <= Millis{2100});
  // Nobody waits any more: at once.
  StatusPace::Turn other{.written_at = {}, .numbers_at = {}, .owed_since = kNow};
  CHECK_FALSE(pace.wait(other, Difference::urgent, false, kNow + Millis{10}));
}

TEST_CASE("numbers of a pool are written once in the interval") {
  StatusPace pace(Millis{5000});
  StatusPace::Turn turn{.written_at = kNow, .numbers_at = {}, .owed_since = {}};
  CHECK(pace.wait(turn, Difference::numbers, false, kNow + Millis{1000}) == Millis{4000});
  CHECK_FALSE(pace.wait(turn, Difference::numbers, false, kNow + Millis{5000}));
}

TEST_CASE("numbers of a thousand pools are written twenty times a second, each pool in its turn") {
  constexpr int kPools = 1000;
  StatusPace pace(Millis{5000});
  std::vector<StatusPace::Turn> turns(kPools);
  std::vector<Millis> due(kPools, kNow);
  std::vector<int> writes(kPools);
  int in_a_minute = 0;
  for (Millis now = kNow; now < kNow + Millis{120000}; now += Millis{10}) {
    for (std::size_t i = 0; i < turns.size(); ++i) {
      if (due[i] > now) continue;
      const auto wait = pace.wait(turns[i], Difference::numbers, false, now);
      due[i] = now + wait.value_or(Millis{10});
      if (wait) continue;
      turns[i] = {.written_at = now, .numbers_at = {}, .owed_since = {}};
      ++writes[i];
      if (now >= kNow + Millis{60000}) ++in_a_minute;
    }
  }
  CHECK(in_a_minute >= 1150);
  CHECK(in_a_minute <= 1210);
  const auto [least, most] = std::minmax_element(writes.begin(), writes.end());
  CHECK(*least >= 2);
  CHECK(*most <= 3);
}
