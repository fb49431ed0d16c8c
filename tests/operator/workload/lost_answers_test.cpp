// The Deployment workload with an API server whose answers to writes are lost on the way.
#include <doctest/doctest.h>

#include "tests/operator/workload/silent_server.h"

using namespace wp;
using namespace wp::workload;
using test::SilentServer;

namespace {

using Kind = WorkloadError::Kind;

struct Fixture : test::SilentFixture {
  Fixture() { REQUIRE(synced); }
  Kind scale(int replicas) {
    try {
      workload->scale(pool, replicas, {});
    } catch (const WorkloadError& error) {
      return error.kind();
    }
    FAIL("it was answered");
    return Kind::gone;
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture,
                  "an answer about the replicas that was lost: nothing is known until it is read") {
  server.lose(SilentServer::Loss::answer);
  CHECK(scale(1) == Kind::retry);
  server.lose(SilentServer::Loss::none);
  CHECK_FALSE(workload->observe(pool).known);
  CHECK(scale(2) == Kind::conflict);  // decides on what was not read
  CHECK(server.patches("/scale") == 1);
  workload->ensure(pool, 2);
  CHECK(workload->observe(pool).known);
  CHECK(workload->observe(pool).replicas == 1);
}

TEST_CASE_FIXTURE(Fixture,
                  "a write of the replicas that did not arrive comes too late once it was read") {
  SUBCASE("it never does") {
    server.lose(SilentServer::Loss::request);
  }
  SUBCASE("it still may") {
    server.lose(SilentServer::Loss::late);
  }
  CHECK(scale(1) == Kind::retry);
  server.lose(SilentServer::Loss::none);
  workload->ensure(pool, 2);
  CHECK(workload->observe(pool).known);
  CHECK(workload->observe(pool).replicas == 2);
  CHECK_FALSE(server.late_write_takes_effect());
  workload->scale(pool, 1, {});
  CHECK(server.replicas() == 1);
  CHECK(workload->observe(pool).replicas == 1);
}

TEST_CASE_FIXTURE(Fixture,
                  "an answer about a mark that was lost: marked again, which changes nothing") {
  server.lose(SilentServer::Loss::answer);
  CHECK_THROWS_AS(workload->mark(pool, {"p-1"}), WorkloadError);
  server.lose(SilentServer::Loss::none);
  CHECK(server.state_of_pod(1) == "retiring");
  CHECK(workload->observe(pool).known);
  CHECK(workload->mark(pool, {"p-1"}) == 1);
  CHECK(workload->observe(pool).pods.at(1).marked);
  // Its witness speaks for itself.
  CHECK(workload->observe(pool).witness->marked == 0);
  CHECK(server.state_of_pod(0) == "serving");
}

TEST_CASE_FIXTURE(Fixture, "one of several marks fails: an error, and what was written is known") {
  server.lose(SilentServer::Loss::request);
  CHECK_THROWS_AS(workload->mark(pool, {"p-0", "p-1"}), WorkloadError);
  server.lose(SilentServer::Loss::none);
  CHECK(workload->mark(pool, {"p-0", "p-1"}) == 2);
  CHECK(workload->mark(pool, {"p-0", "p-1"}) == 0);
  CHECK(workload->unmark(pool, {"p-0", "p-1"}) == 2);
}
