// A pool is deleted: its queue is told, by whoever owned it and by nobody else.
#include <doctest/doctest.h>

#include "tests/operator/backlog/support.h"
#include "tests/support/redis_server.h"
#include "tests/support/wait.h"

using namespace wp;
using wp::test::eventually;
using wp::test::Reader;
using wp::test::RedisServer;
using wp::test::watch_of;

namespace {

struct Outside {
  redis::Connection connection;
  queue::Queue queue{connection, "q"};
  explicit Outside(const RedisServer& server) : connection(server.endpoint()) {
    connection.connect();
  }
  std::string owner() { return queue.read_config().owner; }
  bool is_served() {
    std::vector<queue::NewJob> job(1);
    try {
      (void)queue.enqueue(job);
      return true;
    } catch (const queue::EnqueueRefused& refused) {
      CHECK(refused.reason() == queue::EnqueueRefused::Reason::no_pool);
      return false;
    }
  }
};

}  // namespace

TEST_CASE("a deleted pool's producers hear that nobody serves the queue; its jobs stay") {
  RedisServer server;
  Outside outside(server);
  Reader r;
  r.reader.watch("default/a", watch_of(server.endpoint(), "q"));
  REQUIRE(eventually([&] { return r.readable("default/a"); }));
  REQUIRE(outside.is_served());
  const int changes = r.changes_of("default/a");
  r.reader.abandon("default/a");
  CHECK_FALSE(r.reader.latest("default/a").has_value());
  REQUIRE(eventually([&] { return r.changes_of("default/a") > changes; }));
  CHECK(eventually([&] { return outside.owner() == "orphaned"; }));
  CHECK_FALSE(outside.is_served());
  CHECK(outside.queue.counts().waiting == 1);

  // Made again, under another uid: the next pool takes the queue over.
  backlog::Watch next = watch_of(server.endpoint(), "q");
  next.owner = "uid-next";
  r.reader.watch("default/a", next);
  REQUIRE(eventually([&] { return outside.owner() == "uid-next"; }));
  CHECK(outside.is_served());
}

TEST_CASE("made again in the same moment: the new pool has the queue in the end") {
  RedisServer server;
  Outside outside(server);
  Reader r;
  r.reader.watch("default/a", watch_of(server.endpoint(), "q"));
  REQUIRE(eventually([&] { return r.readable("default/a"); }));
  backlog::Watch next = watch_of(server.endpoint(), "q");
  next.owner = "uid-next";
  r.reader.abandon("default/a");
  r.reader.watch("default/a", next);
  REQUIRE(eventually([&] { return outside.owner() == "uid-next"; }));
  REQUIRE(eventually([&] {
    const auto latest = r.reader.latest("default/a");
    return latest && latest->counts && latest->counts->config_owner == "uid-next";
  }));
  CHECK(outside.is_served());
}

TEST_CASE("a pool that does not own its queue leaves it as it is") {
  RedisServer server;
  Outside outside(server);
  (void)outside.queue.write_config({}, "h0", "uid-other", 1);
  Reader r;
  r.reader.watch("default/a", watch_of(server.endpoint(), "q"));
  REQUIRE(eventually([&] {
    const auto latest = r.reader.latest("default/a");
    return latest && latest->conflict;
  }));
  const int changes = r.changes_of("default/a");
  r.reader.abandon("default/a");
  REQUIRE(eventually([&] { return r.changes_of("default/a") > changes; }));
  CHECK(outside.owner() == "uid-other");
}

TEST_CASE("a Redis that is away when the pool is deleted is told when it is back") {
  RedisServer server(RedisServer::persistent());
  Reader r;
  r.reader.watch("default/a", watch_of(server.endpoint(), "q"));
  REQUIRE(eventually([&] { return r.readable("default/a"); }));
  server.kill9();
  r.reader.abandon("default/a");
  server.start();
  Outside outside(server);
  CHECK(eventually([&] { return outside.owner() == "orphaned"; }));
}

TEST_CASE("an unwatched pool is not a deleted one") {
  RedisServer server;
  Outside outside(server);
  Reader r;
  r.reader.watch("default/a", watch_of(server.endpoint(), "q"));
  backlog::Watch beside = watch_of(server.endpoint(), "beside");
  r.reader.watch("default/b", beside);
  REQUIRE(eventually([&] { return r.readable("default/a") && r.readable("default/b"); }));
  r.reader.unwatch("default/a");
  r.reader.abandon("default/a");
  // The same thread would have told it before this.
  beside.config_hash = "h2";
  r.reader.watch("default/b", beside);
  REQUIRE(eventually([&] { return r.reader.latest("default/b")->counts->config_hash == "h2"; }));
  CHECK(outside.owner() == "uid-q");
}
