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

TEST_CASE("the retired are no part of those that serve, whoever retired them") {
  workload::View view;
  view.pods = {pod("ours", 1), pod("persons", 2), pod("marked", 3), pod("stays", 4)};
  view.pods[2].marked = true;
  queue::Counts counts;
  counts.now = Millis{100000};
  counts.workers = {worker("ours/1", 0), worker("persons/1", 2), worker("stays/1", 0)};
  counts.retired = {{"ours", queue::RetiredBy::controller, Millis{130000}},
                    {"persons", queue::RetiredBy::person, Millis{0}},
                    {"gone", queue::RetiredBy::controller, Millis{130000}}};
  const Fleet fleet = join(view, &counts, Millis{15000}, 1);
  CHECK(fleet.retiring == 3);
  CHECK(fleet.leaving_busy == 1);
  CHECK(fleet.idle == 1);
  CHECK(fleet.busy == 0);
  CHECK(fleet.serving == 1);
  CHECK(fleet.members[0].by_us);
  CHECK(fleet.members[0].retired_for == Millis{30000});
  CHECK(fleet.members[1].retired_by_person());
  CHECK_FALSE(fleet.members[3].retired);
}

TEST_CASE("what a retired pod holds is known though its worker is not") {
  workload::View view;
  view.pods = {pod("a", 1), pod("b", 2)};
  queue::Counts counts;
  counts.now = Millis{100000};
  counts.workers = {worker("b/1", 1)};
  counts.retired = {{"a", queue::RetiredBy::controller, Millis{130000}, 3},
                    {"b", queue::RetiredBy::controller, Millis{130000}, 0}};
  const Fleet fleet = join(view, &counts, Millis{15000}, 1);
  CHECK(fleet.members[0].held == 3);
  CHECK(fleet.members[1].held == 1);
}

TEST_CASE("what a worker says of itself; nonsense changes nothing") {
  workload::View view;
  view.pods = {pod("a", 1), pod("b", 2), pod("c", 3)};
  queue::Counts counts;
  counts.now = Millis{100000};
  counts.workers = {worker("a/1", 0), worker("b/1", 0), worker("c/1", 0)};
  counts.workers[0].info = R"({"slots":7,"executed":12,"stalled":1})";
  counts.workers[1].info = "[}";
  counts.workers[2].info = R"({"slots":"many","executed":-1.5,"stalled":null})";
  const Fleet fleet = join(view, &counts, Millis{15000}, 3);
  CHECK(fleet.members[0].slots == 7);
  CHECK(fleet.members[0].executed == 12);
  CHECK(fleet.members[0].stalled);
  CHECK(fleet.stalled == 1);
  CHECK(fleet.mismatched == 1);
  for (const int i : {1, 2}) {
    CHECK(fleet.members[static_cast<std::size_t>(i)].slots == 3);
    CHECK(fleet.members[static_cast<std::size_t>(i)].executed == 0);
    CHECK_FALSE(fleet.members[static_cast<std::size_t>(i)].stalled);
  }
}

TEST_CASE("without counts nobody is registered") {
  workload::View view;
  view.pods = {pod("a", 1)};
  const Fleet fleet = join(view, nullptr, Millis{15000}, 1);
  CHECK_FALSE(fleet.members[0].registered);
  CHECK(fleet.idle == 1);
}
