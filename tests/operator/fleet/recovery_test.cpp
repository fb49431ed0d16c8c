// Recovery: pods that are gone, and workers that are not though they look so.
#include "tests/operator/fleet/ward.h"

using namespace wp;
using namespace wp::fleet;
using queue::LossCause;

TEST_CASE("a healthy pool needs nothing, and is looked at again when silence could have begun") {
  Ward ward(3);
  for (int i = 0; i < 100; ++i) {
    const Recovery found = ward.look();
    CHECK(found.reclaim.empty());
    CHECK_FALSE(found.remove);
    CHECK(found.incidents.empty());
    REQUIRE(found.recheck);
    CHECK(*found.recheck <= Millis{30001});
  }
}

TEST_CASE("a pod that is deleted: a loss, told once, ordered until nothing of it is left") {
  Ward ward(2);
  ward.look();
  ward.pod("a").terminating = true;  // no reason yet
  CHECK(ward.look().reclaim.empty());
  ward.remove_pod("a");
  Recovery found = ward.again();
  REQUIRE(found.reclaim.size() == 1);
  CHECK(found.reclaim[0].gone == Names{"a"});
  CHECK(found.reclaim[0].cause == LossCause::loss);
  CHECK(found.reclaim[0].reason == "its pod was deleted");
  REQUIRE(found.incidents.size() == 1);
  CHECK(found.incidents[0].kind == Incident::Kind::worker_lost);
  CHECK(found.incidents[0].text == "pod-a: its pod was deleted, with 1 job in hand");
  CHECK(ward.again().reclaim.empty());  // the same counts
  found = ward.look();                  // newer ones still show it: the order was lost
  CHECK(found.reclaim.size() == 1);
  CHECK(found.incidents.empty());
  ward.leave_queue("a/1");
  for (int i = 0; i < 100; ++i) CHECK(ward.look().reclaim.empty());
  CHECK(ward.memory.gone.empty());
}

TEST_CASE("several that go for one reason are one order") {
  Ward ward(4);
  ward.grow_old();
  ward.remove_pod("a");
  ward.remove_pod("c");
  ward.end_container("d", 137, true);
  const Recovery found = ward.look();
  REQUIRE(found.reclaim.size() == 2);
  CHECK(found.reclaim[0].gone == Names{"a", "c"});
  CHECK(found.reclaim[1].gone == Names{"d/1"});
  CHECK(found.reclaim[1].cause == LossCause::crash);
}

TEST_CASE("who beats after it was taken for gone is not") {
  Ward ward(2);
  ward.look();
  // Its labels were changed: its ReplicaSet let go of it, and it runs on.
  const workload::WorkerPod pod = ward.pod("a");
  std::erase_if(ward.view.pods, [](const auto& one) { return one.uid == "a"; });
  CHECK(ward.look().reclaim.size() == 1);  // that cannot be known yet
  SUBCASE("it beats only now and then") {
    ward.quiet.insert("a/1");
    for (int i = 0; i < 4; ++i) CHECK(ward.look().reclaim.empty());
    ward.quiet.clear();
  }
  SUBCASE("it beats at once") {}
  for (int i = 0; i < 50; ++i) CHECK(ward.look().reclaim.empty());
  // It comes back, and ends for good.
  ward.view.pods.push_back(pod);
  ward.grow_old();
  ward.remove_pod("a");
  CHECK(ward.look().reclaim.at(0).gone == Names{"a"});
}

TEST_CASE("a pod that vanished without having been told to go: again only after half a lease") {
  Ward ward(2);
  ward.grow_old();
  ward.remove_pod("a");
  CHECK(ward.look().reclaim.size() == 1);
  Recovery found;
  const Millis again = ward.until(found);  // the first order was lost
  CHECK(again >= Millis{7500});
  CHECK(again <= Millis{9000});
  CHECK(found.reclaim.at(0).gone == Names{"a"});
}

TEST_CASE("without fresh counts nothing is ordered; what died is ordered when they are back") {
  Ward ward(2);
  ward.look();
  ward.fresh = false;
  ward.remove_pod("a");
  CHECK(ward.look().reclaim.empty());
  CHECK(ward.look(Millis{60000}).reclaim.empty());
  ward.fresh = true;
  CHECK(ward.look().reclaim.at(0).gone == Names{"a"});
}

TEST_CASE("pods that are not known yet are not missed") {
  Ward ward(2);
  ward.look();
  ward.view.known = false;
  ward.view.pods.clear();
  for (int i = 0; i < 10; ++i) CHECK(ward.look().reclaim.empty());
}
