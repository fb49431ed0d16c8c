// Every operation with its connection cut: before the request arrives, after it took effect, and in
// the middle of the reply, once and several times in a row. Then the client does what the contract
// says (the same call again; a full beat of each worker), and nothing is lost or done twice.
#include <doctest/doctest.h>
#include <functional>

#include "queue/queue.h"
#include "tests/queue/fixture.h"
#include "tests/support/proxy.h"

using namespace wp;
using namespace wp::queue;
using wp::test::Fields;
using wp::test::Proxy;
using wp::test::QueueFixture;

namespace {

using wp::test::kOther;
using wp::test::kWorker;

// What each scene begins with: x and y run on kWorker, z and w wait, "later" is delayed and "dead"
// is dead.
struct Stage : QueueFixture {
  Stage() : QueueFixture(Fields{{"keep_done_count", "1000"}}) {
    NewJob doomed;
    doomed.id = "dead";
    (void)put({doomed});
    (void)queue.cancel({"dead"});
    std::vector<NewJob> jobs(5);
    const char* const ids[] = {"x", "y", "z", "w", "later"};
    for (std::size_t i = 0; i < jobs.size(); ++i) jobs[i].id = ids[i];
    jobs[0].session = "s";
    jobs[4].delay = Millis{3600000};
    (void)put(jobs);
    running = claim(kWorker, 2);
  }
  std::vector<ClaimedJob> running;
};

struct Scene {
  std::string name;
  std::function<void(Queue&, const Stage&)> act;  // the same at each try
  int completed = 0;                              // by act itself
};

std::vector<Claim> claims_of(const Stage& stage) {
  std::vector<Claim> claims;
  for (const ClaimedJob& job : stage.running) claims.push_back({job.id, job.epoch});
  return claims;
}

std::vector<Settlement> chained_completion(const Stage& stage) {
  Settlement s = QueueFixture::settle(stage.running[0], Outcome::complete, "1");
  s.session = SessionWrite{stage.running[0].session_version, "{\"by\":1}"};
  s.next = NewJob{};
  s.next->id = "next";
  s.next->session = "s";
  return {s, QueueFixture::settle(stage.running[1], Outcome::fail, "no luck")};
}

const std::vector<Scene>& scenes() {
  static const std::vector<Scene> all = {
      {"enqueue",
       [](Queue& q, const Stage&) {
         std::vector<NewJob> jobs(3);
         for (int i = 0; i < 3; ++i) jobs[static_cast<std::size_t>(i)].id = "n" + std::to_string(i);
         jobs[0].unique = "k";
         for (const Enqueued& e : q.enqueue(jobs)) CHECK(e.id.starts_with("n"));
       }},
      {"settle", [](Queue& q, const Stage& s) { (void)q.step(kWorker, chained_completion(s), 0); },
       1},
      {"claim", [](Queue& q, const Stage&) { (void)q.step(kOther, {}, 1); }},
      {"settle and claim",
       [](Queue& q, const Stage& s) { (void)q.step(kWorker, chained_completion(s), 1); }, 1},
      {"beat",
       [](Queue& q, const Stage& s) {
         (void)q.beat(kWorker, claims_of(s), {{"x", 50, "half"}}, "{}", false);
       }},
      {"full beat",
       [](Queue& q, const Stage& s) {
         const std::vector<Claim> known{claims_of(s).front()};
         (void)q.beat(kWorker, known, {}, "{}", true);
       }},
      {"release",
       [](Queue& q, const Stage& s) {
         (void)q.release(kWorker, claims_of(s), ReleaseKind::unstarted, true);
       }},
      {"register",
       [](Queue& q, const Stage&) { (void)q.register_worker("pod-a/00000009", "{}", {}); }},
      {"config",
       [](Queue& q, const Stage&) {
         const ConfigWritten written = q.write_config({{"max_active", "7"}}, "new", "pool-uid", 2);
         CHECK((written == ConfigWritten::written || written == ConfigWritten::unchanged));
       }},
      {"orphan", [](Queue& q, const Stage&) { (void)q.orphan("pool-uid", 2); }},
      {"counts", [](Queue& q, const Stage&) { (void)q.counts(); }},
      {"retire",
       [](Queue& q, const Stage&) {
         const auto held = q.retire({"pod-c"}, RetiredBy::controller, 2);
         CHECK(held == std::vector<int>{0});
       }},
      {"unretire",
       [](Queue& q, const Stage&) { (void)q.unretire({"pod-c"}, RetiredBy::controller, 2); }},
      {"reclaim, crash",
       [](Queue& q, const Stage&) { (void)q.reclaim({"pod-a"}, LossCause::crash, "gone", 2); }},
      {"reclaim, loss",
       [](Queue& q, const Stage&) { (void)q.reclaim({"pod-a"}, LossCause::loss, "gone", 2); }},
      {"trim", [](Queue& q, const Stage&) { (void)q.trim(); }},
      {"cancel",
       [](Queue& q, const Stage&) {
         (void)q.cancel({"z", "x"});
       }},
      {"promote", [](Queue& q, const Stage&) { (void)q.promote({"later"}); }},
      {"reprioritise",
       [](Queue& q, const Stage&) {
         (void)q.reprioritise({"z", "later"}, 7);
       }},
      {"redrive", [](Queue& q, const Stage&) { (void)q.redrive({"dead"}); }},
      {"remove",
       [](Queue& q, const Stage&) {
         (void)q.remove({"z", "dead"});
       }},
      {"purge", [](Queue& q, const Stage&) { (void)q.purge(JobState::dead, 1); }},
      {"pause", [](Queue& q, const Stage&) { (void)q.pause("me"); }},
      {"resume", [](Queue& q, const Stage&) { (void)q.resume(); }},
      {"job", [](Queue& q, const Stage&) { (void)q.job("x"); }},
      {"list", [](Queue& q, const Stage&) { (void)q.list(JobState::ready, 0, 10); }},
      {"check", [](Queue& q, const Stage&) { (void)q.check(); }},
  };
  return all;
}

struct Cut {
  const char* name;
  Proxy::Way way;
  std::size_t bytes;
  Proxy::Fault fault = Proxy::Fault::cut;
};

constexpr Cut kCuts[] = {
    {"before the request", Proxy::Way::request, 0},
    {"in the middle of the request", Proxy::Way::request, 60},
    {"before the reply", Proxy::Way::reply, 0},
    {"in the middle of the reply", Proxy::Way::reply, 2},
    {"instead of the reply, an end", Proxy::Way::reply, 0, Proxy::Fault::half_close},
};

// Everything that lives completes, and each job that was enqueued is accounted for once.
void balance(Stage& stage, int completed_before) {
  Queue& q = stage.queue;
  (void)q.resume();
  (void)q.write_config({{"max_active", "0"}}, "last", "pool-uid", 100);
  for (const std::string& worker : {kWorker, kOther}) (void)q.beat(worker, {}, {}, "", true);
  (void)stage.raw.execute({"ZADD", key_name("q", "delayed"), "XX", "1", "later"});
  int completed = 0;
  for (int idle = 0; idle < 2;) {
    const auto claimed = q.step("last/0", {}, 10).claimed;
    idle = claimed.empty() ? idle + 1 : 0;
    std::vector<Settlement> settlements;
    for (const ClaimedJob& job : claimed) settlements.push_back(stage.settle(job));
    for (const Settled settled : q.step("last/0", settlements, 0).settled) {
      CHECK(settled == Settled::done);
      ++completed;
    }
  }
  stage.check();
  const Counts counts = q.counts();
  const auto stat = [&](const char* name) {
    const auto found = counts.stat.find(name);
    return found == counts.stat.end() ? 0 : found->second;
  };
  CHECK(counts.waiting + counts.delayed + counts.active == 0);
  CHECK(stat("completed") == completed + completed_before);
  CHECK(stat("completed") == counts.done);
  CHECK(stat("enqueued") == counts.done + counts.dead + stat("removed"));
}

}  // namespace

TEST_CASE("a cut connection at any point of any operation costs nothing and doubles nothing") {
  for (const Scene& scene : scenes()) {
    for (const Cut& cut : kCuts) {
      for (const int times : {1, 3}) {
        CAPTURE(scene.name);
        CAPTURE(std::string(cut.name));
        CAPTURE(times);
        Stage stage;
        Proxy proxy({.host = {}, .socket_path = wp::test::shared_redis().socket()});
        redis::Connection connection(proxy.endpoint());
        Queue queue(connection, "q");
        int tries = 0;
        for (bool done = false; !done; ++tries) {
          REQUIRE(tries <= times);
          connection.connect();
          // The script is there: the cut is to hit the call, not the load.
          Queue nowhere(connection, "nowhere");
          try {
            scene.act(nowhere, stage);
          } catch (const EnqueueRefused&) {
          }
          if (tries < times) proxy.after(cut.way, cut.bytes, cut.fault);
          try {
            scene.act(queue, stage);
            done = true;
          } catch (const redis::Error& e) {
            CHECK(e.connection_lost());
          }
        }
        CHECK(tries == times + 1);
        CHECK(proxy.happened() == times);
        balance(stage, scene.completed);
      }
    }
  }
}
