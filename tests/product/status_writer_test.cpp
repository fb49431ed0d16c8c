// The status on a real API server: replaced as a whole, and never a namesake's.
#include "operator/cluster/status_writer.h"

#include <csignal>
#include <doctest/doctest.h>

#include "operator/kube/error.h"
#include "operator/pool/parse.h"
#include "operator/pool/status.h"
#include "tests/product/cluster.h"

using namespace wp;
using test::eventually;
using test::Product;

TEST_CASE("a status is written for the pool that it was found for, not for one of its name") {
  if (!test::have_cluster()) exit(77);
  Product product;
  product.operator_process().signal(SIGKILL);  // the only writer is the test
  (void)product.operator_process().wait(Millis{10000});
  product.apply_pool("twin", {"true"});
  const auto write = cluster::status_writer(product.api());
  const auto replicas = [&] { return product.status("twin", "/replicas").value_or(-1); };
  const pool::Pool first = pool::read_pool(product.pool("twin")).pool;
  pool::Status status;
  status.replicas = 3;
  status.health = pool::HealthStatus::healthy;
  write(first, status);
  CHECK(replicas() == 3);

  (void)product.api().remove(product.pool_path("twin"));
  REQUIRE(eventually(
      [&] {
        try {
          (void)product.pool("twin");
          return false;
        } catch (const kube::KubeError& error) {
          return error.is_not_found();
        }
      },
      Millis{60000}));
  write(first, status);  // nobody to tell
  product.apply_pool("twin", {"true"});
  const pool::Pool second = pool::read_pool(product.pool("twin")).pool;
  REQUIRE(first.meta.uid != second.meta.uid);
  write(first, status);
  CHECK(replicas() == -1);

  status.replicas = 4;
  write(second, status);
  CHECK(replicas() == 4);
  status.replicas = 5;
  status.set({.type = "Ready", .status = pool::ConditionStatus::is_true, .reason = "no CamelCase"});
  CHECK_THROWS_AS(write(second, status), kube::KubeError);
  CHECK(replicas() == 4);
}
