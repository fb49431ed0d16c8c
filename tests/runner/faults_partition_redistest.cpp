// One worker is cut off from the queue while another one is not: below and above 80 % of a lease,
// with both policies. With onPartition Kill a job never runs in two places; with Continue it may,
// and the fence says who counts.
#include <doctest/doctest.h>
#include <signal.h>

#include "tests/runner/books.h"
#include "tests/support/proxy.h"

using namespace wp;
using namespace wp::test;
using queue::JobState;

namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
const Millis kLease{12000};
#else
const Millis kLease{6000};
#endif

// A queue of one policy, and a worker behind a proxy.
class CutOff {
 public:
  CutOff(const RedisServer& redis, const std::string& policy)
      : queue(redis, policy),
        policy_(policy),
        redis_(redis),
        proxy_(redis::Address{"", 0, redis.socket()}) {
    queue.configure(kLease.count(), {{"on_partition", policy}});
    runner.emplace(ledger_runner("unix://" + proxy_.endpoint().socket_path, folder, 1, policy));
    std::vector<queue::NewJob> jobs(1);
    jobs[0].id = "job";
    jobs[0].payload = "go";
    (void)queue->enqueue(jobs);
    first = wait_start(folder, "job");
  }

  /// Nothing passes any more, also on new connections. Right after a beat: the lease is whole.
  void cut() {
    const Millis before = queue->job("job").lease_until;
    REQUIRE(eventually([&] { return queue->job("job").lease_until > before; }));
    proxy_.delay(Millis{3600000});
    since_ = system_clock().steady();
  }
  void heal() {
    proxy_.delay(Millis{0});
    proxy_.cut_all();
  }
  void wait_since_cut(Millis time) const {
    REQUIRE(eventually([&] { return system_clock().steady() - since_ >= time; }, 2 * time));
  }
  Millis since_cut() const { return system_clock().steady() - since_; }
  std::unique_ptr<RunnerProcess> neighbour() const {
    auto other = std::make_unique<RunnerProcess>(ledger_runner(redis_.url(), folder, 1, policy_));
    REQUIRE(other->logged("\"msg\":\"registered\""));
    return other;
  }
  std::int64_t lost() { return queue->counts().stat["lost"]; }
  void finish(int explained) {
    let_go(folder, "go");
    wait_idle(queue);
    check_books(queue, folder, {"job"}, explained);
  }

  QueueClient queue;
  Folder folder;
  std::optional<RunnerProcess> runner;
  pid_t first = 0;

 private:
  std::string policy_;
  const RedisServer& redis_;
  Proxy proxy_;
  Millis since_{0};
};

}  // namespace

TEST_CASE("cut off for less than 80 % of a lease: the job runs on, whatever the policy") {
  RedisServer redis;
  CutOff kills(redis, "kill");
  CutOff rides(redis, "continue");
  const auto one = kills.neighbour();
  const auto other = rides.neighbour();
  kills.cut();
  rides.cut();
  kills.wait_since_cut(kLease * 4 / 10);
  kills.heal();
  rides.heal();
  for (CutOff* both : {&kills, &rides}) {
    CHECK_FALSE(gone(both->first));
    // Longer than the lease that it had when it was cut off: it was renewed since.
    both->wait_since_cut(kLease * 11 / 10);
    CHECK_FALSE(gone(both->first));
    CHECK(both->queue->job("job").state == JobState::active);
    both->finish(0);
    CHECK(both->lost() == 0);
  }
}

TEST_CASE("cut off for longer, onPartition kill: it never runs in two places") {
  RedisServer redis;
  CutOff cut(redis, "kill");
  const auto other = cut.neighbour();
  cut.cut();
  const pid_t second = wait_start(cut.folder, "job", 2);
  CHECK(gone(cut.first));
  CHECK(second != cut.first);
  CHECK(cut.queue->job("job").losses == 1);
  // Back again, what it had is nothing that it would tell of.
  cut.heal();
  REQUIRE(cut.runner->logged("registered again"));
  CHECK_FALSE(gone(second));
  cut.finish(1);
  CHECK(cut.lost() == 1);
}

TEST_CASE("cut off for longer, onPartition continue: both run, one of them counts") {
  RedisServer redis;
  CutOff cut(redis, "continue");
  const auto other = cut.neighbour();
  cut.cut();
  const pid_t second = wait_start(cut.folder, "job", 2);
  CHECK_FALSE(gone(cut.first));  // nobody could tell it
  const auto fence = cut.queue->job("job").epoch;
  cut.heal();
  CHECK(eventually([&] { return gone(cut.first); }));  // now it was told
  CHECK_FALSE(gone(second));
  CHECK(cut.queue->job("job").epoch == fence);
  cut.finish(1);
  CHECK(cut.lost() == 1);
}

TEST_CASE("cut off and suspended, as a machine that sleeps: on waking it asks nobody") {
  RedisServer redis;
  CutOff kills(redis, "kill");
  CutOff rides(redis, "continue");
  for (CutOff* both : {&kills, &rides}) {
    both->cut();
    both->runner->signal(SIGSTOP);
  }
  kills.wait_since_cut(kLease);
  CHECK_FALSE(gone(kills.first));  // who should have
  kills.runner->signal(SIGCONT);
  rides.runner->signal(SIGCONT);
  CHECK(eventually([&] { return gone(kills.first); }));
  CHECK(kills.runner->log().find("registered again") == std::string::npos);
  CHECK_FALSE(gone(rides.first));
  kills.heal();
  rides.heal();
  wait_start(kills.folder, "job", 2);  // given back, and claimed again
  CHECK_FALSE(gone(rides.first));
  kills.finish(1);
  rides.finish(0);
  CHECK(kills.lost() == 0);
  CHECK(rides.lost() == 0);
}
