// A Redis that is full, forbids its channels, tells another time, or is another server by now: real
// runners, and the books.
#include <doctest/doctest.h>
#include <functional>
#include <optional>
#include <signal.h>

#include "tests/runner/books.h"
#include "tests/support/sentinel_server.h"

using namespace wp;
using namespace wp::test;
using queue::JobState;

namespace {

constexpr Millis kHour{3600000};

queue::NewJob job(const std::string& id, const std::string& payload, Millis delay = Millis{0}) {
  queue::NewJob made;
  made.id = id;
  made.payload = payload;
  made.delay = delay;
  return made;
}

void enqueue(QueueClient& queue, std::vector<queue::NewJob> jobs) {
  (void)queue->enqueue(jobs);
}

bool refused_for_memory(QueueClient& queue) {
  try {
    enqueue(queue, {job("refused", "")});
    return false;
  } catch (const queue::EnqueueRefused& e) {
    return e.reason() == queue::EnqueueRefused::Reason::out_of_memory;
  }
}

void let_pass(Millis time) {
  const Millis since = system_clock().steady();
  REQUIRE(eventually([&] { return system_clock().steady() - since >= time; }, time + Millis{9999}));
}

void surely(const std::function<bool()>& act) {
  REQUIRE(eventually(
      [&] {
        try {
          return act();
        } catch (const redis::Error&) {
          return false;
        }
      },
      Millis{60000}));
}

// The master goes by `end`, and comes back by `again` as what it was.
void fail_over(const std::function<void(RedisServer&)>& end,
               const std::function<void(RedisServer&)>& again) {
  RedisServer master({"repl-diskless-sync-delay 0"});
  RedisServer replica(
      {"repl-diskless-sync-delay 0", "replicaof 127.0.0.1 " + std::to_string(master.port())});
  const SentinelServer sentinel(master.port());
  redis::Connection watch(redis::parse_endpoint("redis://" + sentinel.node()));
  watch.connect();
  REQUIRE(eventually(
      [&] {
        const auto known = watch.execute({"SENTINEL", "master", "main"});
        for (std::size_t i = 0; i + 1 < known.array().size(); i += 2) {
          if (known.at(i).text() == "num-slaves") return known.at(i + 1).text() == "1";
        }
        return false;
      },
      Millis{60000}));
  const std::string url = "redis+sentinel://" + sentinel.node() + "/main";
  {
    QueueClient queue(master);
    queue.configure(20000);
  }
  Folder folder;
  RunnerProcess first(ledger_runner(url, folder, 4));
  RunnerProcess second(ledger_runner(url, folder, 4));
  Producer producer(url, {.jobs = 200, .replicas = 1});
  REQUIRE(eventually([&] { return Ledger(folder).starts.size() > 40; }, Millis{60000}));
  end(master);
  // The sentinel cuts off everyone whose server changes its part: hence again and again.
  surely([&] {
    redis::Connection connection(replica.endpoint());
    connection.connect();
    return connection.execute({"ROLE"}).at(0).text() == "master";
  });
  // One failover is what we want: no hiccup of this machine shall look like another.
  (void)watch.execute({"SENTINEL", "SET", "main", "down-after-milliseconds", "60000"});
  again(master);  // it is told better, and has what is promised from now on
  surely([&] {
    redis::Connection connection(master.endpoint());
    connection.connect();
    (void)connection.execute({"REPLICAOF", "127.0.0.1", std::to_string(replica.port())});
    return true;
  });
  const auto ids = producer.finish();
  QueueClient queue(replica);
  wait_idle(queue);
  // What ended and what began in the master's last moments, unknown to the replica, runs again.
  check_books(queue, folder, ids, 2 * 8);
  CHECK(first.logged("registered again"));
  CHECK(second.logged("registered again"));
}

}  // namespace

TEST_CASE("Redis is full: what runs keeps its lease and ends well; only ENQUEUE is refused") {
  RedisServer redis({"maxmemory-policy noeviction"});
  QueueClient queue(redis);
  constexpr std::int64_t kLease = 4000;
  queue.configure(kLease, {{"backoff_initial_ms", "50"}});
  Folder folder;
  RunnerProcess runner(ledger_runner(redis.url(), folder, 3));
  queue::NewJob chained = job("chained", "");
  chained.chain = {{"second", "default", "0.01", 100}, {"third", "default", "0.01", 100}};
  // The three that run first hold what comes behind them until Redis is full.
  enqueue(queue, {job("runs", "go-late"), job("first", "go"), job("other", "go")});
  for (const char* id : {"runs", "first", "other"}) wait_start(folder, id);
  enqueue(queue,
          {chained, job("retried", "fail-once"), job("waits", ""), job("later", "", Millis{300})});
  (void)queue.connection().execute({"CONFIG", "SET", "maxmemory", "1"});
  REQUIRE(refused_for_memory(queue));
  let_go(folder, "go");
  for (const char* id :
       {"first", "other", "chained", "second", "third", "retried", "waits", "later"}) {
    queue.wait_state(id, JobState::done);
  }
  // A worker that starts now serves as well, and one that stops gives back.
  std::optional<RunnerProcess> leaves;
  leaves.emplace(ledger_runner(redis.url(), folder, 1));
  CHECK(leaves->logged("\"msg\":\"registered\""));
  leaves->signal(SIGTERM);
  CHECK(leaves->wait() == 0);
  leaves.reset();
  const Millis until = queue->counts().now + Millis{kLease};
  REQUIRE(eventually([&] { return queue->counts().now > until; }, Millis{60000}));
  CHECK(queue->job("runs").lease_until > queue->counts().now);
  CHECK(queue->job("runs").losses == 0);
  let_go(folder, "go-late");
  queue.wait_state("runs", JobState::done);
  CHECK(refused_for_memory(queue));

  (void)queue.connection().execute({"CONFIG", "SET", "maxmemory", "0"});
  enqueue(queue, {job("again", "")});
  wait_idle(queue);
  check_books(queue, folder,
              {"runs", "first", "other", "chained", "second", "third", "retried", "waits", "later",
               "again"},
              1);  // the retry
  CHECK(queue->counts().workers.size() == 1);
}

TEST_CASE("a user without channel rights: nothing is lost, and workers wake by the list") {
  RedisServer redis;
  QueueClient admin(redis);
  admin.configure(60000);  // no beat helps
  (void)admin.connection().execute(
      {"ACL", "SETUSER", "app", "on", ">secret", "~wp:*", "resetchannels", "+@all"});
  redis::Endpoint endpoint = redis.endpoint();
  endpoint.username = "app";
  endpoint.password = "secret";
  redis::Connection connection(endpoint);
  connection.connect();
  CHECK_THROWS_AS((void)connection.execute({"PUBLISH", "wp:{q}:events", "work"}), redis::Error);
  queue::Queue queue(connection, "q");
  Folder folder;
  RunnerProcess runner(
      ledger_runner("redis://app:secret@127.0.0.1:" + std::to_string(redis.port()), folder, 2));
  REQUIRE(runner.logged("\"msg\":\"registered\""));
  std::vector<std::string> ids;
  for (int i = 0; i < 20; ++i) {
    ids.push_back("job-" + std::to_string(i));
    // Every kind of call that publishes: an enqueue, a due time that comes first, a retry.
    std::vector<queue::NewJob> jobs{
        job(ids.back(), i == 0 ? "fail-once" : "", Millis{i % 4 == 0 ? 20 : 0})};
    CHECK(queue.enqueue(jobs).at(0).id == ids.back());
    admin.wait_state(ids.back(), JobState::done, Millis{10000});
  }
  check_books(admin, folder, ids, 1);
}

TEST_CASE("the clock of Redis is stepped under runners: nothing that runs is reaped") {
  RedisServer redis({}, RedisServer::Clock::steppable);
  QueueClient queue(redis);
  // A worker that was stopped for long on its own clock does not end what it runs: Redis' part is
  // what is looked at here.
  constexpr Millis kLease{4000};
  queue.configure(kLease.count(),
                  {{"rate_jobs", "10"}, {"rate_per_ms", "200"}, {"on_partition", "continue"}});
  Folder folder;
  RunnerProcess holder(ledger_runner(redis.url(), folder, 1));
  enqueue(queue, {job("runs", "go")});
  wait_start(folder, "runs");
  RunnerProcess other(ledger_runner(redis.url(), folder, 2));
  enqueue(queue, {job("soon", "", kHour / 2), job("today", "", 4 * kHour)});
  std::vector<std::string> ids{"runs", "soon", "today"};
  const auto check_in = [&](const std::string& when) {
    // One worker keeps on asking for jobs, more than the rate allows at once. It is the first to
    // see the new time: its neighbour's leases are an hour old, or an hour ahead.
    holder.signal(SIGSTOP);
    for (int i = 0; i < 25; ++i) {
      ids.push_back(when + "-" + std::to_string(i));
      enqueue(queue, {job(ids.back(), "")});
    }
    queue.wait_state(ids.back(), JobState::done);
    holder.signal(SIGCONT);
    let_pass(kLease + Millis{500});  // beyond the pause in which nothing is reaped
    queue::JobView view;
    CHECK(eventually([&] {
      const Millis now = queue->counts().now;
      view = queue->job("runs");
      return view.lease_until >= now && view.lease_until <= queue->counts().now + kLease;
    }));
    CHECK(view.state == JobState::active);
    CHECK(view.losses == 0);
  };
  redis.step_clock(kHour);
  check_in("forward");
  queue.wait_state("soon", JobState::done);
  CHECK(queue->job("today").state == JobState::delayed);
  redis.step_clock(-2 * kHour);
  check_in("back");
  CHECK(queue->job("today").state == JobState::delayed);
  redis.step_clock(kHour);
  (void)queue->promote({"today"});
  let_go(folder, "go");
  wait_idle(queue);
  check_books(queue, folder, ids, 0);
  CHECK(queue->counts().stat["lost"] == 0);
}

TEST_CASE("the master dies under load, its replica is promoted: no job is lost, no fence repeats") {
  fail_over([](RedisServer& master) { master.kill9(); },
            [](RedisServer& master) { master.start(); });
}

TEST_CASE("the master stands still, its replica is promoted: what it hears late is of no account") {
  fail_over([](RedisServer& master) { master.pause(); },
            [](RedisServer& master) { master.resume(); });
}
