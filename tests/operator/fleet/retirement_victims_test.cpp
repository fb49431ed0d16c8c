// Retirement: who is chosen, and who is kept from claiming; steps 1 to 3 of operator.md.
// What chance finds is in model_test.cpp.
#include <doctest/doctest.h>

#include "operator/fleet/retirement.h"
#include "tests/operator/fleet/support.h"

using namespace wp;
using namespace wp::fleet;

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
  CHECK(told(plan, Note::Kind::worker_retired));

  plan = stage.step();
  CHECK(plan.replicas == 3);
  CHECK(plan.victims == Uids{"c", "d"});

  CHECK(nothing(stage.step()));  // somebody deletes them now
  stage.remove("c");
  stage.remove("d");
  for (int i = 0; i < 100; ++i) {
    const Plan rest = stage.step(Millis{1000});
    CHECK(nothing(rest));
    CHECK_FALSE(rest.recheck);
  }
}

TEST_CASE("to zero") {
  Stage stage(3);
  stage.situation.desired = 0;
  stage.step();
  stage.step();
  CHECK(stage.step().replicas == 0);
}

TEST_CASE("1: who goes first") {
  Stage stage(0);
  stage.add("busy-2");
  stage.hold("busy-2", 2);
  stage.add("busy-1");
  stage.hold("busy-1", 1);
  stage.add("idle-old");
  stage.add("idle-new");
  stage.add("cheap").deletion_cost = -5;  // another's wish
  stage.add("broken");
  stage.worker("broken").broken = true;
  stage.add("worn");
  stage.worker("worn").info = R"({"executed":50})";
  stage.hold("worn", 1);
  stage.add("not-ready");
  stage.not_ready("not-ready");
  stage.add("pending").running = false;
  stage.not_ready("pending");
  stage.add("unassigned").assigned = false;
  stage.not_ready("unassigned");
  stage.add("not-ready-busy");
  stage.not_ready("not-ready-busy");
  stage.hold("not-ready-busy", 1);
  stage.plan();
  std::vector<const Member*> members;
  for (const Member& member : stage.fleet.members) members.push_back(&member);
  sort_by_departure(members, 50);
  Uids order;
  for (const Member* member : members) order.push_back(member->pod.uid);
  CHECK(order == Uids{"unassigned", "pending", "not-ready", "worn", "broken", "cheap", "idle-new",
                      "idle-old", "busy-1", "busy-2", "not-ready-busy"});
}

TEST_CASE("1: of those who leave already, idle ones are called back first") {
  Stage stage(0);
  for (const char* uid : {"draining", "idle", "worn", "starting", "marked"}) {
    stage.add(uid);
    stage.retire(uid);
  }
  stage.hold("draining", 1);
  stage.worker("worn").info = R"({"executed":50})";
  stage.not_ready("starting");
  stage.mark("marked");
  stage.plan();
  std::vector<const Member*> members;
  for (const Member& member : stage.fleet.members) members.push_back(&member);
  sort_by_departure(members, 50);
  Uids order;
  for (const Member* member : members) order.push_back(member->pod.uid);
  CHECK(order == Uids{"marked", "starting", "worn", "draining", "idle"});
}

TEST_CASE("2: a pod that never registered is retired all the same") {
  Stage stage(2);
  stage.pod("c").assigned = false;
  stage.not_ready("c");
  stage.counts.workers.pop_back();
  stage.view.replicas = 3;
  CHECK(stage.step().retire == Uids{"c"});
  CHECK(stage.step().mark == Uids{"c"});
  CHECK(stage.step().replicas == 2);
}

TEST_CASE("2: those that run a job drain, are kept retired, and follow in a later batch") {
  Stage stage(4);
  stage.situation.desired = 1;
  for (const char* uid : {"a", "b", "c"}) stage.hold(uid, 1);
  CHECK(stage.step().retire == Uids{"b", "c", "d"});
  CHECK(stage.step().mark == Uids{"d"});
  CHECK(stage.step().replicas == 3);
  stage.remove("d");
  int renewals = 0;
  for (int second = 0; second < 100; ++second) {
    const Plan plan = stage.step(Millis{1000});
    CHECK(plan.unretire.empty());
    CHECK(plan.mark.empty());
    renewals += plan.retire.empty() ? 0 : 1;
    for (const queue::Retirement& one : stage.counts.retired) {
      CHECK((one.pod == "d" || one.until - stage.counts.now >= Millis{40000}));
    }
  }
  CHECK(renewals >= 6);
  CHECK(renewals <= 8);
  stage.hold("b", 0);
  CHECK(stage.step().mark == Uids{"b"});
  CHECK(stage.step().replicas == 2);
}

TEST_CASE("2: nothing new is retired when it is not known, not allowed, or not the time") {
  Stage stage(5);
  stage.situation.desired = 3;
  SUBCASE("the queue is not known") {
    stage.situation.fresh = false;
  }
  SUBCASE("orders are on their way") {
    stage.situation.orders_pending = true;
  }
  SUBCASE("scale-in is paused") {
    stage.situation.may_shrink = false;
  }
  SUBCASE("a rollout is under way") {
    stage.view.rolling = true;
  }
  SUBCASE("the newest declaration was not seen yet") {
    stage.view.rolling = true;
    stage.view.observed = false;
  }
  SUBCASE("the number is someone else's for now") {
    stage.view.left_alone_for = Millis{60000};
  }
  SUBCASE("the target is not known") {
    stage.view.known = false;
  }
  for (int i = 0; i < 20; ++i) CHECK(nothing(stage.step()));
}

TEST_CASE("2: retirements of pods that end are renewed until they are gone") {
  Stage stage = lowered();
  stage.pod("d").terminating = true;
  stage.remove("e");
  CHECK(stage.step(Millis{20000}).retire == Uids{"d"});
  stage.remove("d");
  CHECK(nothing(stage.step(Millis{20000})));
}

TEST_CASE("3: one that is not ready goes in place of one that is not marked yet") {
  Stage stage(4);
  stage.situation.desired = 3;
  stage.step();  // d is retired
  stage.not_ready("a");
  Plan plan = stage.step();
  CHECK(plan.retire == Uids{"a"});
  CHECK(plan.mark.empty());
  plan = stage.step();
  CHECK(plan.mark == Uids{"a"});
  CHECK(plan.unretire == Uids{"d"});
  CHECK(size_of(stage.memory, stage.view, stage.fleet) == 3);
  CHECK(stage.step().replicas == 3);
}

TEST_CASE("3: while one that is not ready could be taken instead, it is kept from claiming") {
  Stage stage(4);
  stage.situation.desired = 3;
  stage.step();
  stage.step();
  REQUIRE(stage.pod("d").marked);
  stage.not_ready("a");
  CHECK(stage.step().retire == Uids{"a"});
  CHECK(size_of(stage.memory, stage.view, stage.fleet) == 3);  // it is to stay
  Plan plan;
  while (!plan.replicas) {
    plan = stage.step();
    CHECK(plan.unretire.empty());
  }
  CHECK(plan.victims == Uids{"d"});
  CHECK(nothing(stage.step()));  // either may be deleted now
  stage.remove("d");
  CHECK(stage.step().unretire == Uids{"a"});
}

TEST_CASE("the size that a policy starts from is what the plan intends, not what is seen so far") {
  Stage stage(5);
  stage.situation.desired = 3;
  stage.plan();  // its orders are on their way
  CHECK(size_of(stage.memory, stage.view, stage.fleet) == 3);
  stage.situation.orders_pending = true;
  stage.plan();
  CHECK(size_of(stage.memory, stage.view, stage.fleet) == 3);
  stage.situation.orders_pending = false;
  stage.step();
  stage.situation.desired = 5;
  stage.plan();
  CHECK(size_of(stage.memory, stage.view, stage.fleet) == 5);
  stage.situation.fresh = false;
  stage.plan();
  CHECK(size_of(stage.memory, stage.view, stage.fleet) == 5);
  // Who knows nothing takes it from the queue and the pods.
  CHECK(size_of({}, stage.view, stage.fleet) == 3);
}

TEST_CASE("3: a pod whose cost is below every mark is like one that is not ready") {
  Stage stage(4);
  stage.situation.desired = 3;
  stage.pod("a").deletion_cost = -2147483647 - 1;
  CHECK(stage.step().retire == Uids{"a"});
  CHECK(stage.step().mark == Uids{"a"});
}

TEST_CASE("3: who is not ready and holds a job blocks scale-in, and that is told once") {
  Stage stage(4);
  stage.situation.desired = 3;
  stage.step();
  stage.not_ready("a");
  stage.hold("a", 2);
  const Plan plan = stage.step();
  REQUIRE(told(plan, Note::Kind::scale_in_blocked));
  CHECK(plan.notes[0].text == "a is not ready and holds 2 jobs: it would go before the retired");
  for (int i = 0; i < 10; ++i) {
    const Plan blocked = stage.step();
    CHECK(blocked.mark.empty());
    CHECK_FALSE(blocked.replicas);
    CHECK(blocked.notes.empty());
  }
  stage.hold("a", 0);
  CHECK(stage.step().mark == Uids{"a"});
}

TEST_CASE("3: so does one that becomes so after the marks, however long ago") {
  Stage stage = about_to_lower();
  stage.not_ready("a");
  stage.hold("a", 1);
  for (int i = 0; i < 200; ++i) CHECK_FALSE(stage.step().replicas);
  stage.hold("a", 0);
  CHECK(stage.step().replicas == 3);
}

TEST_CASE("whom a person retired is replaced, leaves when empty, and is never called back") {
  Stage stage(3);
  stage.retire("b", queue::RetiredBy::person);
  stage.hold("b", 1);
  stage.situation.limit = 3;
  Plan plan = stage.step();
  CHECK(plan.replicas == 4);  // one beyond the limit
  CHECK(size_of(stage.memory, stage.view, stage.fleet) == 3);
  stage.add("d");
  for (int i = 0; i < 20; ++i) CHECK(nothing(stage.step(Millis{5000})));
  stage.hold("b", 0);
  CHECK(stage.step().mark == Uids{"b"});
  plan = stage.step();
  CHECK(plan.replicas == 3);
  CHECK(plan.victims == Uids{"b"});
  stage.situation.desired = 5;
  CHECK(stage.step().unretire.empty());
}

TEST_CASE("a worn worker is replaced by one more, one at a time, and nothing oscillates") {
  Stage stage(4);
  stage.situation.max_jobs = 50;
  stage.situation.limit = 4;
  stage.worker("a").info = R"({"executed":51})";
  stage.worker("c").info = R"({"executed":50})";
  stage.hold("a", 1);
  CHECK(stage.step().replicas == 5);
  stage.add("e");
  stage.not_ready("e");
  for (int i = 0; i < 20; ++i) {
    CHECK(nothing(stage.step()));
    CHECK(size_of(stage.memory, stage.view, stage.fleet) == 4);
  }
  stage.pod("e").ready = true;
  // Two are worn and three are sound; the fourth sound one is there instead of c or a.
  Plan plan;
  for (int i = 0; i < 20 && plan.retire.empty(); ++i) {
    plan = stage.step();
    CHECK_FALSE(plan.replicas);
  }
  CHECK(plan.retire.empty());  // of four wanted only three are sound
  stage.worker("c").info = R"({"executed":49})";
  CHECK(stage.step().retire == Uids{"a"});
  CHECK(size_of(stage.memory, stage.view, stage.fleet) == 4);
  CHECK(nothing(stage.step()));  // it drains
  stage.hold("a", 0);
  CHECK(stage.step().mark == Uids{"a"});
  CHECK(stage.step().replicas == 4);
  stage.remove("a");
  for (int i = 0; i < 20; ++i) CHECK(nothing(stage.step()));
}
