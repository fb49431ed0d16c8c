// Workers, producers and a network that cuts, half closes and stalls at random points: the books
// balance. The ledger of executions is the test's own.
#include <algorithm>
#include <atomic>
#include <doctest/doctest.h>
#include <map>
#include <mutex>
#include <random>
#include <set>
#include <thread>

#include "queue/queue.h"
#include "tests/queue/fixture.h"
#include "tests/support/proxy.h"
#include "tests/support/wait.h"

using namespace wp;
using namespace wp::queue;
using wp::test::eventually;
using wp::test::Fields;
using wp::test::Proxy;
using wp::test::QueueFixture;

namespace {

constexpr int kProducers = 2;
constexpr int kWorkers = 3;
constexpr int kJobsEach = 2500;  // of a producer
constexpr redis::Timeouts kImpatient{.connect = Millis{2000}, .reply = Millis{150}};

class Ledger {
 public:
  void acknowledge(const std::string& id) {
    const std::lock_guard lock(mutex_);
    enqueued_.insert(id);
  }
  void execute(const std::string& id) {
    const std::lock_guard lock(mutex_);
    ++executions_[id];
    if (accepted_.count(id) != 0) ++after_the_end_;
  }
  void settle(const std::string& id, Settled settled) {
    const std::lock_guard lock(mutex_);
    // Stale after a repeat: the first may have been accepted.
    if (settled == Settled::done) ++accepted_[id];
    ended_.insert(id);
  }
  std::size_t ended() {
    const std::lock_guard lock(mutex_);
    return ended_.size();
  }

  std::mutex mutex_;
  std::set<std::string> enqueued_, ended_;
  std::map<std::string, int> executions_, accepted_;
  int after_the_end_ = 0;
};

// Does what a client does: connects until it can, and lets `action` run until it went through.
template <typename Action>
void insist(redis::Connection& connection, Action action) {
  for (;;) {
    try {
      if (!connection.connected()) connection.connect();
      return action();
    } catch (const redis::Error& e) {
      if (!e.connection_lost()) throw;
      connection.close();
    }
  }
}

void produce(const redis::Endpoint& endpoint, int number, Ledger& ledger) {
  redis::Connection connection(endpoint, kImpatient);
  Queue queue(connection, "q");
  std::mt19937 random(static_cast<unsigned>(number));
  for (int made = 0; made < kJobsEach;) {
    const int left = kJobsEach - made;
    std::vector<NewJob> jobs(std::min<std::size_t>(1 + random() % 20, std::size_t(left)));
    for (NewJob& job : jobs) {
      job.id = "p" + std::to_string(number) + "-" + std::to_string(++made);
      job.priority = static_cast<int>(random() % 256);
    }
    insist(connection, [&] { (void)queue.enqueue(jobs); });
    for (const NewJob& job : jobs) ledger.acknowledge(job.id);
  }
}

void work(const redis::Endpoint& endpoint, int number, Ledger& ledger) {
  const std::string worker = "pod-" + std::to_string(number) + "/00000001";
  redis::Connection connection(endpoint, kImpatient);
  Queue queue(connection, "q");
  std::mt19937 random(1000U + static_cast<unsigned>(number));
  std::map<std::string, Claim> running;
  std::vector<Settlement> unsettled;  // sent again until they are answered
  bool unsure = true;                 // of what we hold: after each new connection
  while (ledger.ended() < std::size_t{kProducers} * kJobsEach) {
    insist(connection, [&] {
      if (unsure || random() % 8 == 0) {
        unsure = true;  // should this throw
        std::vector<Claim> claims;
        for (const auto& [id, claim] : running) claims.push_back(claim);
        for (const std::string& id : queue.beat(worker, claims, {}, "", true).lost) {
          // A settlement that took effect though its answer was lost.
          const bool settled = std::any_of(unsettled.begin(), unsettled.end(),
                                           [&](const Settlement& s) { return s.id == id; });
          CHECK(settled);
        }
        unsure = false;
      }
      unsure = true;
      const auto result = queue.step(worker, unsettled, static_cast<int>(random() % 12));
      unsure = false;
      for (std::size_t i = 0; i < unsettled.size(); ++i) {
        ledger.settle(unsettled[i].id, result.settled[i]);
        running.erase(unsettled[i].id);
      }
      unsettled.clear();
      for (const ClaimedJob& job : result.claimed) {
        ledger.execute(job.id);
        running[job.id] = {job.id, job.epoch};
      }
    });
    for (const auto& [id, claim] : running) {
      if (random() % 2 != 0) continue;
      Settlement s;
      s.id = id;
      s.epoch = claim.epoch;
      unsettled.push_back(s);
    }
  }
}

}  // namespace

TEST_CASE("cuts at random points of a long run: nothing is lost, nothing runs twice") {
  QueueFixture f(Fields{{"keep_done_count", "1000000"}});
  Proxy proxy({.host = {}, .socket_path = wp::test::shared_redis().socket()});
  Ledger ledger;
  std::atomic<bool> over = false;
  std::vector<std::thread> threads;
  for (int i = 0; i < kProducers; ++i) {
    const std::string tcp = "redis://127.0.0.1:" + std::to_string(proxy.port());
    const auto endpoint = i == 0 ? proxy.endpoint() : redis::parse_endpoint(tcp);
    threads.emplace_back([&, i, endpoint] { produce(endpoint, i, ledger); });
  }
  for (int i = 0; i < kWorkers; ++i) {
    threads.emplace_back([&, i] { work(proxy.endpoint(), i, ledger); });
  }
  std::thread chaos([&] {
    std::mt19937 random(7);
    while (!over) {
      const int before = proxy.happened();
      const auto fault = random() % 20 == 0  ? Proxy::Fault::stall
                         : random() % 4 == 0 ? Proxy::Fault::half_close
                                             : Proxy::Fault::cut;
      proxy.after(random() % 2 == 0 ? Proxy::Way::request : Proxy::Way::reply, random() % 12000,
                  fault);
      (void)eventually([&] { return over || proxy.happened() > before; }, Millis{60000});
    }
  });
  for (std::thread& thread : threads) thread.join();
  over = true;
  chaos.join();

  MESSAGE(proxy.happened() << " faults, " << proxy.accepted() << " connections");
  CHECK(proxy.happened() > 50);
  CHECK(ledger.enqueued_.size() == std::size_t{kProducers} * kJobsEach);
  int lost = 0;
  int doubled = 0;
  int twice_accepted = 0;
  for (const std::string& id : ledger.enqueued_) {
    if (f.queue.job(id).state != JobState::done) ++lost;
    if (ledger.executions_[id] != 1) ++doubled;
    if (ledger.accepted_[id] > 1) ++twice_accepted;
  }
  CHECK(lost == 0);
  CHECK(doubled == 0);
  CHECK(twice_accepted == 0);
  CHECK(ledger.after_the_end_ == 0);
  CHECK(ledger.executions_.size() == ledger.enqueued_.size());  // unexpected: none
  const Counts counts = f.queue.counts();
  CHECK(counts.stat.at("completed") == std::int64_t{kProducers} * kJobsEach);
  CHECK(counts.waiting + counts.active + counts.delayed + counts.dead == 0);
  f.check();
}
