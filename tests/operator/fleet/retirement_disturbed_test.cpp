// Retirement: demand that returns, a queue that is away, rollouts; steps 6 and 7 of operator.md.
// What chance finds is in model_test.cpp.
#include <doctest/doctest.h>

#include "operator/fleet/retirement.h"
#include "tests/operator/fleet/support.h"

using namespace wp;
using namespace wp::fleet;

TEST_CASE("6: demand that returns calls back before anything is started") {
  Stage stage(5);
  stage.situation.desired = 2;
  stage.hold("a", 1);
  stage.hold("b", 1);
  stage.step();
  SUBCASE("retired ones") {
    stage.situation.desired = 4;
    Plan plan = stage.step();
    CHECK(plan.unretire.size() == 2);
    CHECK_FALSE(plan.replicas);
    stage.situation.desired = 5;
    plan = stage.step();
    CHECK(plan.unretire.size() == 1);
    CHECK_FALSE(plan.replicas);
    CHECK(nothing(stage.step()));
  }
  SUBCASE("marked ones, and only what is missing beyond them is started") {
    stage.step();
    REQUIRE(stage.pod("e").marked);
    stage.situation.desired = 7;
    const Plan plan = stage.step();
    CHECK(plan.unretire == Uids{"c", "d", "e"});
    CHECK(plan.unmark == Uids{"c", "d", "e"});
    CHECK(plan.replicas == 7);
  }
  SUBCASE("while orders are on their way nothing is started for those who come back") {
    stage.situation.desired = 5;
    stage.plan();
    stage.situation.orders_pending = true;
    CHECK(nothing(stage.plan()));
  }
}

TEST_CASE("6: marks on their way are not crossed by un-marks, but their workers serve at once") {
  Stage stage = about_to_lower();
  stage.witness_follows = false;
  stage.view.witness = stage.seen();
  stage.view.witness->marked = 1;
  stage.situation.desired = 5;
  Plan plan = stage.step();
  CHECK(plan.unretire == Uids{"d", "e"});
  CHECK(plan.unmark.empty());
  stage.view.witness->marked = 2;
  CHECK(stage.step().unmark == Uids{"d", "e"});
  // Demand goes again, while the un-marks are on their way: no new marks yet.
  stage.situation.desired = 3;
  CHECK(stage.step().retire == Uids{"d", "e"});
  for (int i = 0; i < 50; ++i) CHECK(stage.step().mark.empty());
  stage.view.witness = stage.seen();
  CHECK(stage.step().mark == Uids{"d", "e"});
}

TEST_CASE("6: who may be deleted for a lowering is not called back; who drains is") {
  Stage stage(6);
  stage.situation.desired = 3;
  for (const char* uid : {"a", "b", "c", "d"}) stage.hold(uid, 1);
  stage.step();
  stage.step();
  REQUIRE(stage.step().replicas == 4);  // e and f; d drains
  stage.situation.desired = 6;
  Plan plan = stage.step();
  CHECK(plan.unretire == Uids{"d"});
  CHECK(plan.unmark.empty());
  CHECK_FALSE(plan.replicas);  // they are deleted first
  stage.remove("e");
  CHECK_FALSE(stage.step().replicas);
  stage.remove("f");
  CHECK(stage.step().replicas == 6);
}

TEST_CASE("6: others vanish in the midst of a lowering: the marked may be deleted all the same") {
  Stage stage = lowered();
  stage.witness_follows = false;
  stage.step();
  stage.remove("a");
  stage.remove("b");
  const Millis then = stage.now;
  // As many are left as are asked for; but the picker has deleted d and e before it saw that.
  while (stage.now - then < Millis{4900}) CHECK(nothing(stage.step()));
  SUBCASE("and so they are") {
    stage.remove("d");
    stage.remove("e");
    stage.add("f");
    stage.add("g");
    stage.view.witness = stage.seen();
    CHECK(nothing(stage.step()));
  }
  SUBCASE("it had seen that") {
    CHECK(nothing(stage.step(Millis{5000})));  // it does not say so yet
    stage.view.witness = stage.seen();
    CHECK(stage.step().unretire == Uids{"d", "e"});
  }
}

TEST_CASE("7: an earlier leader's lowering may be on its way when the controllers are behind") {
  Stage stage = about_to_lower();
  stage.memory = {};
  stage.situation.desired = 5;
  stage.witness_follows = false;
  stage.view.witness = stage.seen();
  stage.view.witness->current = false;
  for (int i = 0; i < 100; ++i) CHECK(nothing(stage.step()));
  stage.view.witness->current = true;
  const Millis then = stage.now;
  Plan plan;
  while (plan.unretire.empty()) {
    CHECK(plan.unmark.empty());
    plan = stage.step();
  }
  CHECK(plan.unretire == Uids{"d", "e"});
  CHECK(stage.now - then >= Millis{4900});
}

TEST_CASE("6: an order that nobody carries out does not hold up demand for ever") {
  Stage stage = lowered();
  stage.situation.desired = 5;
  const Millis then = stage.now;
  Plan plan;
  while (!plan.replicas) {
    plan = stage.step();
    CHECK(plan.unretire.empty());
  }
  CHECK(plan.replicas == 5);
  CHECK(stage.now - then >= Millis{4900});
  // Some of them may be deleted all the same, and not be seen so yet.
  const Millis raised = stage.now;
  while (plan.unretire.empty()) plan = stage.step();
  CHECK(plan.unretire == Uids{"d", "e"});
  CHECK(stage.now - raised >= Millis{5000});
}

TEST_CASE("6: an order that nobody carries out is taken back when the retirements run out") {
  Stage stage = lowered();
  stage.situation.fresh = false;  // and they cannot be renewed
  Plan plan;
  Millis left{60000};
  while (!plan.replicas && left > Millis{0}) {
    plan = stage.step(Millis{1000});
    left -= Millis{1000};
    stage.situation.reading_age += Millis{1000};
    for (queue::Retirement& one : stage.counts.retired) one.until += Millis{1000};
    CHECK(plan.retire.empty());
  }
  CHECK(plan.replicas == 5);
  CHECK(left >= Millis{10000});
}

TEST_CASE("6: demand beyond the limit is not asked for") {
  Stage stage(3);
  stage.situation.limit = 4;
  stage.situation.desired = 9;
  CHECK(stage.step().replicas == 4);
}

TEST_CASE("7: without the queue only more is asked for") {
  Stage stage = about_to_lower();
  stage.situation.fresh = false;
  for (int i = 0; i < 10; ++i) CHECK(nothing(stage.step(Millis{1000})));
  stage.situation.desired = 6;
  const Plan plan = stage.step();
  CHECK(plan.replicas == 8);  // the two that are retired cannot be called back now
  CHECK(plan.unretire.empty());
}

TEST_CASE("7: marked pods whose retirements lapsed while the queue was away") {
  Stage stage = about_to_lower();
  stage.counts.retired.clear();
  SUBCASE("are retired again while they are too many") {
    CHECK(stage.step().retire == Uids{"d", "e"});
    CHECK(stage.step().replicas == 3);
  }
  SUBCASE("are un-marked when they are wanted") {
    stage.situation.desired = 5;
    CHECK(stage.step().unmark == Uids{"d", "e"});
    CHECK(nothing(stage.step()));
  }
  SUBCASE("are un-marked when they have found work") {
    stage.hold("d", 1);
    stage.hold("e", 1);
    const Plan plan = stage.step();
    CHECK(plan.unmark == Uids{"d", "e"});
    CHECK(plan.retire == Uids{"b", "c"});
  }
}

TEST_CASE("a rollout calls everybody back, once, and nothing shrinks while it lasts") {
  Stage stage = about_to_lower();
  stage.view.rolling = true;
  Plan plan;
  int notes = 0;
  Uids back;
  for (int i = 0; i < 200; ++i) {
    plan = stage.step();
    notes += static_cast<int>(plan.notes.size());
    back.insert(back.end(), plan.unretire.begin(), plan.unretire.end());
    CHECK(plan.retire.empty());
    CHECK_FALSE(plan.replicas);
  }
  CHECK(back == Uids{"d", "e"});
  CHECK(notes == 1);
  CHECK_FALSE(stage.pod("d").marked);
  stage.situation.desired = 7;
  CHECK(stage.step().replicas == 7);
}

TEST_CASE("our own write, before it is seen, is no rollout: nobody is called back") {
  Stage stage(6);
  stage.situation.desired = 3;
  for (const char* uid : {"a", "b", "c", "d"}) stage.hold(uid, 1);
  stage.step();
  stage.step();
  REQUIRE(stage.step().replicas == 4);
  stage.view.rolling = true;
  stage.view.observed = false;
  for (int i = 0; i < 20; ++i) {
    const Plan plan = stage.step();
    CHECK(nothing(plan));
    CHECK(plan.notes.empty());
  }
}

TEST_CASE("scale-in that is paused calls the retired back") {
  Stage stage = about_to_lower();
  stage.situation.may_shrink = false;
  const Plan plan = stage.step();
  CHECK(plan.unretire == Uids{"d", "e"});
  CHECK(plan.unmark == Uids{"d", "e"});
  CHECK(nothing(stage.step()));
}
