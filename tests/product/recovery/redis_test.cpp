// Redis comes back empty, or stays away: no worker is deleted for it, and the size holds, or
// follows `fallback`.
#include <doctest/doctest.h>
#include <iostream>
#include <thread>

#include "tests/product/crew.h"

using namespace wp;
using wp::test::Crew;
using wp::test::eventually;
using wp::test::RedisServer;

namespace {

// Asserts that `fact` holds all the time: the fact to see is that nothing happens.
template <typename Fact>
void holds_for(const Crew& crew, Millis time, Fact fact) {
  const Millis end = system_clock().steady() + time;
  while (system_clock().steady() < end) {
    REQUIRE_MESSAGE(fact(), crew.story());
    std::this_thread::sleep_for(Millis{50});
  }
}

// uid → containerID: neither deleted nor started again.
std::map<std::string, std::string> workers(Crew& crew) {
  std::map<std::string, std::string> found;
  for (const test::CrewPod& pod : crew.pods()) {
    if (!pod.leaving) found[pod.uid] = pod.container;
  }
  return found;
}

std::size_t registered(Crew& crew) {
  try {
    return crew.product().counts(Crew::kPool).workers.size();
  } catch (const redis::Error&) {
    return 0;
  }
}

}  // namespace

TEST_CASE("Redis comes back, empty or not, with 20 workers: none of them is deleted") {
  if (!test::have_cluster()) exit(77);
  constexpr int kMany = 20;
  constexpr Millis kLease{2000};
  Crew crew({.spec = {{"scaling", {{"minReplicas", kMany}, {"maxReplicas", kMany}}},
                      {"jobs", {{"lease", "2s"}}}},
             .redis_config = test::RedisServer::persistent()});
  REQUIRE_MESSAGE(crew.wait_settled(kMany), crew.story());
  REQUIRE(eventually([&] { return registered(crew) == kMany; }, Millis{60000}, Millis{20}));
  const auto before = workers(crew);
  const auto nobody_goes_for = [&](Millis time) {
    holds_for(crew, time, [&] { return workers(crew) == before; });
  };
  RedisServer& redis = crew.product().redis();

  // For as long as a worker may be silent: when Redis is back, it says of all that they were.
  redis.stop();
  nobody_goes_for(3 * kLease);
  redis.start();
  nobody_goes_for(3 * kLease);
  CHECK(eventually([&] { return registered(crew) == kMany; }));

  redis.kill9();
  redis.wipe();
  redis.start();
  const Millis begun = system_clock().steady();
  REQUIRE(eventually([&] { return registered(crew) == kMany; }, Millis{60000}, Millis{5}));
  std::cout << "Redis back and empty → " << kMany << " workers are registered after "
            << (system_clock().steady() - begun).count() << " ms\n";
  nobody_goes_for(3 * kLease);
  // The queue is served as before.
  (void)crew.demand(3);
  REQUIRE_MESSAGE(eventually([&] { return crew.all_run(); }, Millis{60000}), crew.story());
  CHECK(workers(crew) == before);
  crew.finish();
}

TEST_CASE("Redis stays away while jobs run: the size holds, then follows the fallback") {
  if (!test::have_cluster()) exit(77);
  constexpr int kMax = 3;
  constexpr int kFallback = 5;
  const Millis kAfter = test::soak() ? Millis{30000} : Millis{6000};
  const Millis kAway = test::soak() ? Millis{120000} : Millis{15000};
  const std::string after = std::to_string(kAfter.count()) + "ms";
  Crew crew({.spec = {{"scaling",
                       {{"maxReplicas", kFallback},
                        {"fallback", {{"replicas", kFallback}, {"after", after}}}}},
                      {"jobs", {{"onPartition", "Continue"}}}},
             .redis_config = test::RedisServer::persistent()});
  crew.grow(kMax);
  const auto before = workers(crew);
  crew.product().redis().stop();
  const Millis begun = system_clock().steady();
  REQUIRE(eventually([&] { return crew.replicas() != kMax; }, kAfter + Millis{20000}, Millis{5}));
  const Millis raised = system_clock().steady() - begun;
  CHECK(crew.replicas() == kFallback);
  CHECK(raised >= kAfter - Millis{1000});
  std::cout << "Redis away → the fallback of " << after << " was asked for after " << raised.count()
            << " ms\n";
  REQUIRE(eventually(
      [&] { return crew.product().condition(Crew::kPool, "FallbackActive").starts_with("True/"); },
      Millis{60000}, Millis{20}));
  holds_for(crew, kAway - (system_clock().steady() - begun), [&] {
    const auto now = workers(crew);
    return crew.replicas() == kFallback &&
           std::includes(now.begin(), now.end(), before.begin(), before.end());
  });
  crew.product().redis().start();
  REQUIRE(eventually(
      [&] { return crew.product().condition(Crew::kPool, "FallbackActive").starts_with("False/"); },
      Millis{60000}, Millis{20}));
  // The three still run what they ran; the two that came for nothing go.
  REQUIRE_MESSAGE(crew.wait_settled(kMax), crew.story());
  CHECK(workers(crew) == before);
  crew.finish();
}
