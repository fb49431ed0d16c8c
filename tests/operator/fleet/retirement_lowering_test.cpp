// Retirement: what has to be known before the number is lowered; steps 4 and 5 of operator.md.
// What chance finds is in model_test.cpp.
#include <doctest/doctest.h>

#include "operator/fleet/retirement.h"
#include "tests/operator/fleet/support.h"

using namespace wp;
using namespace wp::fleet;

namespace {

constexpr Millis kStep{100};

}  // namespace

TEST_CASE("4: nothing is lowered before the picker is known to see what we see") {
  Stage stage = about_to_lower();
  stage.witness_follows = false;
  stage.view.witness = stage.seen();
  SUBCASE("it counts fewer marks") {
    stage.view.witness->marked = 1;
  }
  SUBCASE("it counts more marks") {
    stage.view.witness->marked = 3;
  }
  SUBCASE("it has one that is ready as not ready") {
    stage.view.witness->ready = 4;
  }
  SUBCASE("it knows another number of pods") {
    stage.view.witness->existing = 6;
  }
  SUBCASE("it speaks of an older declaration") {
    stage.view.witness->current = false;
  }
  for (int i = 0; i < 50; ++i) CHECK_FALSE(stage.step().replicas);
  stage.view.witness = stage.seen();
  CHECK(stage.step().replicas == 3);
}

TEST_CASE(
    "4: marks that are not confirmed in 10 s are given up; the next try comes later and later") {
  Stage stage(5);
  stage.situation.desired = 3;
  stage.witness_follows = false;
  stage.view.witness = stage.seen();
  stage.step();
  for (const Millis pause : {Millis{30000}, Millis{60000}, Millis{120000}}) {
    Plan plan;
    while (plan.mark.empty()) plan = stage.step();
    const Millis marked_at = stage.now;
    while (!told(plan, Note::Kind::scale_in_aborted)) plan = stage.step();
    CHECK(stage.now - marked_at >= Millis{10000});
    CHECK(stage.now - marked_at <= Millis{10000} + 2 * kStep);
    CHECK(plan.unretire.empty());
    CHECK(plan.unmark.empty());  // they would cross the marks
    const Millis given_up = stage.now;
    CHECK(nothing(stage.step()));
    stage.view.witness = stage.seen();  // late, but there
    CHECK(stage.step().unmark == Uids{"d", "e"});
    CHECK(stage.step().unretire == Uids{"d", "e"});
    stage.view.witness = stage.seen();
    while (plan.retire.empty()) plan = stage.step();
    CHECK(stage.now - given_up >= pause);
    CHECK(stage.now - given_up <= pause + 2 * kStep);
  }
  // One that succeeds makes the next failure the first.
  Plan plan;
  while (plan.mark.empty()) plan = stage.step();
  stage.view.witness = stage.seen();
  CHECK(stage.step().replicas == 3);
  stage.step();
  CHECK(stage.memory.aborts == 0);
}

TEST_CASE("4: whoever carries a mark that was given up claims nothing until it is off, or needed") {
  Stage stage(5);
  stage.situation.desired = 3;
  stage.witness_follows = false;
  stage.view.witness = stage.seen();
  Plan plan;
  while (!told(plan, Note::Kind::scale_in_aborted)) plan = stage.step();
  // Nobody writes the status any more, and a pod is there that it does not count.
  stage.view.witness->current = false;
  stage.add("f");
  stage.view.replicas = 6;
  stage.situation.desired = 4;
  int renewed = 0;
  for (int i = 0; i < 600; ++i) {
    plan = stage.step(Millis{1000});
    renewed += plan.retire == Uids{"d", "e"} ? 1 : 0;
    CHECK(plan.unretire.empty());
    CHECK(plan.unmark.empty());
    CHECK_FALSE(plan.replicas);
    for (const queue::Retirement& one : stage.counts.retired) CHECK(one.until > stage.counts.now);
  }
  CHECK(renewed >= 10);
  SUBCASE("the status is back") {
    stage.view.witness = stage.seen();
    CHECK(stage.step().unmark == Uids{"d", "e"});
    CHECK(stage.step().unretire == Uids{"d", "e"});
  }
  SUBCASE("one is needed") {
    stage.situation.desired = 5;
    plan = stage.step();
    CHECK(plan.unretire.size() == 1);
    CHECK_FALSE(plan.replicas);
  }
}

TEST_CASE("4: without the label in the template our own view has to have rested for 2 s") {
  Stage stage(5);
  stage.situation.desired = 3;
  stage.witness_follows = false;
  Plan plan;
  while (plan.mark.empty()) plan = stage.step();
  const Millis marked_at = stage.now;
  while (!plan.replicas) plan = stage.step();
  CHECK(plan.replicas == 3);
  CHECK(stage.now - marked_at >= Millis{2000});
  CHECK(stage.now - marked_at <= Millis{2000} + 2 * kStep);
}

TEST_CASE("4: one that became ready after the marks may not be so for the picker yet") {
  Stage stage = about_to_lower();
  stage.pod("a").ready_since = Millis{77};  // it was not for a moment
  const Millis then = stage.now;
  Plan plan;
  while (!plan.replicas) plan = stage.step();
  CHECK(stage.now - then >= Standing::kVouched);
}

TEST_CASE("4: marks that pods do not leave in peace are set anew") {
  Stage stage = about_to_lower();
  Plan plan;
  int flaps = 1;
  while (plan.unmark.empty() && flaps < 100) {
    stage.pod("a").ready_since = Millis{1000 * flaps++};
    plan = stage.step(Millis{5000});
    CHECK_FALSE(plan.replicas);
  }
  CHECK(plan.unmark == Uids{"d", "e"});
  while (plan.mark.empty()) plan = stage.step();
  CHECK(stage.step().replicas == 3);
}

TEST_CASE("4: a new leader goes on with the marks that it finds, once they have rested") {
  Stage stage = about_to_lower();
  stage.memory = {};
  const Millis then = stage.now;
  Plan plan;
  while (!plan.replicas) {
    plan = stage.step();
    CHECK(plan.unretire.empty());
    CHECK(plan.mark.empty());
  }
  CHECK(plan.victims == Uids{"d", "e"});
  CHECK(stage.now - then <= Standing::kVouched + 2 * kStep);
}

TEST_CASE("4: a new leader that finds all marked lowers at once: nobody else could be taken") {
  Stage stage(3);
  stage.situation.desired = 0;
  stage.step();
  stage.step();
  REQUIRE(stage.seen().marked == 3);
  stage.memory = {};
  SUBCASE("and the picker counts all") {
    const Plan plan = stage.step();
    CHECK(plan.replicas == 0);
    CHECK(plan.victims.size() == 3);
  }
  SUBCASE("and the picker knows of another one") {
    stage.witness_follows = false;
    stage.view.witness = stage.seen();
    stage.view.witness->existing = 4;
    for (int i = 0; i < 50; ++i) CHECK_FALSE(stage.step().replicas);
  }
  SUBCASE("and one that is not marked is there") {
    stage.add("x");
    stage.view.replicas = 4;
    stage.situation.desired = 1;
    CHECK_FALSE(stage.step().replicas);
  }
}

TEST_CASE("4: a worker that writes a cost of its own over the mark's is marked anew") {
  Stage stage = about_to_lower();
  stage.pod("d").outbid = true;
  Plan plan = stage.step();
  CHECK_FALSE(plan.replicas);
  CHECK(plan.unmark == Uids{"d"});
  stage.pod("d").outbid = false;
  while (plan.mark.empty()) plan = stage.step();
  CHECK(plan.mark == Uids{"d"});
  while (!plan.replicas) plan = stage.step();
  CHECK(plan.replicas == 3);
}

TEST_CASE("4: a picker that counts marks which are not ours is told of") {
  Stage stage(5);
  stage.situation.desired = 3;
  stage.step();
  stage.witness_follows = false;
  stage.view.witness = stage.seen();
  stage.view.witness->marked = 1;  // a pod that lost one of its template's labels
  bool blocked = false;
  for (int i = 0; i < 120; ++i) {
    const Plan plan = stage.step();
    CHECK(plan.mark.empty());
    blocked = blocked || told(plan, Note::Kind::scale_in_blocked);
  }
  CHECK(blocked);
}

TEST_CASE("5: the number is lowered only when each of the marked is retired for long, and empty") {
  Stage stage = about_to_lower();
  SUBCASE("one holds a job") {
    stage.hold("d", 1);
    const Plan plan = stage.step();
    CHECK_FALSE(plan.replicas);
    CHECK(plan.unmark == Uids{"d"});
  }
  SUBCASE("one is not retired") {
    stage.unretire("d");
    const Plan plan = stage.step();
    CHECK_FALSE(plan.replicas);
    CHECK(plan.retire == Uids{"d"});
    CHECK(stage.step().replicas == 3);
  }
  SUBCASE("one's retirement ends soon") {
    stage.retire("d", queue::RetiredBy::controller, Millis{39000});
    const Plan plan = stage.step();
    CHECK_FALSE(plan.replicas);
    CHECK(plan.retire == Uids{"d"});
  }
  SUBCASE("the reading is old") {
    stage.situation.reading_age = Millis{21000};
    CHECK_FALSE(stage.step().replicas);
  }
  SUBCASE("the reading is not fresh") {
    stage.situation.fresh = false;
    CHECK(nothing(stage.step()));
  }
  SUBCASE("an order is on its way") {
    stage.situation.orders_pending = true;
    CHECK(nothing(stage.step()));
  }
  SUBCASE("a write is not seen yet") {
    stage.view.rolling = true;
    stage.view.observed = false;
    CHECK(nothing(stage.step()));
  }
  SUBCASE("another pod was there for a moment, and is not ready") {
    stage.add("f").ready = false;
    stage.view.replicas = 6;
    CHECK_FALSE(stage.step().replicas);
  }
  SUBCASE("one of the marked was deleted by someone else") {
    stage.pod("d").terminating = true;
    CHECK_FALSE(stage.step().replicas);
  }
}

TEST_CASE("5: a mark that was set by another hand is taken away") {
  Stage stage(3);
  stage.mark("a");
  CHECK(stage.step().unmark == Uids{"a"});
  CHECK(nothing(stage.step()));
}

TEST_CASE("5: places without a pod go when they stay without one") {
  Stage stage(3, 5);
  const Millis then = stage.now;
  Plan plan;
  while (!plan.replicas && stage.now - then < Millis{60000}) {
    plan = stage.step();
    CHECK(plan.retire.empty());
  }
  CHECK(plan.replicas == 3);
  CHECK(plan.victims.empty());
  CHECK(stage.now - then >= Millis{30000});
}

TEST_CASE("5: places without a pod stay when more are wanted, or when the picker has other pods") {
  Stage stage(3, 5);
  SUBCASE("wanted") {
    stage.situation.desired = 5;
  }
  SUBCASE("the picker knows of more") {
    stage.witness_follows = false;
    stage.view.witness = stage.seen();
    stage.view.witness->existing = 4;
  }
  for (int i = 0; i < 600; ++i) CHECK_FALSE(stage.step().replicas);
}
