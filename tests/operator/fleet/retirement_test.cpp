#include "operator/fleet/retirement.h"

#include <doctest/doctest.h>

#include "tests/operator/fleet/support.h"

using namespace wp;
using namespace wp::fleet;
using namespace std::chrono_literals;

TEST_CASE("retire, mark, lower, in steps, and only the idle ones; then nothing more") {
  Stage stage(5);
  stage.hold("e", 1);
  stage.hold("b", 1);
  stage.situation.desired = 3;

  Plan plan = stage.step();
  CHECK(plan.retire == Uids{"c", "d"});
  CHECK(plan.mark.empty());
  CHECK_FALSE(plan.replicas);

  plan = stage.step();
  CHECK(plan.mark == Uids{"c", "d"});
  CHECK_FALSE(plan.replicas);

  plan = stage.step();
  CHECK(plan.replicas == 3);
  CHECK(plan.victims == Uids{"c", "d"});

  CHECK(nothing(stage.step()));  // somebody deletes them now
  stage.remove("c");
  stage.remove("d");
  CHECK(nothing(stage.step()));
}
