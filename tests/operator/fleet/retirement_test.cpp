// Step by step, as operator.md numbers them; what chance finds is in model_test.cpp.
#include "operator/fleet/retirement.h"

#include <algorithm>
#include <doctest/doctest.h>

#include "tests/operator/fleet/support.h"

using namespace wp;
using namespace wp::fleet;

namespace {

constexpr Millis kStep{100};

bool told(const Plan& plan, Note::Kind kind) {
  return std::any_of(plan.notes.begin(), plan.notes.end(),
                     [kind](const Note& note) { return note.kind == kind; });
}

// Two of five are to go, retired and marked, and the picker has seen it: the next plan lowers.
Stage about_to_lower() {
  Stage stage(5);
  stage.situation.desired = 3;
  stage.step();
  stage.step();
  REQUIRE(stage.pod("d").marked);
  REQUIRE(stage.pod("e").marked);
  return stage;
}

// And has lowered; nothing is deleted yet.
Stage lowered() {
  Stage stage = about_to_lower();
  REQUIRE(stage.step().replicas == 3);
  return stage;
}

}  // namespace

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
