// Pods on their way, and those that don't get there.
#include "operator/scaling/pod_starts.h"

#include <doctest/doctest.h>

using namespace wp;
using namespace wp::scaling;

namespace {

constexpr Millis kStart{5000};

struct Watched {
  PodStarts starts;
  PodCounts look(std::int64_t seconds, const std::vector<SeenPod>& pods) {
    return starts.observe(Millis{seconds * 1000}, kStart, pods);
  }
};

SeenPod pod(std::string_view uid, std::int64_t age, bool ready, bool obstructed = false) {
  return {uid, Millis{age * 1000}, ready, obstructed};
}

}  // namespace

TEST_CASE("a pod that becomes ready is measured once") {
  Watched w;
  PodCounts c = w.look(0, {pod("a", 0, false), pod("b", 0, false)});
  CHECK(c.starting == 2);
  CHECK(c.started_in.empty());
  c = w.look(4, {pod("a", 4, true), pod("b", 4, false)});
  CHECK(c.starting == 1);
  CHECK(c.started_in == std::vector<Millis>{Millis{4000}});
  CHECK(w.look(5, {pod("a", 5, true), pod("b", 5, false)}).started_in.empty());
  // Not ready for a moment: that is no start.
  CHECK(w.look(6, {pod("a", 6, false), pod("b", 6, true)}).started_in ==
        std::vector<Millis>{Millis{6000}});
  CHECK(w.look(60, {pod("a", 60, true), pod("b", 60, true)}).started_in.empty());
}

TEST_CASE("those that were ready at the first look are not measured, faster ones later are") {
  Watched w;
  CHECK(w.look(1000, {pod("a", 900, true)}).started_in.empty());
  CHECK(w.look(1001, {pod("a", 901, true), pod("b", 1, true)}).started_in ==
        std::vector<Millis>{Millis{1000}});
}

TEST_CASE(
    "an obstructed pod is unstartable at once, absent after three start times, no measurement") {
  Watched w;
  PodCounts c = w.look(0, {pod("a", 0, false, true), pod("b", 0, false)});
  CHECK(c.unstartable == 1);
  CHECK(c.starting == 1);
  CHECK(c.absent == 0);
  REQUIRE(c.recheck);
  CHECK(*c.recheck == Millis{15000});
  c = w.look(14, {pod("a", 14, false, true), pod("b", 14, false)});
  CHECK(c.absent == 0);
  CHECK(*c.recheck == Millis{1000});
  c = w.look(15, {pod("a", 15, false, true), pod("b", 15, false)});
  CHECK(c.unstartable == 1);
  CHECK(c.absent == 1);
  CHECK_FALSE(c.recheck);
  // A room was found for it.
  c = w.look(20, {pod("a", 20, true), pod("b", 20, true)});
  CHECK(c.unstartable == 0);
  CHECK(c.absent == 0);
  CHECK(c.started_in == std::vector<Millis>{Millis{20000}});  // only b
}

TEST_CASE("a crash loop that runs now and then counts as one") {
  Watched w;
  (void)w.look(0, {pod("a", 0, false)});
  for (int second = 1; second < 40; ++second) {
    const PodCounts c = w.look(second, {pod("a", second, false, second % 2 == 1)});
    CHECK(c.unstartable == 1);
    CHECK(c.starting == 0);
    CHECK(c.absent == (second >= 15 ? 1 : 0));
  }
}

TEST_CASE("one that had been ready gets its three start times from then on") {
  Watched w;
  (void)w.look(0, {pod("a", 1000, true)});
  CHECK(w.look(1, {pod("a", 1001, false, true)}).absent == 0);
  CHECK(w.look(15, {pod("a", 1015, false, true)}).absent == 0);
  CHECK(w.look(16, {pod("a", 1016, false, true)}).absent == 1);
}

TEST_CASE("pods that are gone are forgotten") {
  Watched w;
  (void)w.look(0, {pod("a", 0, false, true)});
  CHECK(w.look(20, {}).unstartable == 0);
  // The same uid again cannot be, but would be another.
  CHECK(w.look(30, {pod("a", 3, false)}).starting == 1);
}
