// The workload of local mode with processes that only sleep: what becomes of each.
#include "operator/workload/local_workload.h"

#include <atomic>
#include <csignal>
#include <doctest/doctest.h>
#include <filesystem>

#include "tests/operator/workload/pools.h"
#include "tests/support/temp_folder.h"
#include "tests/support/wait.h"

using namespace wp;
using namespace wp::workload;
using test::eventually;

namespace {

struct Fixture {
  Fixture() : pool(test::plain_pool()) {
    const std::string runner = folder.write("runner", "#!/bin/sh\nexec sleep 1000\n");
    std::filesystem::permissions(runner, std::filesystem::perms::owner_all);
    LocalWorkload::Options options;
    options.runner = runner;
    options.on_change = [this](const std::string&) { ++changes; };
    workload = std::make_unique<LocalWorkload>(std::move(options));
  }

  void run(int replicas) {
    workload->ensure(pool, replicas);
    REQUIRE(eventually([&] { return see().ready() == replicas; }));
  }
  View see() const { return workload->observe(pool); }
  WorkerPod pod(std::size_t index) const { return see().pods.at(index); }
  std::vector<std::string> uids() const {
    std::vector<std::string> made;
    for (const WorkerPod& one : see().pods) made.push_back(one.uid);
    return made;
  }

  test::OwnFolder folder;
  pool::Pool pool;
  std::atomic<int> changes = 0;
  std::unique_ptr<LocalWorkload> workload;
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "marks are known at once, and exactly the victims go") {
  run(4);
  const std::vector<std::string> before = uids();
  const std::vector<std::string> victims = {before[0], before[2]};
  const int changes_before = changes;
  CHECK(workload->mark(pool, victims) == 2);
  CHECK(changes > changes_before);
  CHECK(workload->mark(pool, victims) == 0);
  REQUIRE(see().witness.has_value());
  CHECK(see().witness->current);
  CHECK(see().witness->marked == 2);
  CHECK(see().witness->ready == 4);
  CHECK(workload->unmark(pool, {before[0]}) == 1);
  CHECK(see().witness->marked == 1);
  CHECK(workload->mark(pool, victims) == 1);

  workload->scale(pool, 2, victims);
  CHECK(see().witness->existing == 2);
  CHECK(see().witness->marked == 0);
  CHECK(eventually([&] { return uids() == std::vector<std::string>{before[1], before[3]}; }));
}

TEST_CASE_FIXTURE(Fixture, "a process that is killed: its exit code, then another container") {
  run(1);
  const WorkerPod first = pod(0);
  CHECK(first.container_running);
  REQUIRE(first.container.starts_with("pid-"));
  CHECK(first.ready_since > Millis{0});
  kill(std::stoi(first.container.substr(4)), SIGKILL);
  CHECK(eventually([&] { return !pod(0).container_running || pod(0).restarts > 0; }));
  CHECK(eventually([&] { return pod(0).container_running; }));
  const WorkerPod second = pod(0);
  CHECK(second.uid == first.uid);
  CHECK(second.container != first.container);
  CHECK(second.restarts == 1);
  CHECK(second.exit_code == 137);
}

TEST_CASE_FIXTURE(Fixture, "a worker that is removed is replaced by one with another uid") {
  run(2);
  const std::vector<std::string> before = uids();
  workload->remove(pool, before[0]);
  CHECK(eventually([&] { return uids().size() == 2 && uids()[0] == before[1]; }));
  CHECK(uids()[1] != before[0]);
  CHECK(eventually([&] { return see().ready() == 2; }));
  CHECK(see().replicas == 2);
  workload->remove(pool, before[0]);  // gone already
  CHECK(see().replicas == 2);
}
