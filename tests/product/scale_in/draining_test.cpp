// Nobody is idle: those who are to leave take no more, end what they have, and leave then.
#include <doctest/doctest.h>
#include <iostream>

#include "tests/product/crew.h"

using namespace wp;
using wp::test::Crew;
using wp::test::eventually;

namespace {

constexpr int kWorkers = 5;
constexpr int kSlots = 2;
constexpr int kNeeded = 3;  // for a job on each of the five

std::set<std::string> retired(Crew& crew) {
  std::set<std::string> pods;
  for (const queue::Retirement& one : crew.product().counts(Crew::kPool).retired) {
    pods.insert(one.pod);
  }
  return pods;
}

std::set<std::string> jobs_on(const Crew& crew, const std::set<std::string>& pods) {
  std::set<std::string> jobs;
  for (const auto& [job, pod] : crew.jobs().places()) {
    if (pods.contains(pod)) jobs.insert(job);
  }
  return jobs;
}

}  // namespace

TEST_CASE("every worker is busy: those who leave end their jobs first and get no more") {
  if (!test::have_late_cluster()) exit(77);
  Crew crew({.spec = {{"workers", {{"concurrency", kSlots}}}}});
  (void)crew.demand(kWorkers * kSlots);
  REQUIRE_MESSAGE(eventually([&] { return crew.all_run() && crew.settled(kWorkers); },
                             Millis{60000}, Millis{20}),
                  crew.story());
  // One job ends on each of them: three workers have slots for the other five jobs.
  std::set<std::string> seen;
  for (const auto& [job, pod] : crew.jobs().places()) {
    if (seen.insert(pod).second) crew.jobs().let_go(job);
  }
  REQUIRE(seen.size() == kWorkers);
  REQUIRE_MESSAGE(eventually([&] { return retired(crew).size() == kWorkers - kNeeded; },
                             Millis{60000}, Millis{5}),
                  crew.story());
  const std::set<std::string> leaving = retired(crew);
  const std::set<std::string> theirs = jobs_on(crew, leaving);
  CHECK(theirs.size() == leaving.size());

  // The free slots of those who stay take what comes.
  const std::set<std::string> more = crew.demand(kNeeded * kSlots - kWorkers);
  REQUIRE(eventually([&] { return crew.all_run(); }, Millis{60000}));
  CHECK(test::joined(jobs_on(crew, leaving)) == test::joined(theirs));
  CHECK(crew.replicas() == kWorkers);
  for (const test::CrewPod& pod : crew.pods()) CHECK(pod.state == "serving");

  const Millis begun = system_clock().steady();
  for (const std::string& job : theirs) crew.jobs().let_go(job);
  REQUIRE_MESSAGE(crew.wait_settled(kNeeded), crew.story());
  std::cout << "the last job of those who leave ends → they are gone after "
            << (system_clock().steady() - begun).count() << " ms\n";
  for (const std::string& pod : crew.staying()) CHECK_FALSE(leaving.contains(pod));
  crew.check_uninterrupted();
  crew.finish();
}
