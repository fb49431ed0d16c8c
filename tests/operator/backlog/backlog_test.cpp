// The backlog reader on real Redis servers: woken by the channel, honest about errors, and never
// held up by another's trouble.
#include "operator/backlog/backlog.h"

#include <doctest/doctest.h>

#include "tests/operator/backlog/support.h"
#include "tests/support/free_port.h"
#include "tests/support/redis_server.h"
#include "tests/support/wait.h"

using namespace wp;
using namespace wp::backlog;
using wp::test::eventually;
using wp::test::Reader;
using wp::test::RedisServer;
using wp::test::watch_of;

namespace {

void put(const redis::Endpoint& endpoint, const std::string& queue, int jobs) {
  redis::Connection connection(endpoint);
  connection.connect();
  std::vector<queue::NewJob> batch(static_cast<std::size_t>(jobs));
  (void)queue::Queue(connection, queue).enqueue(batch);
}

}  // namespace

TEST_CASE("an enqueue is seen long before the next reading of an idle queue is due") {
  RedisServer server;
  Reader r;
  r.reader.watch("default/a", watch_of(server.endpoint(), "q"));
  REQUIRE(eventually([&] { return r.readable("default/a"); }));
  // The subscription stands once Redis counts a subscriber.
  redis::Connection raw(server.endpoint());
  raw.connect();
  REQUIRE(eventually([&] {
    return raw.execute({"PUBSUB", "NUMSUB", "wp:{q}:events"}).at(1).integer() == 1;
  }));
  put(server.endpoint(), "q", 3);
  // Idle queues are read every 15 s: only the announcement explains less.
  CHECK(eventually([&] { return r.reader.latest("default/a")->counts->waiting == 3; },
                   Millis{12000}));
  CHECK(r.changes_of("default/a") >= 2);
}

TEST_CASE("a job enqueued while a reading is under way is not overlooked") {
  // Two hundred queues are read in one round trip and their configurations written one by one: what
  // is enqueued into the last of them meanwhile is announced before that reading has ended.
  constexpr int kQueues = 200;
  RedisServer server;
  Reader r;
  redis::Connection raw(server.endpoint());
  raw.connect();
  const auto name = [](int i) { return "q" + std::to_string(i); };
  const auto watch_all = [&](const std::string& hash) {
    for (int i = 0; i < kQueues; ++i) {
      Watch watch = watch_of(server.endpoint(), name(i));
      watch.config_hash = hash;
      r.reader.watch("default/" + name(i), watch);
    }
  };
  watch_all("h1");
  REQUIRE(eventually([&] {
    return r.readable("default/" + name(kQueues - 1)) &&
           raw.execute({"PUBSUB", "NUMSUB", queue::key_name(name(kQueues - 1), "events")})
                   .at(1)
                   .integer() == 1;
  }));
  watch_all("h2");
  while (queue::Queue(raw, name(kQueues / 2)).read_config().hash != "h2") {
  }
  put(server.endpoint(), name(kQueues - 1), 1);
  CHECK(eventually(
      [&] { return r.reader.latest("default/" + name(kQueues - 1))->counts->waiting == 1; },
      Millis{12000}));
}

TEST_CASE("the queue's configuration is written, kept, and written anew after a flush") {
  RedisServer server;
  Reader r;
  Watch watch = watch_of(server.endpoint(), "q");
  watch.has_workers = true;
  r.reader.watch("default/a", watch);
  redis::Connection raw(server.endpoint());
  raw.connect();
  queue::Queue queue(raw, "q");
  REQUIRE(eventually([&] { return queue.read_config().hash == "h1"; }));
  CHECK(queue.read_config().text("about", "") == queue::kAbout);
  CHECK(raw.execute({"OBJECT", "ENCODING", "wp:{q}:cfg"}).text() == "hashtable");
  (void)raw.execute({"FLUSHALL"});
  CHECK(eventually([&] { return queue.read_config().hash == "h1"; }));
  watch.config_hash = "h2";
  watch.config["lease_ms"] = "9000";
  r.reader.watch("default/a", watch);
  CHECK(eventually([&] { return queue.read_config().number("lease_ms", 0) == 9000; }));
}

TEST_CASE("a queue that another pool owns is a conflict, and its configuration stays") {
  RedisServer server;
  Reader r;
  r.reader.watch("default/a", watch_of(server.endpoint(), "q"));
  REQUIRE(eventually([&] { return r.readable("default/a"); }));
  Watch second = watch_of(server.endpoint(), "q");
  second.owner = "another-uid";
  second.config_hash = "other";
  r.reader.watch("default/b", second);
  REQUIRE(eventually([&] {
    const auto latest = r.reader.latest("default/b");
    return latest && latest->conflict;
  }));
  CHECK(r.reader.latest("default/b")->other_owner == "uid-q");
  redis::Connection raw(server.endpoint());
  raw.connect();
  CHECK(queue::Queue(raw, "q").read_config().hash == "h1");
}

TEST_CASE(
    "a Redis that goes away is an error with its class, never a zero; it recovers by itself") {
  RedisServer server({"appendonly yes", "appendfsync always"});
  Reader r;
  Watch watch = watch_of(server.endpoint(), "q");
  watch.has_workers = true;
  r.reader.watch("default/a", watch);
  REQUIRE(eventually([&] { return r.readable("default/a"); }));
  put(server.endpoint(), "q", 2);
  REQUIRE(eventually([&] { return r.reader.latest("default/a")->counts->waiting == 2; }));
  server.kill9();
  REQUIRE(eventually([&] { return r.reader.latest("default/a")->error.has_value(); }));
  CHECK(r.reader.latest("default/a")->counts->waiting == 2);
  server.start();
  REQUIRE(eventually([&] { return r.readable("default/a"); }, Millis{60000}));
  CHECK(r.reader.latest("default/a")->counts->waiting == 2);
}

TEST_CASE("since when a queue is read without an error: anew after each outage") {
  RedisServer server;
  Reader r;
  // One is read each second, the other each 15 s: the first meets the outage before the other.
  Watch busy = watch_of(server.endpoint(), "busy");
  busy.has_workers = true;
  r.reader.watch("default/busy", busy);
  r.reader.watch("default/idle", watch_of(server.endpoint(), "idle"));
  const auto since = [&](const char* key) { return r.reader.latest(key)->reading_since; };
  REQUIRE(eventually([&] { return r.readable("default/busy") && r.readable("default/idle"); }));
  const Millis first = since("default/busy");
  const Millis idle = since("default/idle");
  CHECK(first > Millis{0});
  REQUIRE(eventually([&] { return r.reader.latest("default/busy")->read_at > first; }));
  CHECK(since("default/busy") == first);
  server.stop();
  REQUIRE(eventually([&] { return r.reader.latest("default/busy")->error.has_value(); }));
  CHECK(since("default/busy") == Millis{0});
  server.start();
  REQUIRE(eventually([&] { return r.readable("default/busy"); }));
  CHECK(since("default/busy") > first);
  put(server.endpoint(), "idle", 1);
  REQUIRE(eventually([&] { return r.reader.latest("default/idle")->counts->waiting == 1; },
                     Millis{60000}));
  CHECK(since("default/idle") > idle);
}

TEST_CASE("a wrong password is told apart") {
  RedisServer server({"requirepass secret"});
  Reader r;
  redis::Endpoint endpoint = server.endpoint();
  endpoint.password = "wrong";
  r.reader.watch("default/a", watch_of(endpoint, "q"));
  REQUIRE(eventually([&] { return r.reader.latest("default/a").has_value(); }));
  CHECK(r.reader.latest("default/a")->error == redis::ErrorClass::auth);
  endpoint.password = "secret";
  r.reader.watch("default/a", watch_of(endpoint, "q"));
  CHECK(eventually([&] { return r.readable("default/a"); }));
}

TEST_CASE("a wedged Redis does not delay the pools of another") {
  RedisServer wedged;
  RedisServer healthy;
  Reader r;
  r.reader.watch("default/w", watch_of(wedged.endpoint(), "q"));
  r.reader.watch("default/h", watch_of(healthy.endpoint(), "q"));
  REQUIRE(eventually([&] { return r.readable("default/w") && r.readable("default/h"); }));
  wedged.pause();
  put(healthy.endpoint(), "q", 5);
  CHECK(eventually([&] { return r.reader.latest("default/h")->counts->waiting == 5; },
                   Millis{12000}));
  wedged.resume();
}

TEST_CASE("unwatched pools are forgotten, the others of the same connection go on") {
  RedisServer server;
  Reader r;
  r.reader.watch("default/a", watch_of(server.endpoint(), "qa"));
  r.reader.watch("default/b", watch_of(server.endpoint(), "qb"));
  REQUIRE(eventually([&] { return r.readable("default/a") && r.readable("default/b"); }));
  r.reader.unwatch("default/a");
  CHECK_FALSE(r.reader.latest("default/a").has_value());
  put(server.endpoint(), "qb", 1);
  CHECK(eventually([&] { return r.reader.latest("default/b")->counts->waiting == 1; }));
}
