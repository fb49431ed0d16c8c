// Every operation on a Redis Cluster, at each node that may own a queue's hash tag: what a script
// touches lies in one slot, or the server refuses it, and was declared to EVALSHA, which a monitor
// beside it tells. An operation that is new needs a line in kOperations.
#include <algorithm>
#include <cstdlib>
#include <doctest/doctest.h>
#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "queue/queue.h"
#include "queue/redis/script.h"
#include "tests/support/redis_cluster.h"
#include "tests/support/redis_monitor.h"

using namespace wp;
using namespace wp::queue;
using wp::test::MonitoredCommand;
using wp::test::RedisCluster;
using wp::test::RedisMonitor;
using wp::test::RedisServer;

namespace {

const std::string kWorker = "pod-a/00000001";
const std::string kOther = "pod-b/00000002";

// A queue at the node that owns it.
struct Site {
  redis::Connection& raw;
  Queue& queue;

  void put(int count, const std::string& type = "t", Millis delay = Millis{0}) {
    std::vector<NewJob> jobs(static_cast<std::size_t>(count));
    for (NewJob& job : jobs) {
      job.type = type;
      job.payload = "payload";
      job.delay = delay;
    }
    (void)queue.enqueue(jobs);
  }
  std::vector<ClaimedJob> claim(const std::string& worker, int want) {
    return queue.step(worker, {}, want).claimed;
  }
  StepResult settle(const std::string& worker, const ClaimedJob& job, Outcome outcome) {
    Settlement settlement;
    settlement.id = job.id;
    settlement.epoch = job.epoch;
    settlement.outcome = outcome;
    settlement.text = "text";
    return queue.step(worker, {settlement}, 0);
  }
  // Everything that runs: claims of nobody who is left to renew them.
  void lapse() {
    const std::string active = key_name(queue.name(), "active");
    const redis::Reply ids = raw.execute({"ZRANGE", active, "0", "-1"});
    for (const redis::Reply& id : ids.array()) {
      (void)raw.execute({"ZADD", active, "1", id.text()});
    }
  }
};

struct Operation {
  std::string name;
  std::function<void(Site&)> run;
};

// In this order, on one queue. They need not leave it empty.
const std::vector<Operation> kOperations{
    {"config",
     [](Site& s) {
       (void)s.queue.write_config({{"lease_ms", "15000"}, {"max_attempts", "2"}}, "hash", "uid", 1);
       (void)s.queue.read_config();
     }},
    {"register", [](Site& s) { (void)s.queue.register_worker(kWorker, "{}", {}); }},
    {"enqueue", [](Site& s) { s.put(20); }},
    {"enqueue: a job for later", [](Site& s) { s.put(1, "later", Millis{3600'000}); }},
    {"enqueue: a job that is due at once", [](Site& s) { s.put(1, "soon", Millis{1}); }},
    {"step: every outcome",
     [](Site& s) {
       for (const Outcome outcome :
            {Outcome::complete, Outcome::fail, Outcome::crash, Outcome::defer, Outcome::bury}) {
         const auto claimed = s.claim(kWorker, 1);
         REQUIRE(claimed.size() == 1);
         (void)s.settle(kWorker, claimed[0], outcome);
       }
     }},
    {"step: leases lapse",
     [](Site& s) {
       CHECK(s.claim(kWorker, 2).size() == 2);
       s.lapse();
       (void)s.claim(kOther, 0);
     }},
    {"step: a suspect runs alone",
     [](Site& s) {
       CHECK(s.claim(kWorker, 2).size() == 2);
       CHECK(s.queue.register_worker("pod-a/00000009", "{}", {}).taken_back == 2);
       CHECK(s.claim(kWorker, 5).size() == 1);
     }},
    {"beat",
     [](Site& s) {
       const auto claimed = s.claim(kOther, 1);
       REQUIRE(claimed.size() == 1);
       const auto beat = s.queue.beat(kOther, {{claimed[0].id, claimed[0].epoch}},
                                      {{claimed[0].id, 50, "half"}}, R"({"slots":1})", false);
       CHECK(beat.lost.empty());
     }},
    {"beat: full", [](Site& s) { (void)s.queue.beat(kOther, {}, {}, "", true); }},
    {"release",
     [](Site& s) {
       const auto claimed = s.claim("pod-c/00000003", 1);
       REQUIRE(claimed.size() == 1);
       CHECK(s.queue.release("pod-c/00000003", {{claimed[0].id, claimed[0].epoch}},
                             ReleaseKind::interrupted, true) == 1);
     }},
    {"counts",
     [](Site& s) { (void)s.queue.counts({.terminating = {"pod-a"}, .worker_info = true}); }},
    {"job", [](Site& s) { (void)s.queue.job("nobody"); }},
    {"sessions, chains and unique keys",
     [](Site& s) {
       std::vector<NewJob> jobs(1);
       jobs[0].priority = 255;
       jobs[0].session = "doc";
       jobs[0].unique = "once";
       jobs[0].chain.resize(1);
       (void)s.queue.enqueue(jobs);
       const auto claimed = s.claim("pod-d/00000004", 1);
       REQUIRE(claimed.size() == 1);
       Settlement end;
       end.id = claimed[0].id;
       end.epoch = claimed[0].epoch;
       end.session = SessionWrite{claimed[0].session_version, "{}"};
       end.next = next_in_chain(claimed[0].session, claimed[0].chain, "");
       CHECK(s.queue.step("pod-d/00000004", {end}, 0).settled[0] == Settled::done);
     }},
    {"retire", [](Site& s) { (void)s.queue.retire({"pod-z"}, RetiredBy::controller, 1); }},
    {"unretire", [](Site& s) { (void)s.queue.unretire({"pod-z"}, RetiredBy::controller, 1); }},
    {"reclaim",
     [](Site& s) {
       const auto claimed = s.claim("pod-d/00000004", 2);
       REQUIRE(!claimed.empty());
       CHECK(s.queue.reclaim({"pod-d"}, LossCause::loss, "is gone", 1)->taken ==
             static_cast<int>(claimed.size()));
     }},
    {"trim", [](Site& s) { (void)s.queue.trim(); }},
    {"enqueue: a job with an id of its own",
     [](Site& s) {
       std::vector<NewJob> jobs(1);
       jobs[0].id = "named";
       jobs[0].delay = Millis{3600'000};
       (void)s.queue.enqueue(jobs);
     }},
    {"promote", [](Site& s) { CHECK(s.queue.promote({"named"})[0].changed); }},
    {"reprioritise", [](Site& s) { CHECK(s.queue.reprioritise({"named"}, 255)[0].changed); }},
    {"cancel", [](Site& s) { CHECK(s.queue.cancel({"named"})[0].changed); }},
    {"redrive", [](Site& s) { CHECK(s.queue.redrive({"named"})[0].changed); }},
    {"cancel: a running job",
     [](Site& s) {
       CHECK(s.claim("pod-e/00000005", 1).size() == 1);
       const JobPage active = s.queue.list(JobState::active, 0, 10);
       REQUIRE(!active.jobs.empty());
       CHECK(s.queue.cancel({active.jobs[0].first})[0].changed);
     }},
    {"redrive the oldest", [](Site& s) { (void)s.queue.redrive_oldest(10); }},
    {"remove", [](Site& s) { CHECK(s.queue.remove({"named"})[0].state != JobState::unknown); }},
    {"list", [](Site& s) { (void)s.queue.list(JobState::ready, 0, 10); }},
    {"pause", [](Site& s) { (void)s.queue.pause("somebody"); }},
    {"resume", [](Site& s) { (void)s.queue.resume(); }},
    {"purge", [](Site& s) { (void)s.queue.purge(JobState::ready, 1000); }},
    {"orphan", [](Site& s) { (void)s.queue.orphan("uid", 1); }},
};

// The keys of what scripts did that were not among those declared to them, one line each.
std::set<std::string> undeclared(redis::Connection& connection,
                                 const std::vector<MonitoredCommand>& commands) {
  std::set<std::string> declared;
  std::set<std::string> problems;
  std::string sha1;
  for (const MonitoredCommand& command : commands) {
    const redis::Command& words = command.words;
    if (!command.by_script) {
      if (words.at(0) != "EVALSHA") continue;
      sha1 = words.at(1);
      const auto keys = words.begin() + 3;
      declared = {keys, keys + std::stoi(words.at(2))};
      continue;
    }
    redis::Command question{"COMMAND", "GETKEYS"};
    question.insert(question.end(), words.begin(), words.end());
    try {
      const redis::Reply keys = connection.execute(question);
      for (const redis::Reply& key : keys.array()) {
        if (!declared.contains(key.text())) {
          problems.insert(words[0] + " " + key.text() + " in script " + sha1);
        }
      }
    } catch (const redis::Error& e) {
      if (e.connection_lost()) throw;  // else: a command without keys
    }
  }
  return problems;
}

// A queue whose keys this node owns.
std::string queue_at(RedisCluster& cluster, const RedisServer& node) {
  for (int i = 0;; ++i) {
    std::string name = "q" + std::to_string(i);
    if (&cluster.owner_of(key_name(name, "cfg")) == &node) return name;
  }
}

// The SHA-1 of every script in queue/lua, and its name.
std::map<std::string, std::string> all_scripts() {
  const char* source = std::getenv("WORKERPOOL_SOURCE");
  REQUIRE(source != nullptr);
  std::map<std::string, std::string> scripts;
  for (const auto& file :
       std::filesystem::directory_iterator(std::filesystem::path(source) / "queue/lua")) {
    if (file.path().extension() != ".lua") continue;
    const std::string name = file.path().stem();
    scripts[redis::Script(name).sha1()] = name;
  }
  REQUIRE_FALSE(scripts.empty());
  return scripts;
}

}  // namespace

TEST_CASE("on a cluster every operation runs at its queue's node, on keys that it declares") {
  RedisCluster cluster;
  for (std::size_t i = 0; i < cluster.size(); ++i) {
    RedisServer& node = cluster.node(i);
    redis::Connection connection(node.endpoint());
    redis::Connection raw(node.endpoint());
    connection.connect();
    raw.connect();
    Queue queue(connection, queue_at(cluster, node));
    CAPTURE(queue.name());
    Site site{raw, queue};
    RedisMonitor monitor(node);
    std::set<std::string> ran;
    for (const Operation& operation : kOperations) {
      CAPTURE(operation.name);
      CHECK_NOTHROW(operation.run(site));
      for (const std::string& problem : queue.check()) FAIL_CHECK("CHECK: " << problem);
      const auto commands = monitor.take();
      for (const MonitoredCommand& command : commands) {
        if (command.words.at(0) == "EVALSHA") ran.insert(command.words.at(1));
      }
      for (const std::string& problem : undeclared(raw, commands)) {
        FAIL_CHECK("not declared: " << problem);
      }
      (void)monitor.take();  // the questions just asked
    }
    for (const auto& [sha1, name] : all_scripts()) {
      if (!ran.contains(sha1)) FAIL_CHECK("no operation in kOperations ran " << name << ".lua");
    }
  }
}
