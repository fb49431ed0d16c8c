// Recovery: containers that end in a pod that stays, and whose end that was.
#include "tests/operator/fleet/ward.h"

using namespace wp;
using namespace wp::fleet;
using queue::LossCause;

TEST_CASE("what the end of a container is: a crash of its own, or a loss") {
  Ward ward(1);
  ward.grow_old();
  SUBCASE("killed for memory") {
    ward.end_container("a", 137, true);
    const Recovery found = ward.look();
    CHECK(found.reclaim.at(0).cause == LossCause::crash);
    CHECK(found.reclaim[0].reason == "its container was killed for memory");
  }
  SUBCASE("ended with an error") {
    ward.end_container("a", 3);
    const Recovery found = ward.look();
    CHECK(found.reclaim.at(0).cause == LossCause::crash);
    CHECK(found.reclaim[0].reason == "its container ended with exit code 3");
  }
  SUBCASE("ended well") {
    ward.end_container("a", 0);
    CHECK(ward.look().reclaim.at(0).cause == LossCause::loss);
  }
  SUBCASE("killed because its pod had to go") {
    ward.pod("a").terminating = true;
    ward.end_container("a", 137);
    CHECK(ward.look().reclaim.at(0).cause == LossCause::loss);
  }
  SUBCASE("evicted") {
    ward.pod("a").finished = true;
    ward.end_container("a", 137);
    const Recovery found = ward.look();
    CHECK(found.reclaim.at(0).gone == Names{"a"});
    CHECK(found.reclaim[0].cause == LossCause::loss);
  }
}

TEST_CASE("a container that is started again in its pod") {
  Ward ward(1);
  ward.grow_old();
  ward.quiet.insert("a/1");
  SUBCASE("the new worker has not registered: the old one is ordered by its name") {
    ward.pod("a").container = "c2";
    ward.pod("a").restarts = 1;
    ward.pod("a").exit_code = 1;
    const Recovery found = ward.look();
    CHECK(found.reclaim.at(0).gone == Names{"a/1"});
    CHECK(found.reclaim[0].cause == LossCause::crash);
    ward.leave_queue("a/1");
    ward.join_queue("a/2", 1);
    ward.grow_old();
    // And that one is known from then on.
    ward.quiet.insert("a/2");
    ward.pod("a").restarts = 2;
    CHECK(ward.look().reclaim.at(0).gone == Names{"a/2"});
  }
  SUBCASE("the new worker was heard of before the pod's watch told: it is left alone") {
    ward.leave_queue("a/1");
    ward.join_queue("a/2", 1);
    CHECK(ward.look().reclaim.empty());
    ward.pod("a").container_running = false;  // late news of the first container
    ward.pod("a").exit_code = 1;
    CHECK(ward.look().reclaim.empty());
    ward.pod("a").container = "c2";
    ward.pod("a").container_running = true;
    ward.pod("a").restarts = 1;
    for (int i = 0; i < 10; ++i) CHECK(ward.look().reclaim.empty());
  }
  SUBCASE("by an operator that was not there before: all that a stopped container had") {
    ward.memory = {};
    ward.pod("a").container_running = false;
    ward.pod("a").exit_code = 1;
    Recovery found;
    CHECK(ward.until(found) <= Millis{9000});  // it was silent for half a lease
    CHECK(found.reclaim.at(0).gone == Names{"a/1"});
  }
}

TEST_CASE("whose container it was that ended is not sure while its worker is young") {
  Ward ward;
  ward.add("a", 0);
  ward.leave_queue("a/1");  // its first container ended before it registered
  ward.look();
  ward.join_queue("a/2", 1);  // the second one's, before the watch tells of that
  ward.look();
  SUBCASE("the first container's end, then the second container") {
    ward.pod("a").container_running = false;
    ward.pod("a").exit_code = 1;
    CHECK(ward.look().reclaim.empty());
    ward.pod("a").container_running = true;
  }
  SUBCASE("the second container at once") {}
  ward.pod("a").container = "c2";
  ward.pod("a").restarts = 1;
  for (int i = 0; i < 30; ++i) {
    const Recovery found = ward.look();
    CHECK(found.reclaim.empty());
    CHECK(found.incidents.empty());
  }
  // It is the one that is known from then on: its own end is certain.
  ward.end_container("a", 1);
  ward.quiet.insert("a/2");
  const Recovery found = ward.look();
  CHECK(found.reclaim.at(0).gone == Names{"a/2"});
  CHECK(found.reclaim[0].cause == LossCause::crash);
  CHECK(found.incidents.size() == 1);
}

TEST_CASE("a container that ended before the watch showed it running, and a worker that beats") {
  Ward ward;
  ward.add("a", 0);
  ward.leave_queue("a/1");
  ward.pod("a").container_running = false;
  ward.pod("a").exit_code = 1;
  ward.look();
  ward.join_queue("a/2", 1);
  for (int i = 0; i < 30; ++i) CHECK(ward.look().reclaim.empty());
}

TEST_CASE("a young worker's end: told and ordered once it was silent for half a lease") {
  Ward ward(1);
  ward.look();
  ward.end_container("a", 3);
  Recovery found = ward.look();
  CHECK(found.reclaim.empty());
  CHECK(found.incidents.empty());
  REQUIRE(found.recheck);
  CHECK(*found.recheck <= Millis{7500});
  SUBCASE("nobody follows it") {
    CHECK(ward.until(found) <= Millis{8000});
    CHECK(found.reclaim.at(0).gone == Names{"a/1"});
    CHECK(found.reclaim[0].cause == LossCause::crash);
    CHECK(found.incidents.size() == 1);
    CHECK(ward.look().incidents.empty());
  }
  SUBCASE("its successor registers and takes its jobs back") {
    ward.leave_queue("a/1");
    ward.join_queue("a/2", 0);
    found = ward.look();
    CHECK(found.reclaim.empty());
    REQUIRE(found.incidents.size() == 1);
    CHECK(found.incidents[0].text ==
          "pod-a: its container ended with exit code 3, with 1 job in hand");
  }
}

TEST_CASE("the queue tells first that a successor took the jobs: the loss is told all the same") {
  Ward ward(1);
  SUBCASE("of a young worker") {}
  SUBCASE("of one that is well known") {
    ward.grow_old();
  }
  ward.look();
  ward.leave_queue("a/1");
  ward.join_queue("a/2", 0);
  CHECK(ward.look().incidents.empty());
  ward.pod("a").container = "c2";
  ward.pod("a").restarts = 1;
  ward.pod("a").exit_code = 137;
  std::vector<Incident> told = ward.look().incidents;
  for (int i = 0; i < 30; ++i) {
    const Recovery found = ward.look();
    CHECK(found.reclaim.empty());
    CHECK(found.incidents.empty());
  }
  REQUIRE(told.size() == 1);
  CHECK(told[0].text == "pod-a: its container ended with exit code 137, with 1 job in hand");
}

TEST_CASE("a worker that was done before its container ended well is not lost") {
  Ward ward(1);
  ward.look();
  ward.leave_queue("a/1");
  ward.join_queue("a/2", 0);
  ward.look();
  ward.pod("a").container = "c2";
  ward.pod("a").restarts = 1;
  ward.pod("a").exit_code = 0;
  for (int i = 0; i < 5; ++i) CHECK(ward.look().incidents.empty());
}

TEST_CASE("a young worker's end in a container that was started again is certain") {
  Ward ward(1);
  ward.pod("a").restarts = 1;
  ward.look();
  ward.end_container("a", 3);
  CHECK(ward.look().reclaim.size() == 1);
}

TEST_CASE("another container of the same pods is named: nobody has died") {
  Ward ward(2);
  ward.grow_old();
  for (const char* uid : {"a", "b"}) {
    ward.pod(uid).container_name = "sidecar";
    ward.pod(uid).container = "s1";
    ward.pod(uid).restarts = 3;
  }
  for (int i = 0; i < 10; ++i) CHECK(ward.look().reclaim.empty());
  // Nor when that one, in which they do not run, ends and is started again.
  ward.pod("a").container_running = false;
  CHECK(ward.look().reclaim.empty());
  ward.pod("a").container_running = true;
  ward.pod("a").container = "s2";
  ward.pod("a").restarts = 4;
  for (int i = 0; i < 20; ++i) CHECK(ward.look().reclaim.empty());
  ward.remove_pod("a");
  CHECK(ward.look().reclaim.at(0).gone == Names{"a"});
}
