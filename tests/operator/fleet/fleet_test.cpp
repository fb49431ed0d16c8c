#include "operator/fleet/fleet.h"

#include <doctest/doctest.h>

using namespace wp;
using namespace wp::fleet;

namespace {

workload::WorkerPod pod(const std::string& uid, std::int64_t created, bool ready = true) {
  workload::WorkerPod p;
  p.name = uid;
  p.uid = uid;
  p.created = Millis{created};
  p.ready = ready;
  return p;
}

queue::WorkerCounts worker(const std::string& name, int held, std::int64_t beat = 100000) {
  queue::WorkerCounts w;
  w.worker = name;
  w.held = held;
  w.last_beat = Millis{beat};
  return w;
}

}  // namespace

TEST_CASE("pods and workers are joined by uid; who is busy, idle, leaving, silent") {
  workload::View view;
  view.pods = {pod("a", 1), pod("b", 2), pod("c", 3), pod("d", 4, false), pod("e", 5)};
  view.pods[2].terminating = true;
  view.pods[4].finished = true;
  queue::Counts counts;
  counts.now = Millis{100000};
  counts.workers = {worker("a/1", 2), worker("b/1", 0, 60000), worker("c/1", 3),
                    worker("gone/1", 9)};
  const Fleet fleet = join(view, &counts, Millis{15000}, 1);
  CHECK(fleet.members.size() == 4);
  CHECK(fleet.busy == 1);
  CHECK(fleet.idle == 1);
  CHECK(fleet.held_by_leaving == 3);
  CHECK(fleet.leaving_busy == 1);
  CHECK(fleet.silent == 1);
}

TEST_CASE("workers whose handler cannot run are counted among those that stay") {
  workload::View view;
  view.pods = {pod("a", 1), pod("b", 2), pod("c", 3), pod("d", 4), pod("e", 5)};
  view.pods[3].terminating = true;
  queue::Counts counts;
  counts.now = Millis{100000};
  counts.workers = {worker("a/1", 0), worker("b/1", 0), worker("c/1", 0), worker("d/1", 0)};
  counts.workers[0].broken = true;
  counts.workers[3].broken = true;
  const Fleet fleet = join(view, &counts, Millis{15000}, 1);
  CHECK(fleet.serving == 3);
  CHECK(fleet.broken == 1);
}

TEST_CASE("of two names of one pod the newer beat speaks; what both hold is the pod's") {
  workload::View view;
  view.pods = {pod("a", 1)};
  queue::Counts counts;
  counts.now = Millis{100000};
  counts.workers = {worker("a/new", 0, 99000), worker("a/old", 4, 50000)};
  const Member member = join(view, &counts, Millis{15000}, 1).members[0];
  CHECK(member.worker == "a/new");
  CHECK(member.held == 4);
}

TEST_CASE("victims: not started first, then idle newest first, then the least busy") {
  workload::View view;
  view.pods = {pod("old-idle", 1), pod("new-idle", 9),        pod("busy-2", 5),
               pod("busy-1", 3),   pod("starting", 2, false), pod("leaving", 4)};
  view.pods[5].terminating = true;
  queue::Counts counts;
  counts.now = Millis{100000};
  counts.workers = {worker("busy-2/1", 2), worker("busy-1/1", 1)};
  const Fleet fleet = join(view, &counts, Millis{15000}, 1);
  CHECK(victims(fleet, 9) ==
        std::vector<std::string>{"starting", "new-idle", "old-idle", "busy-1", "busy-2"});
  CHECK(victims(fleet, 2) == std::vector<std::string>{"starting", "new-idle"});
  CHECK(victims(fleet, -1).empty());
}

TEST_CASE("without counts nobody is registered") {
  workload::View view;
  view.pods = {pod("a", 1)};
  const Fleet fleet = join(view, nullptr, Millis{15000}, 1);
  CHECK_FALSE(fleet.members[0].registered);
  CHECK(fleet.idle == 1);
}
