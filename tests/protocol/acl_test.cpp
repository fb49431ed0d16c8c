// The users of docs/protocol.md, by its lines: each can do its work, and not what it must not.
#include <functional>
#include <optional>

#include "queue/scripts.h"
#include "tests/protocol/docs.h"
#include "tests/queue/fixture.h"

using namespace wp;
using namespace wp::test;
using queue::Outcome;
using redis::ErrorClass;

namespace {

// A line as it is typed into redis-cli: words, some in quotes.
redis::Command words_of(const std::string& line) {
  redis::Command words(1);
  bool quoted = false;
  for (const char c : line) {
    if (c == '"') {
      quoted = !quoted;
    } else if ((c == ' ' || c == '\n') && !quoted) {
      if (!words.back().empty()) words.emplace_back();
    } else {
      words.back() += c;
    }
  }
  if (words.back().empty()) words.pop_back();
  return words;
}

// All users of the page, and a connection and queue of one of them.
struct UserFixture : QueueFixture {
  explicit UserFixture(const std::string& user, Fields fields = {})
      : QueueFixture(std::move(fields)) {
    for (const std::string& block : fenced("acl")) (void)raw.execute(words_of(block));
    redis::Endpoint endpoint = shared_redis().endpoint();
    endpoint.username = user;
    endpoint.password = "change-me";
    own.emplace(endpoint);
    own->connect();
    mine.emplace(*own, "q");
  }

  bool refused(const std::function<void()>& action) {
    try {
      action();
    } catch (const redis::Error& e) {
      if (e.error_class() != ErrorClass::permission) MESSAGE(std::string(e.what()));
      return e.error_class() == ErrorClass::permission;
    }
    return false;
  }
  bool refused(const redis::Command& command) {
    return refused([&] { (void)own->execute(command); });
  }
  std::string key(const std::string& part) const { return queue::key_name("q", part); }

  // What no user of ours may do.
  void check_confined() {
    for (const redis::Command& command :
         std::vector<redis::Command>{{"FLUSHALL"},
                                     {"KEYS", "*"},
                                     {"SHUTDOWN"},
                                     {"ACL", "LIST"},
                                     {"SCRIPT", "FLUSH"},
                                     {"CONFIG", "SET", "maxmemory", "0"},
                                     {"EVAL", "return 1", "0"},
                                     {"GET", key("cfg")},
                                     {"HGETALL", "other"},
                                     {"HSET", "other", "a", "b"},
                                     {"PUBLISH", "other", "x"},
                                     {"MONITOR"},
                                     {"REPLICAOF", "NO", "ONE"}}) {
      CHECK_MESSAGE(refused(command), command[0]);
    }
  }

  std::optional<redis::Connection> own;
  std::optional<queue::Queue> mine;
};

// Everything that a call of ENQUEUE may come by.
void enqueue_all_ways(queue::Queue& queue) {
  std::vector<queue::NewJob> jobs(4);
  jobs[0].id = "plain";
  jobs[1].id = "later";
  jobs[1].delay = Millis{3600000};
  jobs[2].id = "unique";
  jobs[2].unique = "k";
  jobs[2].unique_for = Millis{1};
  jobs[3].id = "session";
  jobs[3].session = "s";
  jobs[3].type = "other";
  for (const auto& job : queue.enqueue(jobs)) CHECK_FALSE(job.duplicate);
  for (const auto& job : queue.enqueue(jobs)) CHECK(job.duplicate);
  std::vector<queue::NewJob> again(1);
  again[0].unique = "l";
  (void)queue.enqueue(again);
  again[0].id.clear();
  CHECK(queue.enqueue(again)[0].duplicate);
}

void check_producer(UserFixture& f) {
  enqueue_all_ways(*f.mine);
  f.set("session_ttl_ms", "0");
  std::vector<queue::NewJob> jobs(1);
  jobs[0].session = "short";
  (void)f.mine->enqueue(jobs);
  jobs[0] = {};
  (void)f.mine->enqueue(jobs);  // drops the session that has expired
  (void)f.own->execute({"WAIT", "0", "1"});
  (void)f.raw.execute({"SCRIPT", "FLUSH"});
  jobs[0] = {};
  (void)f.mine->enqueue(jobs);
  f.set("max_depth", "1");
  jobs[0] = {};
  CHECK_THROWS_AS((void)f.mine->enqueue(jobs), queue::EnqueueRefused);
  CHECK_THROWS_AS((void)queue::Queue(*f.own, "none").enqueue(jobs), queue::EnqueueRefused);
  CHECK(f.raw.execute({"HGET", f.key("stat"), "refused"}).integer() == 1);
  f.check_confined();
}

void check_cannot_claim(UserFixture& f) {
  const std::int64_t waiting = f.queue.counts().waiting;
  CHECK(waiting > 0);
  CHECK(f.refused([&] { (void)f.mine->step("w/1", {}, 1); }));
  CHECK(f.refused([&] { (void)f.mine->register_worker("w/1", "", {}); }));
  CHECK(f.refused([&] { (void)f.mine->purge(queue::JobState::ready, 1); }));
  CHECK(f.refused([&] { (void)f.mine->remove({"plain"}); }));
  CHECK(f.refused([&] { (void)f.mine->cancel({"plain"}); }));
  CHECK(f.refused([&] { (void)f.mine->pause("me"); }));
  CHECK(f.refused([&] { (void)f.mine->write_config({}, "h", "me", 99); }));
  for (const redis::Command& command :
       std::vector<redis::Command>{{"ZPOPMIN", f.key("ready")},
                                   {"ZREM", f.key("ready"), "plain"},
                                   {"ZRANGE", f.key("ready"), "0", "-1"},
                                   {"DEL", f.key("body")},
                                   {"HDEL", f.key("body"), "plain"},
                                   {"HSET", f.key("own"), "a", "b"},
                                   {"ZADD", f.key("active"), "1", "a"},
                                   {"HGETALL", f.key("cfg")},
                                   {"HGETALL", f.key("body")},
                                   {"DEL", f.key("cfg")},
                                   {"HDEL", f.key("cfg"), "hash"},
                                   {"HGET", f.key("winfo"), "w"},
                                   {"DEL", f.key("nil")},
                                   {"BLPOP", f.key("wake"), "1"}}) {
    CHECK_MESSAGE(f.refused(command), command[0], " ", command[1]);
  }
  CHECK(f.queue.counts().waiting == waiting);
  f.check();
}

}  // namespace

TEST_CASE("the page has the five users") {
  const auto blocks = fenced("acl");
  CHECK(blocks.size() == 5);
  CHECK(words_of("A \"(b c)\" d\n") == redis::Command{"A", "(b c)", "d"});
}

TEST_CASE("a producer enqueues, and claims, settles, lists and deletes nothing") {
  UserFixture f("wp-producer");
  check_producer(f);
  check_cannot_claim(f);
  // What the page admits.
  (void)f.own->execute({"HSET", f.key("cfg"), "max_depth", "7"});
  CHECK(f.own->execute({"HMGET", f.key("body"), "plain"}).at(0).text().size() == 15);
}

TEST_CASE("a producer without the right to load scripts runs those that are there") {
  UserFixture f("wp-producer");
  (void)f.raw.execute({"ACL", "SETUSER", "wp-producer", "-script|load"});
  const redis::Script& script = queue::scripts().enqueue;
  redis::Command call{"EVALSHA", script.sha1(), std::to_string(script.key_names().size())};
  for (const std::string& part : script.key_names()) call.push_back(f.key(part));
  for (const char* word : {"0", "1", "a", "100", "0", "default", "", "\n"}) call.emplace_back(word);
  (void)f.raw.execute({"SCRIPT", "FLUSH"});
  CHECK(f.refused({"SCRIPT", "LOAD", "return 1"}));
  try {
    (void)f.own->execute(call);
    CHECK(false);
  } catch (const redis::Error& e) {
    CHECK(e.error_class() == ErrorClass::no_script);
  }
  (void)f.raw.execute({"SCRIPT", "LOAD", script.source()});
  CHECK(f.own->execute(call).at(0).text() == "ok");
}

TEST_CASE("a producer of Redis 6.2 enqueues, but could remove jobs") {
  UserFixture f("wp-producer-6");
  check_producer(f);
  CHECK(f.refused({"HGETALL", f.key("cfg")}));
  CHECK(f.own->execute({"ZREM", f.key("delayed"), "nobody"}).integer() == 0);
}

TEST_CASE("a worker does its work") {
  UserFixture f("wp-worker", Fields{{"keep_done_count", "2"},
                                    {"max_attempts", "1"},
                                    {"keep_dead_count", "1"},
                                    {"rate_jobs", "1000"}});
  (void)f.mine->register_worker("w/1", "{}", {});
  enqueue_all_ways(f.queue);
  for (int i = 0; i < 8; ++i) f.put("j" + std::to_string(i));
  (void)f.own->execute({"BLPOP", f.key("wake"), "1"});
  auto claimed = f.mine->step("w/1", {}, 8).claimed;
  REQUIRE(claimed.size() == 8);
  std::vector<queue::Settlement> ends;
  for (int i = 0; i < 4; ++i) ends.push_back(f.settle(claimed[static_cast<std::size_t>(i)]));
  ends.push_back(f.settle(claimed[4], Outcome::fail, "no"));
  ends.push_back(f.settle(claimed[5], Outcome::defer, "later"));
  ends.push_back(f.settle(claimed[6], Outcome::bury, "never"));
  (void)f.mine->step("w/1", ends, 0);
  const queue::Claim held{claimed[7].id, claimed[7].epoch};
  (void)f.mine->beat("w/1", {held}, {{held.id, 5, "on"}}, "{}", true);
  CHECK(f.mine->release("w/1", {held}, queue::ReleaseKind::interrupted, true) == 1);
  (void)f.mine->read_config();
  f.check_confined();
  CHECK(f.refused({"SUBSCRIBE", f.key("events")}));
  CHECK(f.refused({"SCAN", "0"}));
  f.check();
}

TEST_CASE("the operator does its work") {
  UserFixture f("wp-operator");
  enqueue_all_ways(f.queue);
  (void)f.claim("pod/1", 2);
  CHECK(f.mine->write_config({{"max_depth", "9"}}, "h2", "pool-uid", 2) ==
        queue::ConfigWritten::written);
  (void)f.mine->counts({.worker_info = true, .failures_since = Millis{0}});
  (void)f.mine->retire({"pod"}, queue::RetiredBy::controller, 2);
  (void)f.mine->unretire({"pod"}, queue::RetiredBy::controller, 2);
  CHECK(f.mine->reclaim({"pod"}, queue::LossCause::crash, "gone", 2)->taken == 2);
  (void)f.mine->trim();
  (void)f.mine->read_config();
  (void)f.mine->orphan("pool-uid", 2);
  f.check_confined();
  CHECK(f.refused({"BLPOP", f.key("wake"), "1"}));
  CHECK(f.refused({"SCAN", "0"}));
  f.own->send({"SUBSCRIBE", f.key("events")});
  CHECK(f.own->read_push(Millis{5000}).at(0).text() == "subscribe");
  f.check();
}

TEST_CASE("a person does everything that workerpoolctl can") {
  UserFixture f("wp-person");
  enqueue_all_ways(*f.mine);
  (void)f.mine->counts({.worker_info = true, .failures_since = Millis{0}});
  (void)f.mine->pause("me");
  (void)f.mine->resume();
  (void)f.mine->reprioritise({"plain"}, 1);
  (void)f.mine->promote({"later"});
  (void)f.mine->cancel({"plain", "unique"});
  (void)f.mine->redrive({"plain"});
  (void)f.mine->redrive_oldest(10);
  (void)f.mine->remove({"plain"});
  (void)f.mine->list(queue::JobState::dead, 0, 10);
  (void)f.mine->job("session");
  (void)f.mine->retire({"pod"}, queue::RetiredBy::person, 0);
  (void)f.mine->unretire({"pod"}, queue::RetiredBy::person, 0);
  for (const auto state : {queue::JobState::ready, queue::JobState::delayed, queue::JobState::dead,
                           queue::JobState::done}) {
    (void)f.mine->purge(state, 10);
  }
  CHECK(f.mine->check().empty());
  (void)f.own->execute({"SCAN", "0"});
  (void)f.own->execute({"INFO"});
  (void)f.own->execute({"CONFIG", "GET", "maxmemory"});
  (void)f.own->execute({"ACL", "WHOAMI"});
  f.check_confined();
}
