// Random operations of several workers on a real Redis beside a model of what may be true:
// nothing is lost, nothing is completed twice, and CHECK stays clean.
#include <doctest/doctest.h>
#include <map>
#include <random>
#include <set>

#include "queue/queue.h"
#include "tests/queue/fixture.h"

using namespace wp;
using namespace wp::queue;
using wp::test::Fields;
using wp::test::QueueFixture;

namespace {

struct Model {
  std::set<std::string> enqueued;
  std::set<std::string> completed;
  std::map<std::string, std::int64_t> last_epoch;
};

struct Worker {
  std::string name;
  std::map<std::string, ClaimedJob> running;  // what it believes to hold
};

}  // namespace

TEST_CASE("random sequences of operations keep the invariants") {
  const unsigned seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  const auto dice = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };

  QueueFixture f(Fields{{"max_attempts", "1000000"},
                        {"max_crashes", "1000000"},
                        {"max_losses", "1000000"},
                        {"keep_done_count", "100000"}});
  Model model;
  std::vector<Worker> workers;
  for (int i = 0; i < 4; ++i) workers.push_back({"pod-" + std::to_string(i) + "/0", {}});
  int incarnation = 0;

  for (int operation = 0; operation < 6000; ++operation) {
    Worker& worker = workers[static_cast<std::size_t>(dice(4))];
    switch (dice(12)) {
      case 0:
      case 1: {
        std::vector<NewJob> jobs(static_cast<std::size_t>(1 + dice(4)));
        for (NewJob& job : jobs) {
          job.priority = dice(3) * 100;
          job.type = "t" + std::to_string(dice(40));
          if (dice(4) == 0) job.delay = Millis{dice(3)};
        }
        for (const auto& e : f.queue.enqueue(jobs)) model.enqueued.insert(e.id);
        break;
      }
      case 2:
      case 3:
      case 4:
      case 5:
      case 6: {
        std::vector<Settlement> settlements;
        for (auto it = worker.running.begin(); it != worker.running.end();) {
          if (dice(2) == 0) {
            ++it;
            continue;
          }
          const int end = dice(10);
          settlements.push_back(f.settle(it->second, end < 7    ? Outcome::complete
                                                     : end == 7 ? Outcome::fail
                                                     : end == 8 ? Outcome::crash
                                                                : Outcome::defer));
          it = worker.running.erase(it);
        }
        const auto result = f.queue.step(worker.name, settlements, dice(4));
        for (std::size_t i = 0; i < settlements.size(); ++i) {
          if (result.settled[i] == Settled::done) {
            // Accepted completions per id: exactly one.
            CHECK(model.completed.insert(settlements[i].id).second);
          }
        }
        for (const ClaimedJob& job : result.claimed) {
          CHECK(model.enqueued.count(job.id) == 1);
          CHECK(model.completed.count(job.id) == 0);
          CHECK(job.epoch > model.last_epoch[job.id]);
          model.last_epoch[job.id] = job.epoch;
          worker.running[job.id] = job;
        }
        break;
      }
      case 7: {
        std::vector<Claim> claims;
        for (const auto& [id, job] : worker.running) claims.push_back({id, job.epoch});
        for (const std::string& id : f.queue.beat(worker.name, claims, {}, "", dice(3) == 0).lost) {
          worker.running.erase(id);
        }
        break;
      }
      case 8: {
        std::vector<Claim> claims;
        for (const auto& [id, job] : worker.running) claims.push_back({id, job.epoch});
        (void)f.queue.release(worker.name, claims, ReleaseKind::interrupted, dice(2) == 0);
        worker.running.clear();
        break;
      }
      case 9: {  // the pod's container restarts: a new name, and it remembers nothing
        const std::string pod = worker.name.substr(0, worker.name.find('/'));
        worker = {pod + "/" + std::to_string(++incarnation), {}};
        (void)f.queue.register_worker(worker.name, "", {});
        break;
      }
      case 10: {  // somebody's leases lapse
        const auto ids = f.raw.execute({"ZRANGE", key_name("q", "active"), "0", "1"});
        for (const auto& id : ids.array()) {
          (void)f.raw.execute({"ZADD", key_name("q", "active"), "1", id.text()});
        }
        break;
      }
      case 11: {  // a claim's reply is lost
        (void)f.queue.step(worker.name, {}, 1);
        for (const auto& [id, epoch] : model.last_epoch) (void)id, (void)epoch;
        break;
      }
    }
    if (operation % 50 == 0) {
      const auto problems = f.queue.check();
      if (!problems.empty())
        FAIL_CHECK("after operation " << operation << ": " << problems.front());
    }
  }

  // The cause of all trouble is gone: everything completes, once.
  for (Worker& worker : workers) {
    (void)f.queue.beat(worker.name, {}, {}, "", true);
    worker.running.clear();
  }
  for (int round = 0; round < 100000 && model.completed.size() < model.enqueued.size(); ++round) {
    const auto delayed = f.queue.step("last/0", {}, 64);
    std::vector<Settlement> settlements;
    for (const ClaimedJob& job : delayed.claimed) settlements.push_back(f.settle(job));
    const auto result = f.queue.step("last/0", settlements, 0);
    for (std::size_t i = 0; i < settlements.size(); ++i) {
      CHECK(result.settled[i] == Settled::done);
      CHECK(model.completed.insert(settlements[i].id).second);
    }
  }
  CHECK(model.completed == model.enqueued);
  f.check();
}
