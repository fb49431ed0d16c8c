// A replica is promoted that had not heard of the last claims: the same worker gets the same job
// again, and the two claims must not be taken for one another.
#include <doctest/doctest.h>
#include <set>

#include "queue/queue.h"
#include "tests/support/redis_server.h"
#include "tests/support/wait.h"

using namespace wp;
using namespace wp::queue;
using wp::test::RedisServer;

namespace {

const std::string kWorker = "pod-a/00000001";

std::string info(redis::Connection& connection) {
  return connection.execute({"INFO", "replication"}).text();
}

}  // namespace

TEST_CASE("claims that replication lost: their fences never come again") {
  RedisServer master({"repl-diskless-sync-delay 0"});
  RedisServer replica(
      {"repl-diskless-sync-delay 0", "replicaof 127.0.0.1 " + std::to_string(master.port())});
  redis::Connection connection(master.endpoint());
  redis::Connection to_replica(replica.endpoint());
  connection.connect();
  to_replica.connect();
  REQUIRE(test::eventually(
      [&] { return info(to_replica).find("master_link_status:up") != std::string::npos; },
      Millis{60000}));
  Queue queue(connection, "q");
  (void)queue.write_config({{"lease_ms", "15000"}}, "hash", "uid", 1);
  std::vector<NewJob> jobs(20);
  for (std::size_t i = 0; i < jobs.size(); ++i) jobs[i].id = "job-" + std::to_string(i);
  (void)queue.enqueue(jobs);
  REQUIRE(queue.step(kWorker, {}, 2).claimed.size() == 2);
  REQUIRE(connection.execute({"WAIT", "1", "10000"}).integer() == 1);

  replica.pause();
  (void)connection.execute({"CLIENT", "KILL", "TYPE", "replica"});
  const auto lost = queue.step(kWorker, {}, 10).claimed;
  REQUIRE(lost.size() == 10);
  master.kill9();
  replica.resume();
  (void)to_replica.execute({"REPLICAOF", "NO", "ONE"});

  Queue promoted(to_replica, "q");
  CHECK(promoted.counts().active == 2);
  std::vector<Claim> held;
  for (const ClaimedJob& job : lost) held.push_back({job.id, job.epoch});
  CHECK(promoted.beat(kWorker, held, {}, "", false).lost.size() == 10);
  const auto again = promoted.step(kWorker, {}, 10).claimed;
  REQUIRE(again.size() == 10);
  std::set<std::int64_t> fences;
  for (const ClaimedJob& job : lost) fences.insert(job.epoch);
  for (std::size_t i = 0; i < again.size(); ++i) {
    CHECK(again[i].id == lost[i].id);
    CHECK(fences.insert(again[i].epoch).second);
    CHECK(again[i].epoch > lost[i].epoch);
    // The end of the first execution is not the end of the second.
    Settlement late;
    late.id = lost[i].id;
    late.epoch = lost[i].epoch;
    CHECK(promoted.step(kWorker, {late}, 0).settled.at(0) == Settled::stale);
  }
  CHECK(promoted.check().empty());
}
