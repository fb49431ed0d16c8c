// 1 → 5 → 2 → 0 with jobs of some seconds: each runs once, on one worker, to its end.
#include <algorithm>
#include <doctest/doctest.h>
#include <iostream>

#include "tests/product/crew.h"

using namespace wp;
using wp::test::Crew;
using wp::test::eventually;

TEST_CASE("1 to 5 to 2 workers while long jobs run: every job completes, none is interrupted") {
  if (!test::have_late_cluster()) exit(77);
  Crew crew({.spec = {{"scaling", {{"minReplicas", 1}}}}});
  REQUIRE(crew.wait_settled(1));
  crew.put_timed(1, Millis{9000});
  REQUIRE(eventually([&] { return crew.jobs().busy_pods().size() == 1; }, Millis{20000}));
  const std::string first = *crew.staying().begin();
  crew.put_timed(1, Millis{8000});
  crew.put_timed(3, Millis{3000});
  REQUIRE_MESSAGE(crew.wait_settled(5, Millis{20000}), crew.story());
  const auto five = crew.staying();
  REQUIRE_MESSAGE(crew.wait_settled(2, Millis{20000}), crew.story());
  // Both are among the five, and the first one, with the longest job, is one of them.
  const auto two = crew.staying();
  CHECK(std::includes(five.begin(), five.end(), two.begin(), two.end()));
  CHECK(two.contains(first));
  REQUIRE_MESSAGE(crew.wait_settled(1, Millis{30000}), crew.story());
  crew.check_uninterrupted();
  crew.finish();
}
