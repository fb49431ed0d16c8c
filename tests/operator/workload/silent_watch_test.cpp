// A lowering while the watch of the pods stands still, which nobody notices for minutes: what the
// watch has not shown is seen by a read right before.
#include <doctest/doctest.h>
#include <optional>

#include "tests/operator/workload/silent_server.h"
#include "tests/support/set_clock.h"

using namespace wp;
using namespace wp::workload;
using test::SetClock;

namespace {

using Kind = WorkloadError::Kind;

struct Standstill {
  Standstill() { REQUIRE(silent.synced); }
  // How it was refused; nothing when it was not.
  std::optional<Kind> lower(int replicas, const std::vector<std::string>& victims) {
    try {
      silent.workload->scale(silent.pool, replicas, victims);
    } catch (const WorkloadError& error) {
      return error.kind();
    }
    return std::nullopt;
  }
  int lists() const {
    int count = 0;
    for (const test::ApiRequest& request : silent.server.api.requests()) {
      const auto accepted = request.headers.find("accept");
      count += accepted != request.headers.end() &&
                       accepted->second.find("PartialObjectMetadataList") != std::string::npos
                   ? 1
                   : 0;
    }
    return count;
  }

  SetClock clock;
  test::SilentFixture silent{&clock};
};

}  // namespace

TEST_CASE_FIXTURE(Standstill, "what the watch shows is what there is: the number is lowered") {
  CHECK(silent.workload->mark(silent.pool, {"p-1"}) == 1);
  CHECK_FALSE(lower(1, {"p-1"}));
  CHECK(silent.server.replicas() == 1);
}

TEST_CASE_FIXTURE(Standstill, "the watch stands still: nobody leaves until it moves") {
  CHECK(silent.workload->mark(silent.pool, {"p-1"}) == 1);
  SUBCASE("a pod came") {
    silent.server.add_pod();
  }
  SUBCASE("a pod changed") {
    silent.server.touch_pod(0);
  }
  SUBCASE("a marked pod changed") {
    silent.server.touch_pod(1);
  }
  CHECK(lower(1, {"p-1"}) == Kind::conflict);
  CHECK(silent.server.replicas() == 2);
  CHECK(silent.server.patches("/scale") == 0);
  // It is not looked at in a hurry.
  CHECK(lists() == 1);
  CHECK(lower(1, {"p-1"}) == Kind::conflict);
  CHECK(lists() == 1);
  clock.advance(Millis{1000});
  CHECK(lower(1, {"p-1"}) == Kind::conflict);
  CHECK(lists() == 2);
  // Whoever decides hears for how long.
  CHECK(silent.workload->observe(silent.pool).unconfirmed_for == Millis{1000});
  // More may be asked for whatever the watch shows.
  CHECK_FALSE(lower(3, {}));
  CHECK(silent.server.replicas() == 3);
  CHECK(silent.workload->observe(silent.pool).unconfirmed_for == Millis{0});
}

TEST_CASE_FIXTURE(Standstill,
                  "the pods cannot be read in time: nobody leaves, and it is asked once") {
  CHECK(silent.workload->mark(silent.pool, {"p-1"}) == 1);
  SUBCASE("too late to know whether the retirements still hold") {
    silent.server.before_list([this] { clock.advance(Millis{5001}); });
  }
  SUBCASE("the API server is busy") {
    silent.server.refuse_lists(429);
  }
  SUBCASE("no right") {
    silent.server.refuse_lists(403);
  }
  CHECK(lower(1, {"p-1"}) == Kind::conflict);
  CHECK(lists() == 1);
  CHECK(silent.server.patches("/scale") == 0);
  silent.server.before_list([] {});
  silent.server.refuse_lists(0);
  CHECK(lower(1, {"p-1"}) == Kind::conflict);
  CHECK(lists() == 1);
  clock.advance(Millis{1000});
  CHECK_FALSE(lower(1, {"p-1"}));
  CHECK(silent.server.replicas() == 1);
  CHECK(silent.workload->observe(silent.pool).unconfirmed_for == Millis{0});
}

TEST_CASE("a deletion cost that somebody set is kept with the mark, and given back with it") {
  using Json = nlohmann::json;
  const std::string cost = "controller.kubernetes.io/pod-deletion-cost";
  const std::string earlier = "workerpool.dev/earlier-deletion-cost";
  for (const std::optional<int> theirs : {std::optional<int>(), std::optional<int>(-40)}) {
    for (const bool written_over : {false, true}) {
      test::SilentServer server;
      kube::Client client(kube::test::config_for(server.api));
      const Json before = theirs ? Json{{cost, std::to_string(*theirs)}} : Json::object();
      server.set_annotations_of_pod(0, before);
      PodInfo pod;
      pod.ns = "media";
      pod.name = "pod-0";
      pod.uid = "p-0";
      pod.resource_version = "10";
      pod.deletion_cost = theirs.value_or(0);
      CHECK(PodMarks(client, system_clock()).mark({std::make_shared<const PodInfo>(pod)}) == 1);
      Json marked = server.annotations_of_pod(0);
      CHECK(marked.at(cost) == "-2147483647");
      CHECK(marked.contains(earlier) == theirs.has_value());

      // Another process, which knows what the pod says.
      pod.marked = true;
      pod.earlier_cost = theirs;
      pod.deletion_cost = written_over ? 7 : kMarkedCost;
      if (written_over) marked[cost] = "7";
      server.set_annotations_of_pod(0, marked);
      const auto state = [](const PodInfo&) { return std::string("serving"); };
      PodMarks marks(client, system_clock());
      CHECK(marks.unmark({std::make_shared<const PodInfo>(pod)}, state) == 1);
      CHECK(server.annotations_of_pod(0) == (written_over ? Json{{cost, "7"}} : before));
      CHECK(server.state_of_pod(0) == "serving");
    }
  }
}
