// Trouble around a running pool: Redis away with a backlog, the operator killed.
#include <csignal>
#include <cstdlib>
#include <doctest/doctest.h>
#include <thread>

#include "tests/product/cluster.h"
#include "tests/support/temp_folder.h"

using namespace wp;
using wp::test::eventually;
using wp::test::Product;

namespace {

// How long Redis stays away: a few seconds, or what a long run asks for.
Millis outage() {
  const char* seconds = std::getenv("WORKERPOOL_OUTAGE_SECONDS");
  return Millis{1000 * (seconds != nullptr ? std::atoi(seconds) : 8)};
}

}  // namespace

TEST_CASE(
    "Redis away with a backlog and running pods: the size holds, everything completes after") {
  if (!test::have_cluster()) exit(77);
  Product product({"appendonly yes", "appendfsync always"});
  const test::OwnFolder folder;
  const std::string go = folder.path() + "/go";
  // There is a backlog until the test says so, however fast the machine is.
  product.apply_pool("away", {"sh", "-c", "while ! [ -e $0 ]; do sleep 0.1; done; echo ok", go},
                     {{"maxReplicas", 3}, {"scaleDownWindow", "1s"}});
  REQUIRE(eventually([&] { return product.condition("away", "QueueReachable") == "True/Reached"; },
                     Millis{60000}));
  product.put("away", 60, "x");
  REQUIRE(eventually([&] { return product.status("away", "/readyReplicas") == 3; }, Millis{60000}));
  product.redis().stop();
  const Millis back = system_clock().steady() + outage();
  REQUIRE(
      eventually([&] { return product.condition("away", "QueueReachable").starts_with("False/"); },
                 Millis{60000}));
  CHECK(product.condition("away", "Ready").starts_with("False/"));
  // The fact to watch is that nothing happens for as long as the outage lasts.
  while (system_clock().steady() < back) {
    REQUIRE(product.deployment("away")["spec"]["replicas"] == 3);
    std::this_thread::sleep_for(Millis{20});
  }
  (void)folder.write("go", "");  // what runs ends while nobody can be told
  product.redis().start();
  REQUIRE(eventually(
      [&] {
        try {
          return product.counts("away").stat["completed"] == 60;
        } catch (const redis::Error&) {
          return false;
        }
      },
      Millis{180000}));
  CHECK(eventually([&] { return product.condition("away", "QueueReachable") == "True/Reached"; },
                   Millis{60000}));
  CHECK(product.check("away").empty());
  CHECK(product.counts("away").dead == 0);
}

TEST_CASE("an operator killed at work: the next one goes on and loses nothing") {
  if (!test::have_cluster()) exit(77);
  Product product;
  product.apply_pool("again", {"sh", "-c", "sleep 0.3; echo ok"});
  REQUIRE(eventually([&] { return product.condition("again", "QueueReachable") == "True/Reached"; },
                     Millis{60000}));
  product.put("again", 40, "x");
  REQUIRE(eventually([&] { return product.counts("again").active > 0; }, Millis{60000}));
  product.operator_process().signal(SIGKILL);
  (void)product.operator_process().wait();
  product.start_operator();
  REQUIRE(
      eventually([&] { return product.counts("again").stat["completed"] == 40; }, Millis{120000}));
  CHECK(product.counts("again").stat["started"] == 40);
  CHECK(eventually([&] { return product.status("again", "/replicas") == 0; }, Millis{60000}));
  CHECK(product.check("again").empty());
}
