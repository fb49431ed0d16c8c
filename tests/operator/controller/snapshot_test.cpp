// What of the fleet's pods is told to those that measure how long a pod takes to start.
#include "operator/controller/snapshot.h"

#include <doctest/doctest.h>

#include "operator/scaling/pod_starts.h"

using namespace wp;
using namespace wp::controller;

namespace {

constexpr Millis kFirstLook{1000000};

fleet::Member member(const std::string& uid, Millis created) {
  fleet::Member made;
  made.pod.uid = uid;
  made.pod.created = created;
  return made;
}

}  // namespace

TEST_CASE("a pod that waits for its program to appear is no measure of a pod's start") {
  scaling::PodStarts starts;
  fleet::Fleet fleet;
  fleet.members = {member("plain", kFirstLook - Millis{1000}),
                   member("lacking", kFirstLook - Millis{1000})};
  const auto look = [&](Millis now) {
    return starts.observe(now, Millis{5000}, seen_pods(fleet, now));
  };
  CHECK(look(kFirstLook).starting == 2);
  fleet.members[1].registered = true;
  fleet.members[1].broken = true;
  const scaling::PodCounts waiting = look(kFirstLook + Millis{1000});
  CHECK(waiting.starting == 1);
  CHECK(waiting.unstartable == 1);
  for (fleet::Member& one : fleet.members) one.pod.ready = true;
  fleet.members[0].pod.ready_since = kFirstLook + Millis{2000};
  fleet.members[1].pod.ready_since = kFirstLook + Millis{600000};
  fleet.members[1].broken = false;
  const scaling::PodCounts ready = look(kFirstLook + Millis{600000});
  REQUIRE(ready.started_in.size() == 1);
  CHECK(ready.started_in.front() == Millis{3000});
}
