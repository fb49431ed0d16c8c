// The sender's books while Redis goes away, comes back, or is full; sleeping is what the test says.
#include "ctl/sender.h"

#include <doctest/doctest.h>

#include "tests/ctl/cutting_proxy.h"
#include "tests/ctl/fixture.h"

using namespace wp;
using namespace wp::test;
using ctl::Sender;

namespace {

std::vector<queue::NewJob> some_jobs(int n, const std::string& prefix = {}) {
  std::vector<queue::NewJob> jobs(static_cast<std::size_t>(n));
  for (std::size_t i = 0; !prefix.empty() && i < jobs.size(); ++i) {
    jobs[i].id = prefix + std::to_string(i);
  }
  return jobs;
}

// A sender whose sleeps are counted, and may do something.
struct Bench {
  explicit Bench(const std::string& url, Sender::Settings settings = {})
      : connection(redis::parse_endpoint(url)),
        queue(connection, "q"),
        sender(
            queue, connection, settings,
            [this](Millis pause) {
              slept.push_back(pause);
              if (on_sleep) on_sleep();
            },
            [this](const std::string& line) { said.push_back(line); }) {}

  std::vector<Millis> slept;
  std::vector<std::string> said;
  std::function<void()> on_sleep;
  redis::Connection connection;
  queue::Queue queue;
  Sender sender;
};

}  // namespace

TEST_CASE("answers that never arrive: bounded tries, the waits grow, the outcome is unknown") {
  CtlFixture f;
  // 1: the script, 2: the call.
  const CuttingProxy proxy(shared_redis().socket(), Cut::after, 2, true);
  Bench bench(proxy.url(), {.tries = 4});
  auto jobs = some_jobs(3);
  CHECK_THROWS_AS((void)bench.sender.send(jobs), redis::Error);
  CHECK(bench.sender.unknown_outcome());
  CHECK(bench.sender.acknowledged() == 0);
  CHECK(bench.sender.sent().total() == 0);
  CHECK(bench.slept.size() == 3);
  CHECK(bench.slept[2] > bench.slept[0]);
  CHECK(bench.said.size() == 3);
  CHECK(holds(bench.said[0], "try 2 of 4"));
  // Four calls with the same ids have taken three jobs.
  CHECK(f.waiting() == 3);
}

TEST_CASE("requests that never arrive: nothing is known to be taken, nothing is") {
  CtlFixture f;
  const CuttingProxy proxy(shared_redis().socket(), Cut::before, 1, true);
  Bench bench(proxy.url(), {.tries = 2});
  auto jobs = some_jobs(3);
  CHECK_THROWS_AS((void)bench.sender.send(jobs), redis::Error);
  CHECK(f.waiting() == 0);
}

TEST_CASE("nobody listens at first: connecting is tried again, and is no doubt") {
  CtlFixture f;
  RedisServer other;
  other.stop();
  Bench bench(other.url(), {.force = true, .tries = 3});
  bench.on_sleep = [&] {
    if (bench.slept.size() == 2) other.start();
  };
  auto jobs = some_jobs(2, "j");
  CHECK(bench.sender.send(jobs).size() == 2);
  CHECK(bench.sender.sent().accepted == 2);
  CHECK(bench.sender.sent().unsure == 0);
}

TEST_CASE("full without wait: what fits is taken, call by smaller call, and counted") {
  CtlFixture f(Fields{{"max_depth", "5"}});
  Bench bench(f.url());
  auto jobs = some_jobs(12, "j");
  CHECK_THROWS_AS((void)bench.sender.send(jobs), queue::EnqueueRefused);
  CHECK(bench.sender.acknowledged() == 5);
  CHECK(bench.sender.sent().accepted == 5);
  CHECK(bench.slept.empty());
  CHECK(f.waiting() == 5);
  CHECK(f.queue.job("j4").state == queue::JobState::ready);
  CHECK(f.queue.job("j5").state == queue::JobState::unknown);
}

TEST_CASE("full with wait: says so once, waits as long as the hint, ends with all") {
  CtlFixture f(Fields{{"max_depth", "4"}});
  Bench bench(f.url(), {.wait = true});
  bench.on_sleep = [&] {
    std::vector<queue::Settlement> settlements;
    for (const auto& job : f.claim("w/1", 4)) settlements.push_back(f.settle(job));
    (void)f.queue.step("w/1", settlements, 0);
  };
  auto jobs = some_jobs(10);
  CHECK(bench.sender.send(jobs).size() == 10);
  CHECK(bench.slept.size() == 2);
  CHECK(bench.said.size() == 1);
  for (const Millis pause : bench.slept) {
    CHECK(pause >= Millis{1000});
    CHECK(pause <= Millis{30'250});
  }
  f.check();
}

TEST_CASE("wait and a lost answer together: our own ids are no duplicates") {
  CtlFixture f(Fields{{"max_depth", "2"}});
  // The script, the call for 4, for 2 (taken), for 2, for 1; the wait; then the call for 2: cut.
  const CuttingProxy proxy(shared_redis().socket(), Cut::after, 6);
  Bench bench(proxy.url(), {.wait = true});
  bool emptied = false;
  bench.on_sleep = [&] {
    if (std::exchange(emptied, true)) return;
    f.set("max_depth", "0");
  };
  auto jobs = some_jobs(4);
  CHECK(bench.sender.send(jobs).size() == 4);
  CHECK(bench.sender.sent().accepted == 4);
  CHECK(bench.sender.sent().duplicates == 0);
  CHECK(proxy.connections() == 2);
  CHECK(f.waiting() == 4);
}

TEST_CASE("another error of Redis is not repeated") {
  CtlFixture f;
  (void)f.raw.execute({"DEL", queue::key_name("q", "ready")});
  (void)f.raw.execute({"SET", queue::key_name("q", "ready"), "text"});
  Bench bench(f.url());
  auto jobs = some_jobs(1);
  CHECK_THROWS_AS((void)bench.sender.send(jobs), redis::Error);
  CHECK(bench.slept.empty());
}
