// At maxmemory: each operation in turn still takes its whole effect, but for ENQUEUE, which is
// refused as a whole.
#include <doctest/doctest.h>

#include "tests/queue/fixture.h"
#include "tests/support/wait.h"

using namespace wp;
using namespace wp::queue;
using wp::test::Fields;
using wp::test::QueueFixture;

namespace {

const std::string kWorker = "pod-a/00000001";
const std::string kOther = "pod-b/00000002";

NewJob job(const std::string& id, Millis delay = Millis{0}) {
  NewJob made;
  made.id = id;
  made.payload = "payload";
  made.delay = delay;
  return made;
}

struct FullQueue : QueueFixture {
  explicit FullQueue(Fields fields = {}) : QueueFixture(std::move(fields)) {
    (void)raw.execute({"CONFIG", "SET", "maxmemory-policy", "noeviction"});
  }
  ~FullQueue() { (void)raw.execute({"CONFIG", "SET", "maxmemory", "0"}); }
  FullQueue(const FullQueue&) = delete;
  FullQueue& operator=(const FullQueue&) = delete;

  void fill() {
    (void)raw.execute({"CONFIG", "SET", "maxmemory", "1"});
    // A plain write is refused: it is full indeed.
    CHECK_THROWS_AS((void)raw.execute({"SET", "k", "v"}), redis::Error);
  }
  void end() {
    (void)raw.execute({"CONFIG", "SET", "maxmemory", "0"});
    check();
    (void)put({job("afterwards")});
    CHECK(queue.job("afterwards").state == JobState::ready);
  }
  // Its lease lies in the past: written past the bound, by us.
  void lapse(const std::string& id) {
    (void)raw.execute({"CONFIG", "SET", "maxmemory", "0"});
    (void)raw.execute({"ZADD", key_name("q", "active"), "1", id});
    (void)raw.execute({"CONFIG", "SET", "maxmemory", "1"});
  }
  JobState state(const std::string& id) { return queue.job(id).state; }
  Settled settle_now(const ClaimedJob& claimed, Outcome outcome) {
    return queue.step(kWorker, {settle(claimed, outcome, "text")}, 0).settled.at(0);
  }
};

}  // namespace

TEST_CASE("full: an ENQUEUE is refused as a whole, and says why") {
  FullQueue f;
  f.fill();
  for (const auto& jobs :
       {std::vector<NewJob>{job("now")}, {job("later", Millis{60000})}, {job("one"), job("two")}}) {
    try {
      (void)f.put(jobs);
      FAIL("accepted");
    } catch (const EnqueueRefused& e) {
      CHECK(e.reason() == EnqueueRefused::Reason::out_of_memory);
    }
    for (const NewJob& refused : jobs) CHECK(f.state(refused.id) == JobState::unknown);
  }
  f.end();
}

TEST_CASE("full: every outcome of a job is settled, and what follows from it goes on") {
  FullQueue f(Fields{{"backoff_initial_ms", "1"}, {"max_attempts", "2"}});
  for (const char* id : {"done", "failed", "stalled", "crashed", "deferred", "buried"}) {
    (void)f.put({job(id)});
  }
  NewJob chained = job("chained");
  chained.session = "document";
  chained.unique = "once";
  chained.chain = {{"second", "default", "", 255}};
  (void)f.put({chained});
  f.fill();
  const auto claimed = f.claim(kWorker, 10);
  REQUIRE(claimed.size() == 7);
  CHECK(f.settle_now(claimed[0], Outcome::complete) == Settled::done);
  CHECK(f.settle_now(claimed[1], Outcome::fail) == Settled::retried);
  CHECK(f.settle_now(claimed[2], Outcome::stall) == Settled::retried);
  CHECK(f.settle_now(claimed[3], Outcome::crash) == Settled::retried);
  CHECK(f.settle_now(claimed[4], Outcome::defer) == Settled::deferred);
  CHECK(f.settle_now(claimed[5], Outcome::bury) == Settled::dead);
  Settlement last = f.settle(claimed[6], Outcome::complete, "{}");
  const std::string document(10000, 'x');
  last.session = SessionWrite{claimed[6].session_version, "\"" + document + "\""};
  last.next = next_in_chain(claimed[6].session, claimed[6].chain, "{}");
  CHECK(f.queue.step(kWorker, {last}, 0).settled.at(0) == Settled::done);
  CHECK(f.queue.job("failed").result.find("text") != std::string::npos);

  // Retries and deferrals come due, the chain goes on with what the session says by now.
  std::vector<ClaimedJob> again;
  CHECK(test::eventually([&] {
    for (ClaimedJob& next : f.claim(kWorker, 10)) again.push_back(std::move(next));
    return again.size() == 5;
  }));
  for (const ClaimedJob& next : again) {
    if (next.id == "second") CHECK(next.session_document.size() == 10002);
    CHECK(f.settle_now(next, Outcome::complete) == Settled::done);
  }
  CHECK(f.queue.counts().stat.at("completed") == 7);
  f.end();
}

TEST_CASE("full: leases are renewed, given back, reclaimed and reaped") {
  FullQueue f;
  for (int i = 0; i < 8; ++i) (void)f.put({job("job-" + std::to_string(i))});
  f.fill();
  (void)f.queue.register_worker(kWorker, R"({"slots":8})", {});
  (void)f.queue.register_worker(kOther, "{}", {});
  const auto claimed = f.claim(kWorker, 4);
  REQUIRE(claimed.size() == 4);
  f.lapse("job-0");
  const Claim first{"job-0", claimed[0].epoch};
  const auto beat = f.queue.beat(kWorker, {first}, {{"job-0", 50, "half"}}, R"({"n":1})", true);
  CHECK(beat.lost.empty());
  CHECK(f.queue.job("job-0").lease_until > beat.view.now);
  CHECK(f.queue.job("job-0").result.find("half") != std::string::npos);
  CHECK(f.state("job-1") == JobState::ready);  // not named: given back
  CHECK(f.queue.release(kWorker, {first}, ReleaseKind::interrupted, false) == 1);
  CHECK(f.state("job-0") == JobState::ready);

  REQUIRE(f.claim(kWorker, 1).size() == 1);
  CHECK(f.queue.reclaim({"pod-a"}, LossCause::loss, "is gone", 1)->taken == 1);
  CHECK(f.queue.job("job-0").losses == 1);
  REQUIRE(f.claim(kWorker, 1).size() == 1);
  CHECK(f.queue.register_worker("pod-a/00000009", "{}", {}).taken_back == 1);
  CHECK(f.queue.job("job-0").crashes == 1);
  REQUIRE(f.claim(kWorker, 1).size() == 1);
  f.lapse("job-0");
  CHECK(f.queue.trim().reaped == 1);
  REQUIRE(f.claim(kWorker, 1).size() == 1);
  f.lapse("job-0");
  (void)f.queue.step(kOther, {}, 0);
  CHECK(f.queue.job("job-0").losses == 3);
  f.end();
}

TEST_CASE("full: what the operator and people ask for is done") {
  FullQueue f;
  for (const char* id : {"ready", "raised", "dead", "twice", "removed"}) (void)f.put({job(id)});
  (void)f.put({job("delayed", Millis{3600000}), job("cancelled", Millis{3600000})});
  f.fill();
  CHECK(f.queue.retire({"pod-c"}, RetiredBy::controller, 1).has_value());
  CHECK(f.claim("pod-c/00000003").empty());
  CHECK(f.queue.unretire({"pod-c"}, RetiredBy::controller, 1) == 1);
  CHECK(f.queue.pause("somebody").empty());
  CHECK(f.claim(kWorker).empty());
  CHECK(f.queue.resume() == "somebody");
  CHECK(f.queue.reprioritise({"raised"}, 255).at(0).changed);
  CHECK(f.queue.promote({"delayed"}).at(0).changed);
  CHECK(f.queue.cancel({"cancelled", "dead", "twice"}).at(0).changed);
  CHECK(f.state("cancelled") == JobState::dead);
  CHECK(f.queue.redrive({"dead"}).at(0).changed);
  CHECK(f.queue.redrive_oldest(1).at(0).changed);
  CHECK(f.queue.remove({"removed"}).at(0).changed);
  const auto claimed = f.claim(kWorker);
  REQUIRE(claimed.size() == 1);
  CHECK(claimed[0].id == "raised");
  CHECK(f.queue.cancel({"raised"}).at(0).changed);
  CHECK(f.queue.beat(kWorker, {{"raised", claimed[0].epoch}}, {}, "", false).view.cancelled ==
        std::vector<std::string>{"raised"});
  CHECK(f.queue.write_config({{"keep_dead_count", "0"}}, "another", "pool-uid", 2) ==
        ConfigWritten::written);
  CHECK(f.queue.trim().dropped > 0);
  CHECK(f.queue.purge(JobState::ready, 1000).dropped > 0);
  CHECK(f.queue.counts().waiting == 0);
  CHECK(f.queue.orphan("pool-uid", 2) == ConfigWritten::written);
  CHECK(f.queue.read_config().owner == "orphaned");
  (void)f.queue.write_config({}, "back", "pool-uid", 3);
  f.end();
}
