// A container dies in its pod, which stays: the kubelet starts it again, and its jobs run again.
#include <algorithm>
#include <doctest/doctest.h>

#include "tests/e2e/faults/shift.h"
#include "tests/product/recovery/figures.h"

using namespace wp;
using wp::test::Shift;

TEST_CASE("a container is killed in its pod: its job runs again at once") {
  // A lease would bring it back after two minutes.
  Shift shift("struck", 2, {{"jobs", {{"lease", "2m"}}}});
  std::vector<Millis> times;
  const int rounds = test::soak_run() ? 10 : 2;
  for (int round = 0; round < rounds; ++round) {
    const std::string job = *shift.start(1).begin();
    const test::SitePod killed = shift.pod_of(job);
    test::kill_container(killed.container);
    times.push_back(shift.until_it_runs_again(job, 1));
    shift.jobs().let_go(job);
    // Not as the kubelet last told before it had seen it.
    const auto restarted = [&] {
      const std::vector<test::SitePod> pods = test::site().pods(shift.name());
      return shift.ready(2) && std::none_of(pods.begin(), pods.end(), [&](const auto& pod) {
               return pod.container == killed.container;
             });
    };
    REQUIRE_MESSAGE(test::eventually(restarted, Millis{90000}, Millis{100}), shift.story());
  }
  test::print_times("container killed, job runs again", times);
  for (const Millis time : times) CHECK(time < Millis{60000});
  shift.finish();
}

TEST_CASE("a container with three jobs is killed: none of them is to blame, all of them complete") {
  Shift shift("crowd", 1, {{"workers", {{"concurrency", 3}}}, {"jobs", {{"maxCrashes", 0}}}});
  const std::set<std::string> jobs = shift.start(3);
  test::kill_container(shift.pod_of(*jobs.begin()).container);
  shift.until_it_runs_again(*jobs.begin(), 1);
  shift.jobs().let_all_go();
  // With maxCrashes 0 a single crash would have buried each of them.
  shift.finish();
  const queue::Counts counts = test::site().counts(shift.name());
  CHECK(counts.dead == 0);
}
