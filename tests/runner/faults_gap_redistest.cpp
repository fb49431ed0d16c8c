// Redis or a runner is silent for longer than a lease, or answers slowly, or not at all: who keeps
// which job, and what is told afterwards.
#include <doctest/doctest.h>
#include <fstream>
#include <functional>
#include <signal.h>
#include <sstream>

#include "tests/runner/books.h"

using namespace wp;
using namespace wp::test;
using queue::JobState;

namespace {

// A hiccup of the machine is shorter than what a worker has left between two beats.
const Millis kLease{soak() ? 15000 : 3000};
const Millis kAway{soak() ? 120000 : 6600};  // more than two leases

void enqueue(QueueClient& queue, const std::string& id, const std::string& payload) {
  std::vector<queue::NewJob> jobs(1);
  jobs[0].id = id;
  jobs[0].payload = payload;
  (void)queue->enqueue(jobs);
}

void let_pass(Millis time) {
  const Millis since = system_clock().steady();
  REQUIRE(eventually([&] { return system_clock().steady() - since >= time; }, time + Millis{9999}));
}

/// Bytes that a server's TCP connections have received and it has not read.
std::size_t unread(int port) {
  std::ifstream table("/proc/net/tcp");
  std::string line;
  std::getline(table, line);
  std::size_t bytes = 0;
  while (std::getline(table, line)) {
    std::istringstream words(line);
    std::string slot, local, remote, state, queues;
    words >> slot >> local >> remote >> state >> queues;
    if (std::stoi(local.substr(local.find(':') + 1), nullptr, 16) != port) continue;
    bytes += std::stoul(queues.substr(queues.find(':') + 1), nullptr, 16);
  }
  return bytes;
}

// Two queues, one for each onPartition. On each a job that goes on and one that ends meanwhile.
void ride_out(const std::function<void(RedisServer&)>& begin,
              const std::function<void(RedisServer&)>& end) {
  RedisServer redis(RedisServer::persistent());
  QueueClient rides(redis, "rides");
  QueueClient stops(redis, "stops");
  rides.configure(kLease.count(), {{"on_partition", "continue"}});
  stops.configure(kLease.count(), {{"on_partition", "kill"}});
  Folder folder, other;
  RunnerProcess holder(ledger_runner(redis.url(), folder, 2, "rides"));
  enqueue(rides, "goes-on", "go-late");
  enqueue(rides, "ends", "go-early");
  const pid_t goes_on = wait_start(folder, "goes-on");
  wait_start(folder, "ends");
  RunnerProcess reaper(ledger_runner(redis.url(), folder, 2, "rides"));
  REQUIRE(reaper.logged("\"msg\":\"registered\""));
  RunnerProcess killer(ledger_runner(redis.url(), other, 2, "stops"));
  enqueue(stops, "killed", "go-late");
  enqueue(stops, "ends", "go-early");
  const pid_t killed = wait_start(other, "killed");
  wait_start(other, "ends");

  begin(redis);
  let_go(folder, "go-early");
  let_go(other, "go-early");
  wait_end(folder, "ends");
  wait_end(other, "ends");
  let_pass(kAway);
  CHECK_FALSE(gone(goes_on));
  CHECK(eventually([&] { return gone(killed); }));
  // The other worker is back first, and works: it must not take what its neighbour still runs.
  holder.signal(SIGSTOP);
  end(redis);
  rides.reconnect();
  stops.reconnect();
  enqueue(rides, "probe", "");
  rides.wait_state("probe", JobState::done);
  CHECK(rides->job("goes-on").state == JobState::active);
  holder.signal(SIGCONT);
  rides.wait_state("ends", JobState::done);
  wait_start(other, "killed", 2);
  // Beats renew it from now on, for longer than the pause in which nothing is reaped.
  const Millis until = rides->counts().now + kLease * 3 / 2;
  REQUIRE(eventually([&] { return rides->counts().now > until; }));
  CHECK_FALSE(gone(goes_on));
  let_go(folder, "go-late");
  let_go(other, "go-late");
  wait_idle(rides);
  wait_idle(stops);
  check_books(rides, folder, {"goes-on", "ends", "probe"}, 0);
  check_books(stops, other, {"killed", "ends"}, 1);  // it was killed, as its pool asks
  CHECK(rides->counts().stat["lost"] == 0);
  CHECK(stops->counts().stat["lost"] == 0);
  CHECK(Ledger(other).executions("ends") == 1);
}

}  // namespace

TEST_CASE("Redis is away for more than two leases: what still runs is not reaped") {
  ride_out([](RedisServer& redis) { redis.kill9(); }, [](RedisServer& redis) { redis.start(); });
}

TEST_CASE("Redis stands still for more than two leases, connected: what still runs is not reaped") {
  ride_out([](RedisServer& redis) { redis.pause(); }, [](RedisServer& redis) { redis.resume(); });
}

TEST_CASE("a zombie: its jobs ran elsewhere, and nothing that it says counts") {
  RedisServer redis;
  QueueClient queue(redis);
  // Its own switch does not help it: the fence alone has to.
  queue.configure(kLease.count(), {{"on_partition", "continue"}});
  Folder folder;
  RunnerProcess zombie(ledger_runner(redis.url(), folder, 2));
  enqueue(queue, "ended", "go-early");
  enqueue(queue, "running", "go-late");
  wait_start(folder, "ended");
  const pid_t first = wait_start(folder, "running");
  RunnerProcess other(ledger_runner(redis.url(), folder, 2));
  REQUIRE(other.logged("\"msg\":\"registered\""));
  zombie.signal(SIGSTOP);
  let_go(folder, "go-early");  // handlers go on while their runner is suspended
  wait_start(folder, "ended", 2);
  wait_start(folder, "running", 2);
  queue.wait_state("ended", JobState::done);
  CHECK_FALSE(gone(first));
  const auto fence = queue->job("running").epoch;
  zombie.signal(SIGCONT);
  CHECK(eventually([&] { return gone(first); }));
  CHECK(queue->job("running").epoch == fence);
  let_go(folder, "go-late");
  wait_idle(queue);
  check_books(queue, folder, {"ended", "running"}, 2);
  const Ledger ledger(folder);
  CHECK(ledger.ends.count("ended") == 2);
  CHECK(ledger.ends.count("running") == 1);
  CHECK(queue->counts().stat["lost"] == 2);
  CHECK(other.log().find("were taken from this worker") == std::string::npos);
  enqueue(queue, "afterwards", "");
  queue.wait_state("afterwards", JobState::done);
}

TEST_CASE("a slow Redis, within the time-outs: no reconnect, no job twice") {
  RedisServer redis({"enable-debug-command local"});
  QueueClient queue(redis);
  queue.configure(8000);  // two seconds for a reply
  Folder folder;
  RunnerProcess runner(ledger_runner(redis.url(), folder, 8));
  REQUIRE(runner.logged("\"msg\":\"registered\""));
  Producer producer(redis.url(), {.jobs = 100});
  for (int i = 0; i < (soak() ? 40 : 4); ++i) {
    if (i % 2 == 0) {
      (void)queue.connection().execute({"DEBUG", "SLEEP", "0.4"});
    } else {
      (void)queue.connection().execute({"CLIENT", "PAUSE", "400", "ALL"});
    }
  }
  const auto ids = producer.finish();
  wait_idle(queue);
  check_books(queue, folder, ids, 0);
  CHECK(runner.log().find("no exchange with redis") == std::string::npos);
}

TEST_CASE("a claim whose reply is lost goes back at once, uncounted, and runs") {
  RedisServer redis;
  QueueClient queue(redis);
  queue.configure(60000);  // no lease helps
  Folder folder;
  RunnerProcess runner(ledger_runner(redis.tcp_url(), folder, 1));
  redis::Connection killer(redis.endpoint());
  std::vector<std::string> ids{"job-0"};
  enqueue(queue, "job-0", "go-0");
  // Redis stands still; the runner tells that a job ended and asks for the next one; then comes the
  // order to cut it off. Going on, Redis reads both before it answers either. Which one first is
  // the kernel's choice: until it was the claim.
  for (int round = 1; round < 100; ++round) {
    wait_start(folder, ids.back());
    ids.push_back("job-" + std::to_string(round));
    enqueue(queue, ids.back(), "go-" + std::to_string(round));
    killer.connect();
    REQUIRE(eventually([&] { return unread(redis.port()) == 0; }));
    redis.pause();
    let_go(folder, "go-" + std::to_string(round - 1));
    REQUIRE(eventually([&] { return unread(redis.port()) > 0; }));
    killer.send({"CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"});
    redis.resume();
    REQUIRE(eventually([&] { return Ledger(folder).executions(ids.back()) > 0; }));
    queue.reconnect();
    if (queue->counts().stat.at("started") > round + 1) break;
  }
  CHECK(queue->counts().stat.at("started") == static_cast<int>(ids.size()) + 1);
  CHECK(queue->job(ids.back()).losses == 0);
  CHECK(queue->counts().stat["lost"] == 0);
  let_go(folder, "go-" + std::to_string(ids.size() - 1));
  wait_idle(queue);
  check_books(queue, folder, ids, 0);
}
