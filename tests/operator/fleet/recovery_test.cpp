#include "operator/fleet/recovery.h"

#include <algorithm>
#include <doctest/doctest.h>
#include <set>

using namespace wp;
using namespace wp::fleet;
using queue::LossCause;

namespace {

/// A pool whose workers beat unless they are told not to.
struct Ward {
  workload::View view;
  queue::Counts counts;
  RecoveryMemory memory;
  Millis now{1000000};
  bool fresh = true;
  std::set<std::string> quiet;  // workers

  explicit Ward(int pods = 0) {
    view.known = true;
    counts.now = Millis{5000000};
    for (int i = 0; i < pods; ++i) add(std::string(1, static_cast<char>('a' + i)), 1);
  }
  void add(const std::string& uid, int held) {
    workload::WorkerPod pod;
    pod.uid = uid;
    pod.name = "pod-" + uid;
    pod.ready = true;
    pod.container = "c1";
    pod.container_name = "app";
    pod.container_running = true;
    view.pods.push_back(pod);
    join_queue(uid + "/1", held);
  }
  void join_queue(const std::string& worker, int held) {
    queue::WorkerCounts made;
    made.worker = worker;
    made.held = held;
    made.last_beat = counts.now;
    counts.workers.push_back(made);
  }
  void leave_queue(const std::string& worker) {
    std::erase_if(counts.workers, [&](const auto& one) { return one.worker == worker; });
  }
  workload::WorkerPod& pod(const std::string& uid) {
    return *std::find_if(view.pods.begin(), view.pods.end(),
                         [&](const auto& one) { return one.uid == uid; });
  }
  void remove_pod(const std::string& uid) {
    std::erase_if(view.pods, [&](const auto& one) { return one.uid == uid; });
    quiet.insert(uid + "/1");
  }
  void end_container(const std::string& uid, int exit_code, bool out_of_memory = false) {
    pod(uid).container_running = false;
    pod(uid).exit_code = exit_code;
    pod(uid).out_of_memory = out_of_memory;
    quiet.insert(uid + "/1");
  }

  Recovery look(Millis later = Millis{1000}) {
    now += later;
    counts.now += later;
    for (queue::WorkerCounts& worker : counts.workers) {
      if (!quiet.contains(worker.worker)) worker.last_beat = counts.now;
    }
    return again();
  }
  /// For so long that its workers are well known.
  void grow_old() {
    for (int i = 0; i < 6; ++i) CHECK(look().reclaim.empty());
  }
  /// Nothing was read anew.
  Recovery again() {
    const Fleet fleet = join(view, &counts, Millis{15000}, 1);
    Scene scene;
    scene.now = now;
    scene.view = &view;
    scene.fleet = &fleet;
    scene.counts = &counts;
    scene.fresh = fresh;
    return recover(memory, scene);
  }
  /// Until something is ordered or deleted; how long that took.
  Millis until(Recovery& found, Millis patience = Millis{120000}) {
    const Millis began = now;
    while (now - began < patience) {
      found = look();
      if (!found.reclaim.empty() || found.remove) break;
    }
    return now - began;
  }
};

using Names = std::vector<std::string>;

}  // namespace

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
