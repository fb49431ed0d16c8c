// What a source hears of its queues: each from the moment it is watched, over one subscription, and
// by looking often where nothing may be heard.
#include <doctest/doctest.h>

#include "operator/backlog/backlog.h"
#include "queue/redis/connection.h"
#include "tests/operator/backlog/support.h"
#include "tests/support/redis_server.h"
#include "tests/support/wait.h"

using namespace wp;
using wp::test::eventually;
using wp::test::Reader;
using wp::test::RedisServer;
using wp::test::watch_of;

namespace {

struct Events {
  Events() { raw.connect(); }

  std::int64_t subscribers(const std::string& queue) {
    return raw.execute({"PUBSUB", "NUMSUB", queue::key_name(queue, "events")}).at(1).integer();
  }
  /// The connections that listen, by their ids.
  std::string listeners() {
    const std::string list = raw.execute({"CLIENT", "LIST", "TYPE", "PUBSUB"}).text();
    std::string ids;
    for (std::size_t at = 0; (at = list.find("id=", at)) != std::string::npos; ++at) {
      if (at == 0 || list[at - 1] == '\n') ids += list.substr(at, list.find(' ', at) - at) + " ";
    }
    return ids;
  }
  std::int64_t readings() {
    const std::string stats = raw.execute({"INFO", "commandstats"}).text();
    const std::string name = "cmdstat_evalsha:calls=";
    const std::size_t at = stats.find(name);
    return at == std::string::npos ? 0 : std::stoll(stats.substr(at + name.size()));
  }
  // Once the reader has written the queue's configuration: until then it takes no job.
  void put(const std::string& queue) {
    const std::string cfg = queue::key_name(queue, "cfg");
    REQUIRE(eventually([&] { return raw.execute({"EXISTS", cfg}).integer() == 1; }));
    std::vector<queue::NewJob> batch(1);
    (void)queue::Queue(raw, queue).enqueue(batch);
  }
  bool waits(const std::string& key) {
    const auto latest = r.reader.latest(key);
    return latest && latest->counts && latest->counts->waiting == 1;
  }

  RedisServer server;
  redis::Connection raw{server.endpoint()};
  Reader r;
};

}  // namespace

TEST_CASE("queues come and go on one subscription, and nobody is read anew for another") {
  constexpr int kQueues = 50;
  Events f;
  const auto name = [](int i) { return "q" + std::to_string(i); };
  const auto add = [&](int i) {
    f.r.reader.watch("default/" + name(i), watch_of(f.server.endpoint(), name(i)));
    REQUIRE(eventually([&] { return f.subscribers(name(i)) == 1; }));
    REQUIRE(eventually([&] { return f.r.readable("default/" + name(i)); }));
  };
  add(0);
  const std::string listeners = f.listeners();
  CHECK_FALSE(listeners.empty());
  for (int i = 1; i < kQueues; ++i) add(i);
  CHECK(f.listeners() == listeners);
  // Of each queue: when it is new, its configuration, and when it is subscribed to. Reading all for
  // each new one would be twelve hundred.
  CHECK(f.readings() < 6 * kQueues);

  f.r.reader.unwatch("default/q0");
  CHECK(eventually([&] { return f.subscribers("q0") == 0; }));
  CHECK(f.subscribers("q1") == 1);
  f.put(name(kQueues - 1));
  CHECK(eventually([&] { return f.waits("default/" + name(kQueues - 1)); }, Millis{12000}));
  CHECK(f.listeners() == listeners);
}

TEST_CASE("of a pool that gets another queue that one is heard") {
  Events f;
  f.r.reader.watch("default/a", watch_of(f.server.endpoint(), "before"));
  REQUIRE(eventually([&] { return f.subscribers("before") == 1; }));
  f.r.reader.watch("default/a", watch_of(f.server.endpoint(), "after"));
  REQUIRE(eventually([&] { return f.subscribers("after") == 1; }));
  CHECK(eventually([&] { return f.subscribers("before") == 0; }));
  f.put("after");
  CHECK(eventually([&] { return f.waits("default/a"); }, Millis{12000}));
}

TEST_CASE("the last queue that goes takes the subscription along, and a new one brings it back") {
  Events f;
  f.r.reader.watch("default/a", watch_of(f.server.endpoint(), "q"));
  REQUIRE(eventually([&] { return f.subscribers("q") == 1; }));
  f.r.reader.abandon("default/a");
  CHECK(eventually([&] { return f.listeners().empty(); }));
  f.r.reader.watch("default/b", watch_of(f.server.endpoint(), "other"));
  REQUIRE(eventually([&] { return f.subscribers("other") == 1; }));
  f.put("other");
  CHECK(eventually([&] { return f.waits("default/b"); }, Millis{12000}));
}

TEST_CASE("who listens when its connection is cut listens again") {
  Events f;
  f.r.reader.watch("default/a", watch_of(f.server.endpoint(), "q"));
  REQUIRE(eventually([&] { return f.subscribers("q") == 1; }));
  const std::string before = f.listeners();
  (void)f.raw.execute({"CLIENT", "KILL", "TYPE", "pubsub"});
  REQUIRE(eventually([&] { return f.subscribers("q") == 1 && f.listeners() != before; }));
  f.put("q");
  CHECK(eventually([&] { return f.waits("default/a"); }, Millis{12000}));
}

TEST_CASE("a user without channel rights: an idle queue is read each second instead") {
  Events f;
  (void)f.raw.execute({"ACL", "SETUSER", "deaf", "on", ">secret", "~*", "resetchannels", "+@all"});
  redis::Endpoint endpoint = f.server.endpoint();
  endpoint.username = "deaf";
  endpoint.password = "secret";
  f.r.reader.watch("default/a", watch_of(endpoint, "q"));
  REQUIRE(eventually([&] { return f.r.readable("default/a"); }));
  // Four readings of an idle queue that is heard take a minute.
  const std::int64_t before = f.readings();
  CHECK(eventually([&] { return f.readings() >= before + 4; }, Millis{30000}));
  f.put("q");
  CHECK(eventually([&] { return f.waits("default/a"); }, Millis{12000}));
}
