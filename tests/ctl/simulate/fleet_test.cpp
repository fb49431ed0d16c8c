#include "ctl/simulate/fleet.h"

#include <doctest/doctest.h>

using namespace wp::simulate;

namespace {

// Ready since the second of its number.
Fleet fleet_of(int workers, int slots) {
  Fleet fleet(slots);
  for (int i = 0; i < workers; ++i) {
    const int number = fleet.create(Micros{0});
    REQUIRE(fleet.make_ready(number, Micros{i}));
  }
  return fleet;
}

}  // namespace

TEST_CASE("the slot that has been free for the longest time is next") {
  Fleet fleet = fleet_of(2, 2);
  CHECK(fleet.take_slot() == 0);
  CHECK(fleet.take_slot() == 0);
  CHECK(fleet.take_slot() == 1);
  fleet.free_slot(0, Micros{50});
  CHECK(fleet.take_slot() == 1);  // free since 1
  CHECK(fleet.take_slot() == 0);
  CHECK(fleet.take_slot() == -1);
  CHECK(fleet.count().busy == 2);
  CHECK(fleet.count().running_serving == 4);
}

TEST_CASE("those with the fewest jobs go first, the newest first; by age alone when asked to") {
  for (const auto choice : {Fleet::Choice::idle_first, Fleet::Choice::newest}) {
    Fleet fleet = fleet_of(3, 1);
    CHECK(fleet.take_slot() == 0);
    CHECK(fleet.take_slot() == 1);
    CHECK(fleet.take_slot() == 2);
    fleet.free_slot(0, Micros{10});
    fleet.free_slot(1, Micros{10});
    const int starting = fleet.create(Micros{10});
    CHECK(fleet.send_away(1, choice, Micros{11}).empty());
    CHECK_FALSE(fleet.make_ready(starting, Micros{12}));
    CHECK(fleet.count().existing() == 3);
    const std::vector<int> draining = fleet.send_away(1, choice, Micros{13});
    if (choice == Fleet::Choice::idle_first) {
      CHECK(draining.empty());
      CHECK(fleet.count().ready == 2);
      CHECK(fleet.count().busy == 1);
    } else {
      CHECK(draining == std::vector<int>{2});
      CHECK(fleet.count().draining == 1);
      CHECK(fleet.count().asked_for() == 2);
      CHECK(fleet.count().running_serving == 0);
      CHECK(fleet.kill(2, Micros{20}));
      CHECK_FALSE(fleet.kill(2, Micros{21}));
      CHECK(fleet.count().existing() == 2);
    }
  }
}

TEST_CASE("who was sent away last is called back first, with its free slots") {
  Fleet fleet = fleet_of(3, 2);
  for (int i = 0; i < 6; ++i) (void)fleet.take_slot();
  fleet.free_slot(1, Micros{10});
  CHECK(fleet.send_away(2, Fleet::Choice::idle_first, Micros{11}) == std::vector<int>{1, 2});
  CHECK(fleet.take_slot() == -1);
  CHECK(fleet.call_back(1) == 1);  // number 2, which is full
  CHECK(fleet.take_slot() == -1);
  CHECK(fleet.call_back(5) == 1);
  CHECK(fleet.take_slot() == 1);
  CHECK(fleet.call_back(5) == 0);
  CHECK(fleet.created() == 3);
}
