// A pod is taken away: politely, and its job ends there; by force, and its job runs again.
#include <doctest/doctest.h>

#include "tests/e2e/faults/shift.h"
#include "tests/product/recovery/figures.h"

using namespace wp;
using wp::test::eventually;
using wp::test::Shift;

TEST_CASE("kubectl delete pod during a job: the job ends there, another worker comes meanwhile") {
  Shift shift("deleted", 1);
  const std::string job = *shift.start(1).begin();
  const test::SitePod pod = shift.pod_of(job);
  test::site().kubectl({"delete", "pod", pod.name, "--wait=false"});
  const auto replaced = [&] {
    const auto pods = test::site().pods(shift.name());
    return std::any_of(pods.begin(), pods.end(), [&](const test::SitePod& other) {
      return other.uid != pod.uid && other.ready;
    });
  };
  REQUIRE_MESSAGE(eventually(replaced, Millis{60000}, Millis{100}), shift.story());
  CHECK(shift.pod_of(job).leaving);
  const Millis begun = system_clock().steady();
  shift.jobs().let_go(job);
  const auto gone = [&] { return shift.ready(1); };
  REQUIRE_MESSAGE(eventually(gone, Millis{60000}, Millis{100}), shift.story());
  test::print_times("pod deleted, gone after its job's end", {system_clock().steady() - begun});
  shift.finish();
  shift.check_none_interrupted();
}

TEST_CASE("kubectl delete pod --force during a job: the job runs again, and completes once") {
  // A lease would bring it back after two minutes.
  Shift shift("forced", 2, {{"jobs", {{"lease", "2m"}}}});
  std::vector<Millis> times;
  const int rounds = test::soak_run() ? 10 : 2;
  for (int round = 0; round < rounds; ++round) {
    const std::string job = *shift.start(1).begin();
    const test::SitePod deleted = shift.pod_of(job);
    test::site().kubectl(
        {"delete", "pod", deleted.name, "--force", "--grace-period=0", "--wait=false"});
    times.push_back(shift.until_it_runs_again(job, 1));
    shift.jobs().let_go(job);
    REQUIRE_MESSAGE(eventually([&] { return shift.ready(2); }, Millis{60000}, Millis{100}),
                    shift.story());
  }
  test::print_times("pod deleted by force, job runs again", times);
  for (const Millis time : times) CHECK(time < Millis{60000});
  shift.finish();
}
