#include "operator/workload/foreign_scaler.h"

#include <doctest/doctest.h>

using namespace wp;
using workload::ForeignScaler;

namespace {

constexpr Millis seconds(std::int64_t n) {
  return Millis{n * 1000};
}
constexpr Millis minutes(std::int64_t n) {
  return seconds(60 * n);
}

struct Fixture {
  ForeignScaler foreign;

  // Someone sets the replicas at this time; true when they are taken back at once.
  bool changed(Millis now) {
    foreign.found("kubectl", now);
    if (foreign.left_alone_for(now) > Millis{0}) return false;
    foreign.repaired(now);
    return true;
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture,
                  "two changes within five minutes are repaired at once, the third is not") {
  CHECK(changed(seconds(10)));
  CHECK(foreign.contender(seconds(10)).empty());
  CHECK(changed(seconds(20)));
  CHECK(foreign.contender(seconds(20)).empty());
  CHECK_FALSE(changed(seconds(30)));
  CHECK(foreign.contender(seconds(30)) == "kubectl");
  CHECK(foreign.left_alone_for(seconds(30)) == minutes(1));
}

TEST_CASE_FIXTURE(Fixture, "changes that are five minutes apart are three slips") {
  for (const int minute : {0, 3, 6, 9, 12}) {
    CAPTURE(minute);
    CHECK(changed(minutes(minute)));
    CHECK(foreign.contender(minutes(minute)).empty());
  }
  CHECK_FALSE(changed(minutes(13)));
}

TEST_CASE_FIXTURE(Fixture, "one find told again and again is one change") {
  for (int second = 0; second < 100; ++second) foreign.found("kubectl", seconds(second));
  CHECK(foreign.contender(seconds(100)).empty());
  CHECK(foreign.left_alone_for(seconds(100)) == Millis{0});
}

TEST_CASE_FIXTURE(Fixture, "then one repair after 1, 2, 4, 8, 15, 15 minutes") {
  changed(minutes(0));
  changed(minutes(0));
  Millis now = minutes(0);
  for (const int wait : {1, 2, 4, 8, 15, 15}) {
    CAPTURE(wait);
    CHECK_FALSE(changed(now));
    CHECK_FALSE(changed(now + minutes(wait) - Millis{1}));
    now += minutes(wait);
    CHECK(foreign.left_alone_for(now) == Millis{0});
    CHECK(changed(now));
    CHECK(foreign.contender(now) == "kubectl");
  }
}

TEST_CASE_FIXTURE(Fixture,
                  "a change after the wait is repaired at once, and the next one waits longer") {
  for (int i = 0; i < 3; ++i) changed(minutes(0));
  CHECK(changed(minutes(30)));
  CHECK_FALSE(changed(minutes(31)));
  CHECK(foreign.left_alone_for(minutes(31)) == minutes(1));
}

TEST_CASE_FIXTURE(Fixture, "an hour without a change ends it, repaired or not") {
  for (int i = 0; i < 3; ++i) changed(minutes(0));
  SUBCASE("repaired") {
    CHECK(changed(minutes(1)));
  }
  SUBCASE("left as it was") {}
  CHECK(foreign.contender(minutes(60) - Millis{1}) == "kubectl");
  CHECK(foreign.contender(minutes(60)).empty());
  CHECK(changed(minutes(60)));
  CHECK(changed(minutes(61)));
  CHECK_FALSE(changed(minutes(62)));
  CHECK(foreign.left_alone_for(minutes(62)) == minutes(1));
}

TEST_CASE_FIXTURE(Fixture, "the last one who did it is named") {
  for (int i = 0; i < 3; ++i) changed(minutes(0));
  CHECK(changed(minutes(1)));
  foreign.found("argocd", minutes(2));
  CHECK(foreign.contender(minutes(2)) == "argocd");
}
