// From an enqueue on a pool at zero to the raised replicas, seen on the API. The figures are
// printed; only a generous deadline is asserted, as machines differ.
#include <algorithm>
#include <cstdlib>
#include <doctest/doctest.h>
#include <iostream>

#include "tests/product/cluster.h"

using namespace wp;
using wp::test::eventually;
using wp::test::Product;

TEST_CASE("an enqueue on a pool at zero raises the replicas") {
  if (!test::have_cluster()) exit(77);
  const char* wanted = std::getenv("WORKERPOOL_REACTION_TRIES");
  const int tries = wanted != nullptr ? std::atoi(wanted) : 10;
  Product product;
  std::vector<double> milliseconds;
  for (int i = 0; i < tries; ++i) product.apply_pool("r" + std::to_string(i), {"true"});
  for (int i = 0; i < tries; ++i) {
    const std::string pool = "r" + std::to_string(i);
    REQUIRE(eventually([&] { return product.condition(pool, "QueueReachable") == "True/Reached"; },
                       Millis{60000}));
    REQUIRE(eventually([&] { return !product.deployment(pool).is_null(); }));
  }
  const auto path = [&](int i) {
    return kube::resource_path({"apps", "v1", "deployments"}, product.ns(),
                               "r" + std::to_string(i) + "-worker");
  };
  for (int i = 0; i < tries; ++i) {
    const auto start = std::chrono::steady_clock::now();
    product.put("r" + std::to_string(i), 1, "x");
    REQUIRE(eventually([&] { return product.api().get(path(i))["spec"]["replicas"] == 1; },
                       Millis{30000}));
    milliseconds.push_back(
        std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
            .count());
    // The next try begins when this one's worker has settled: one enqueue is measured, not a storm.
    const std::string pool = "r" + std::to_string(i);
    REQUIRE(eventually([&] { return product.counts(pool).stat["completed"] == 1; }, Millis{60000}));
    REQUIRE(eventually([&] { return product.status(pool, "/readyReplicas") == 1; }, Millis{60000}));
  }
  std::sort(milliseconds.begin(), milliseconds.end());
  const auto at = [&](double share) {
    return milliseconds[std::min(milliseconds.size() - 1,
                                 static_cast<std::size_t>(share * static_cast<double>(tries)))];
  };
  std::cout << "enqueue -> replicas seen on the API, " << tries << " tries: p50 " << at(0.5)
            << " ms, p99 " << at(0.99) << " ms\n";
}
