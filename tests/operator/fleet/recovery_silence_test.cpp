// Recovery: workers that nobody hears, or that are stuck, though their pods look fine.
#include "tests/operator/fleet/ward.h"

using namespace wp;
using namespace wp::fleet;
using queue::LossCause;

TEST_CASE("workers without a pod: only when they are silent, and everything else is known well") {
  Ward ward(2);
  ward.join_queue("other/1", 1);  // a pod that our watch has not shown yet, or another pool's
  ward.join_queue("dead/1", 1);   // its pod went while no operator ran
  ward.quiet.insert("dead/1");
  Recovery found;
  const Millis after = ward.until(found);
  CHECK(found.reclaim.at(0).gone == Names{"dead/1"});
  CHECK(found.reclaim[0].cause == LossCause::loss);
  CHECK(after >= Millis{30000});
  CHECK(after <= Millis{35000});
  ward.leave_queue("dead/1");
  CHECK(ward.until(found) >= Millis{120000});
}

TEST_CASE("a silent worker's pod is deleted after two leases, one per lease, if few are silent") {
  Ward ward(8);
  for (int i = 0; i < 40; ++i) ward.look();
  ward.quiet = {"b/1", "d/1"};
  std::vector<Incident> incidents;
  Recovery found;
  const Millis began = ward.now;
  while (!found.remove && ward.now - began < Millis{60000}) {
    found = ward.look();
    for (const Incident& one : found.incidents) incidents.push_back(one);
  }
  CHECK(ward.now - began > Millis{30000});
  CHECK(ward.now - began <= Millis{32000});
  REQUIRE(incidents.size() == 2);
  CHECK(incidents[0].kind == Incident::Kind::worker_silent);
  CHECK(found.reclaim.empty());
  CHECK(found.remove == "b");
  ward.pod("b").terminating = true;
  const Millis first = ward.now;
  CHECK(ward.until(found) >= Millis{15000});
  CHECK(found.remove == "d");
  CHECK(ward.now - first <= Millis{17000});
}

TEST_CASE("a silent worker's pod is left alone") {
  Ward ward(4);
  for (int i = 0; i < 40; ++i) ward.look();
  Recovery found;
  SUBCASE("when a third or more are silent") {
    ward.quiet = {"a/1", "b/1"};
  }
  SUBCASE("when the queue was away: nobody could beat") {
    for (const char* worker : {"a/1", "b/1", "c/1", "d/1"}) ward.quiet.insert(worker);
    ward.fresh = false;
    for (int i = 0; i < 100; ++i) CHECK_FALSE(ward.look().remove);
    ward.fresh = true;
    CHECK_FALSE(ward.look().remove);
    ward.quiet.clear();
  }
  SUBCASE("when the queue's clock jumps") {
    ward.counts.now += Millis{100000};
    CHECK_FALSE(ward.again().remove);
  }
  SUBCASE("when it goes already") {
    ward.quiet = {"a/1"};
    ward.pod("a").terminating = true;
  }
  SUBCASE("when it is not ready: that is told elsewhere") {
    ward.quiet = {"a/1"};
    ward.pod("a").ready = false;
  }
  for (int i = 0; i < 100; ++i) CHECK_FALSE(ward.look().remove);
}

TEST_CASE("reading without an error, as the reader itself knows it, counts") {
  Ward ward(4);
  for (int i = 0; i < 40; ++i) ward.look();
  ward.quiet = {"a/1"};
  int removed = 0;
  for (int i = 0; i < 29; ++i) removed += ward.look().remove ? 1 : 0;
  // A short outage that no call saw.
  const Fleet fleet = join(ward.view, &ward.counts, Millis{15000}, 1);
  Scene scene;
  scene.now = ward.now += Millis{1000};
  scene.view = &ward.view;
  scene.fleet = &fleet;
  scene.counts = &ward.counts;
  scene.fresh = true;
  scene.reading_since = ward.now - Millis{500};
  removed += recover(ward.memory, scene).remove ? 1 : 0;
  for (int i = 0; i < 28; ++i) {
    scene.now = ward.now += Millis{1000};
    removed += recover(ward.memory, scene).remove ? 1 : 0;
  }
  CHECK(removed == 0);
}

TEST_CASE("a stall: counted and told; the pod goes only when killing did not help") {
  Ward ward(4);
  ward.counts.stat["stalled"] = 7;
  ward.look();
  ward.counts.stat["stalled"] = 9;
  Recovery found = ward.look();
  CHECK(found.stalls == 2);
  REQUIRE(found.incidents.size() == 1);
  CHECK(found.incidents[0].kind == Incident::Kind::worker_stalled);
  CHECK(found.incidents[0].text == "2 jobs made no progress for stallTimeout and were stopped");
  CHECK_FALSE(found.remove);
  CHECK(ward.look().stalls == 0);

  ward.counts.workers[2].info = R"({"stalled":1})";
  found = ward.look();
  CHECK(found.remove == "c");
  CHECK(found.incidents.size() == 1);
  CHECK(ward.look().incidents.empty());

  ward.counts.stat["stalled"] = 1;  // another queue's counters
  CHECK(ward.look().stalls == 0);
}
