// A worker is gone and the API server knows it: its container was killed, its pod deleted. Its job
// runs again on another worker within two seconds; no lease is waited for.
#include <csignal>
#include <doctest/doctest.h>

#include "tests/product/crew.h"
#include "tests/product/recovery/figures.h"

using namespace wp;
using wp::test::Crew;
using wp::test::eventually;

namespace {

constexpr Millis kGoal{2000};
// Generous, and below what would bring the job back without the operator: the lease of two minutes,
// of which a third may have passed. A killed worker that is back itself is told by its pod.
constexpr Millis kAtOnce{60000};

// One worker with a job, one without. The test begins again when both are ready.
std::string one_busy(Crew& crew) {
  const std::string job = *crew.demand(1).begin();
  REQUIRE(eventually([&] { return crew.all_run() && crew.settled(2); }, Millis{60000}, Millis{20}));
  return job;
}

Millis until_it_runs_again(Crew& crew, const std::string& job, int before) {
  const Millis begun = system_clock().steady();
  const bool again = eventually([&] { return crew.jobs().runs_of(job) > before; }, Millis{60000});
  REQUIRE_MESSAGE(again, crew.story());
  return system_clock().steady() - begun;
}

void check_times(const std::string& what, const std::vector<Millis>& times, Millis pass) {
  test::print_times(what, times);
  for (const Millis time : times) CHECK(time < pass);
  WARN(*std::max_element(times.begin(), times.end()) <= kGoal);
}

const nlohmann::json kTwo = {{"scaling", {{"minReplicas", 2}}},
                             {"jobs", {{"maxCrashes", 20}, {"lease", "2m"}}}};

// The node waits the longer the more often a container ended: 0.2 s, then 0.4 … 5 s. After this a
// worker that is killed is not back for some seconds, so that it cannot take back its job itself.
void wear_out(Crew& crew) {
  for (int i = 0; i < 5; ++i) {
    std::map<std::string, std::string> before;
    for (const test::CrewPod& pod : crew.pods()) {
      before[pod.uid] = pod.container;
      REQUIRE(kill(pod.pid(), SIGKILL) == 0);
    }
    const auto back = [&] {
      const auto pods = crew.pods();
      return std::all_of(pods.begin(), pods.end(), [&](const test::CrewPod& pod) {
        return pod.ready && pod.container != before[pod.uid];
      });
    };
    REQUIRE(eventually(back, Millis{60000}, Millis{10}));
  }
}

}  // namespace

TEST_CASE("a worker's container is killed and its pod stays: its job runs again at once") {
  if (!test::have_cluster()) exit(77);
  Crew crew({.spec = kTwo});
  std::vector<Millis> times;
  const int rounds = test::soak() ? 50 : 3;
  REQUIRE(crew.wait_settled(2));
  wear_out(crew);
  for (int round = 0; round < rounds; ++round) {
    const std::string job = one_busy(crew);
    const test::CrewPod killed = crew.pod_of(job);
    REQUIRE(kill(killed.pid(), SIGKILL) == 0);
    times.push_back(until_it_runs_again(crew, job, 1));
    // The first ones surely without the help of the killed one's next incarnation.
    if (round < 2) CHECK(crew.pod_of(job).uid != killed.uid);
    CHECK(crew.staying().contains(killed.uid));
    crew.jobs().let_go(job);
    REQUIRE(eventually([&] { return crew.jobs().busy_pods().empty(); }));
  }
  check_times("container killed → its job runs again", times, kAtOnce);
  CHECK(crew.product().counts(Crew::kPool).stat["crashed"] == rounds);
  crew.finish();
}

TEST_CASE("a pod is deleted by force: its job runs again at once, and the pod is replaced") {
  if (!test::have_cluster()) exit(77);
  Crew crew({.spec = kTwo});
  std::vector<Millis> times;
  for (int round = 0; round < (test::soak() ? 20 : 3); ++round) {
    const std::string job = one_busy(crew);
    const test::CrewPod pod = crew.pod_of(job);
    (void)crew.product().api().remove("/api/v1/namespaces/" + crew.ns() + "/pods/" + pod.name,
                                      {.uid = pod.uid, .grace_period_seconds = 0});
    times.push_back(until_it_runs_again(crew, job, 1));
    CHECK(crew.wait_settled(2));
    CHECK_FALSE(crew.staying().contains(pod.uid));
    crew.jobs().let_go(job);
    REQUIRE(eventually([&] { return crew.jobs().busy_pods().empty(); }));
  }
  check_times("pod deleted by force → its job runs again", times, kAtOnce);
  // The worker went away under the job: that is nobody's fault, and no crash.
  CHECK(crew.product().counts(Crew::kPool).stat["crashed"] == 0);
  crew.finish();
}
