// A pool's life as its user sees it: 0 → n → 0, every job once, and a worker that is killed.
#include <csignal>
#include <doctest/doctest.h>
#include <filesystem>
#include <set>

#include "tests/product/cluster.h"
#include "tests/product/gated_jobs.h"
#include "tests/support/temp_folder.h"

using namespace wp;
using wp::test::eventually;
using wp::test::Product;

TEST_CASE("50 jobs: the status moves, every job completes once, and the pool returns to zero") {
  if (!test::have_cluster()) exit(77);
  Product product;
  // Numbers of the status are written every 5 s: the jobs take twice that together.
  product.apply_pool("quick", {"sh", "-c", "sleep 1; sha256sum"});
  REQUIRE(eventually([&] { return product.condition("quick", "QueueReachable") == "True/Reached"; },
                     Millis{60000}));
  CHECK(product.status("quick", "/desiredReplicas") == 0);
  product.put("quick", 50, "hello");

  std::set<std::string> seen;
  REQUIRE(eventually(
      [&] {
        const auto status = product.pool("quick").value("status", nlohmann::json::object());
        const auto positive = [&](const char* pointer, const char* name) {
          const nlohmann::json::json_pointer path(pointer);
          if (status.contains(path) && status.at(path).get<int>() > 0) seen.insert(name);
        };
        positive("/queue/waiting", "WAITING");
        positive("/queue/active", "ACTIVE");
        positive("/desiredReplicas", "DESIRED");
        positive("/readyReplicas", "READY");
        return status.contains("/jobs/completed"_json_pointer) &&
               status.at("jobs").at("completed").get<int>() == 50 &&
               status.value("desiredReplicas", -1) == 0 && status.value("replicas", -1) == 0;
      },
      Millis{120000}));
  CHECK(seen == std::set<std::string>{"WAITING", "ACTIVE", "DESIRED", "READY"});
  const queue::Counts counts = product.counts("quick");
  CHECK(counts.stat.at("completed") == 50);
  CHECK(counts.stat.at("started") == 50);
  CHECK(counts.dead == 0);
  CHECK(product.check("quick").empty());

  redis::Connection connection(product.redis().endpoint());
  connection.connect();
  queue::Queue queue(connection, product.queue_name("quick"));
  // sha256 of "hello", computed elsewhere.
  const std::string digest = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
  for (int i = 0; i < 50; ++i) {
    const queue::JobView job = queue.job("job-" + std::to_string(i));
    CHECK(job.state == queue::JobState::done);
    CHECK(job.failures == 0);
    CHECK(job.result.find(digest) != std::string::npos);
  }
}

TEST_CASE("a worker killed with SIGKILL: its job runs again and completes once") {
  if (!test::have_cluster()) exit(77);
  Product product;
  const test::OwnFolder folder;
  const std::string once = folder.path() + "/once";
  // The first time it does not end by itself; and no lease lapses in this test.
  product.apply_pool("kill",
                     {"sh", "-c", "[ -e $0 ] || { : >$0; exec sleep 600; }; echo done", once},
                     nlohmann::json::object(), 1, {{"jobs", {{"lease", "5m"}}}});
  REQUIRE(eventually([&] { return product.condition("kill", "QueueReachable") == "True/Reached"; },
                     Millis{60000}));
  product.put("kill", 1, "x");
  REQUIRE(eventually([&] { return std::filesystem::exists(once); }));
  REQUIRE(eventually([&] {
    const auto workers = product.counts("kill").workers;
    return !workers.empty() && !workers[0].info.empty();
  }));
  const auto info = nlohmann::json::parse(product.counts("kill").workers.at(0).info);
  REQUIRE(kill(info.at("pid").get<pid_t>(), SIGKILL) == 0);
  // The container restarts in its pod; its next incarnation takes the job back at once.
  REQUIRE(eventually([&] { return product.counts("kill").stat["started"] == 2; }, Millis{60000}));
  REQUIRE(eventually([&] { return product.counts("kill").stat["completed"] == 1; }, Millis{60000}));
  CHECK(product.counts("kill").stat["crashed"] == 1);
  CHECK(product.check("kill").empty());
  CHECK(eventually([&] { return product.pods("kill").empty(); }, Millis{60000}));
}

TEST_CASE("deleting a pool removes its Deployment; its job ends in peace") {
  if (!test::have_cluster()) exit(77);
  Product product;
  test::GatedJobs jobs;
  product.apply_pool("gone", jobs.command());
  REQUIRE(eventually([&] { return product.condition("gone", "QueueReachable") == "True/Reached"; },
                     Millis{60000}));
  product.put("gone", {{"job", jobs.gated("job")}});
  REQUIRE(eventually([&] { return jobs.runs_of("job") == 1; }, Millis{60000}));
  (void)product.api().remove(product.pool_path("gone"));
  // The worker has been told to stop, and its job runs on.
  REQUIRE(eventually(
      [&] {
        const auto workers = product.counts("gone").workers;
        return workers.size() == 1 && !workers[0].info.empty() &&
               nlohmann::json::parse(workers[0].info).value("draining", false);
      },
      Millis{60000}));
  CHECK(product.counts("gone").active == 1);
  jobs.let_go("job");
  REQUIRE(eventually([&] { return product.pods("gone").empty(); }, Millis{60000}));
  const queue::Counts counts = product.counts("gone");
  CHECK(counts.stat.at("completed") == 1);
  CHECK(counts.stat.at("started") == 1);
  CHECK_THROWS((void)product.deployment("gone"));

  // Made again under its name, it finds its queue.
  product.apply_pool("gone", {"true"});
  CHECK(eventually([&] { return product.condition("gone", "Ready").starts_with("True/"); },
                   Millis{60000}));
  CHECK(product.condition("gone", "QueueConflict") == "False/AsDeclared");
}
