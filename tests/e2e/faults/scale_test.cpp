// 1 → 5 → 2 workers by `kubectl scale` while long jobs run, as its user watches it.
#include <doctest/doctest.h>
#include <iostream>
#include <sstream>

#include "tests/e2e/faults/shift.h"

using namespace wp;
using wp::test::eventually;
using wp::test::Shift;

TEST_CASE("1 → 5 → 2 workers while long jobs run: none is interrupted") {
  Shift shift("resized", 1);
  test::Beside watch(
      {"kubectl", "--namespace", test::site().ns(), "get", "wp", shift.name(), "--watch"});
  const auto scale = [&](int workers) {
    test::site().kubectl(
        {"scale", "workerpool", shift.name(), "--replicas=" + std::to_string(workers)});
  };
  scale(1);
  const Millis job_time = test::soak_run() ? Millis{40000} : Millis{6000};
  std::map<std::string, std::string> jobs;
  for (int i = 0; i < 15; ++i) {
    jobs["long-" + std::to_string(i)] = test::GatedJobs::timed(job_time);
  }
  const Millis begun = system_clock().steady();
  shift.enqueue(jobs);
  const auto busy = [&](std::size_t workers) {
    return [&shift, workers] { return shift.jobs().busy_pods().size() == workers; };
  };
  REQUIRE_MESSAGE(eventually(busy(1), Millis{60000}, Millis{20}), shift.story());
  scale(5);
  REQUIRE_MESSAGE(eventually(busy(5), Millis{60000}, Millis{20}), shift.story());
  scale(2);
  const auto two = [&] { return shift.ready(2); };
  REQUIRE_MESSAGE(eventually(two, job_time * 2 + Millis{60000}, Millis{100}), shift.story());
  const Millis smaller = system_clock().steady() - begun;
  const auto done = [&] {
    return shift.jobs().places().empty() && shift.jobs().runs().size() == 15;
  };
  REQUIRE_MESSAGE(eventually(done, job_time * 10 + Millis{60000}, Millis{100}), shift.story());
  shift.finish();
  shift.check_none_interrupted();
  std::cout << "15 jobs of " << job_time.count() / 1000 << " s, 1 to 5 to 2 workers: two are left "
            << smaller.count() << " ms after the start, none interrupted. As watched:\n"
            << watch.output() << std::endl;
}
