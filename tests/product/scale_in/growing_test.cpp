// 1 → 5 → 2 → 1 while long jobs run: each runs once, on one worker, to its end.
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
  const std::string longest = *crew.demand(1).begin();
  REQUIRE(eventually([&] { return crew.all_run(); }));
  const std::string first = *crew.staying().begin();
  std::set<std::string> more = crew.demand(4);
  REQUIRE_MESSAGE(crew.wait_settled(5), crew.story());
  REQUIRE(eventually([&] { return crew.all_run(); }));
  const auto five = crew.staying();
  const std::string second = *more.begin();
  more.erase(second);
  for (const std::string& job : more) crew.jobs().let_go(job);
  REQUIRE_MESSAGE(crew.wait_settled(2), crew.story());
  // Both are among the five, and they are those whose jobs still run.
  const auto two = crew.staying();
  CHECK(std::includes(five.begin(), five.end(), two.begin(), two.end()));
  CHECK(two.contains(first));
  CHECK(crew.all_run());
  crew.jobs().let_go(second);
  REQUIRE_MESSAGE(crew.wait_settled(1), crew.story());
  CHECK(crew.staying() == std::set<std::string>{first});
  crew.jobs().let_go(longest);
  crew.check_uninterrupted();
  crew.finish();
}
