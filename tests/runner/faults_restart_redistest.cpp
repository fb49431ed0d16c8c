// Redis dies, forgets, and cuts off its clients while jobs run: the books.
#include <doctest/doctest.h>
#include <signal.h>

#include "tests/runner/books.h"

using namespace wp;
using namespace wp::test;
using queue::JobState;

namespace {

constexpr std::int64_t kLease = 8000;  // longer than any of these outages: no handler is ended

}  // namespace

TEST_CASE("Redis is killed under load, again and again: nothing acknowledged is lost") {
  RedisServer redis(RedisServer::persistent());
  QueueClient queue(redis);
  queue.configure(kLease);
  Folder folder;
  RunnerProcess first(ledger_runner(redis.url(), folder, 4));
  RunnerProcess second(ledger_runner(redis.url(), folder, 4));
  const int kills = soak() ? 30 : 3;
  Producer producer(redis.url(), {.jobs = 100 * kills});
  for (int i = 0; i < kills; ++i) {
    const std::size_t started = 20 + static_cast<std::size_t>(i) * 100;
    REQUIRE(eventually([&] { return Ledger(folder).starts.size() > started; }, Millis{60000}));
    redis.kill9();
    redis.start();
    queue.reconnect();
  }
  const auto ids = producer.finish();
  wait_idle(queue);
  // Results waited, and a claim whose reply was lost was given back: nothing ran twice.
  check_books(queue, folder, ids, 0);
  CHECK(queue->counts().stat["lost"] == 0);  // nor waited for a lease to lapse
  CHECK(first.logged("registered again"));
}

TEST_CASE("scripts flushed and connections cut in the middle of the load: every job runs once") {
  RedisServer redis;
  QueueClient queue(redis);
  queue.configure(kLease);
  Folder folder;
  RunnerProcess first(ledger_runner(redis.url(), folder, 4));
  RunnerProcess second(ledger_runner(redis.url(), folder, 4));
  const int rounds = soak() ? 500 : 25;
  Producer producer(redis.url(), {.jobs = 10 * rounds});
  for (int i = 0; i < rounds; ++i) {
    const std::size_t started = static_cast<std::size_t>(i) * 10;
    REQUIRE(eventually([&] { return Ledger(folder).starts.size() > started; }, Millis{60000}));
    (void)queue.connection().execute({"SCRIPT", "FLUSH"});
    if (i % 2 == 0) continue;
    (void)queue.connection().execute({"CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"});
  }
  const auto ids = producer.finish();
  wait_idle(queue);
  check_books(queue, folder, ids, 0);
  CHECK(queue->counts().stat["lost"] == 0);
}

TEST_CASE("Redis comes back empty: old claims are stale, and the next jobs run as on day one") {
  RedisServer redis;
  QueueClient queue(redis);
  queue.configure(kLease);
  Folder folder;
  RunnerProcess first(ledger_runner(redis.url(), folder, 2));
  RunnerProcess second(ledger_runner(redis.url(), folder, 2));
  std::vector<queue::NewJob> jobs(6);  // four run, two wait
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    jobs[i].id = "old-" + std::to_string(i);
    jobs[i].payload = i == 0 ? "go-first" : "go";
  }
  (void)queue->enqueue(jobs);
  REQUIRE(eventually([&] { return Ledger(folder).starts.size() == 4; }));
  const Ledger before(folder);
  redis.kill9();
  redis.wipe();
  let_go(folder, "go-first");  // its result waits for a queue that will not know it
  wait_end(folder, "old-0");
  redis.start();
  queue.reconnect();
  REQUIRE(first.logged("\"msg\":\"registered again\""));
  REQUIRE(second.logged("\"msg\":\"registered again\""));
  CHECK(queue->read_config().owner == "standalone");
  for (const Ledger::Execution& entry : before.starts) {
    if (entry.id == "old-0") continue;
    CHECK(eventually([&] { return gone(entry.pid); }));  // nobody would take its result
  }
  let_go(folder, "go");

  jobs.assign(20, {});
  for (std::size_t i = 0; i < jobs.size(); ++i) jobs[i].id = "new-" + std::to_string(i);
  (void)queue->enqueue(jobs);  // not forced: producers are served
  wait_idle(queue);
  CHECK(queue->job("old-0").state == JobState::unknown);
  const Ledger ledger(folder);
  CHECK(ledger.ends.size() == 21);
  CHECK(ledger.starts.size() == 24);
  std::int64_t greatest = 0;
  for (const auto& entry : before.starts) greatest = std::max(greatest, entry.epoch);
  for (const auto& entry : ledger.starts) {
    if (entry.id.starts_with("new-")) CHECK(entry.epoch > greatest);
  }
  CHECK(queue->counts().stat.at("completed") == 20);
  CHECK(queue->check().empty());
  for (RunnerProcess* runner : {&first, &second}) {
    runner->signal(SIGTERM);
    CHECK(runner->wait() == 0);
  }
}
