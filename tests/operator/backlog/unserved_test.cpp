// Queues that no worker serves, on a real Redis: what STEP does in passing is the reader's to do.
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

struct Site {
  RedisServer server;
  redis::Connection connection{server.endpoint()};
  queue::Queue queue{connection, "q"};
  Site() { connection.connect(); }

  void put(int jobs) {
    std::vector<queue::NewJob> batch(static_cast<std::size_t>(jobs));
    (void)queue.enqueue(batch, true);
  }
  // A worker takes all of them and is never heard of again.
  void take_and_vanish(int jobs) {
    put(jobs);
    (void)queue.register_worker("pod/0a", "", {});
    REQUIRE(queue.step("pod/0a", {}, jobs).claimed.size() == static_cast<std::size_t>(jobs));
  }
  // When something that passes the time was last done to the queue.
  std::string seen() { return connection.execute({"HGET", "wp:{q}:cfg", "seen"}).text(); }
  // Makes the reader look again and again, far more often than time alone would.
  void wait_for_readings(Reader& r, int readings) {
    const auto at = [&] { return r.reader.latest("default/a")->read_at; };
    for (int i = 0; i < readings; ++i) {
      const Millis before = at();
      REQUIRE(eventually([&] {
        (void)connection.execute({"PUBLISH", queue.events_channel(), "x"});
        return at() > before;
      }));
    }
  }
};

backlog::Watch brief_leases(const Site& site) {
  backlog::Watch watch = watch_of(site.server.endpoint(), "q");
  watch.config["lease_ms"] = "600";
  return watch;
}

}  // namespace

TEST_CASE("the jobs of workers that are all gone come back though nobody steps") {
  Site site;
  (void)site.queue.write_config({{"lease_ms", "600"}}, "h0", "uid-q", 1);
  site.take_and_vanish(3);
  Reader r;
  r.reader.watch("default/a", brief_leases(site));
  CHECK(eventually([&] {
    const auto latest = r.reader.latest("default/a");
    return latest && latest->counts && latest->counts->waiting == 3 && latest->counts->active == 0;
  }));
  CHECK(site.queue.counts().stat.at("lost") == 3);
  CHECK(site.queue.check().empty());
}

TEST_CASE("a living worker's queue is left alone, and one that only keeps what is finished") {
  Site site;
  (void)site.queue.write_config({{"lease_ms", "600000"}, {"keep_done_age_ms", "1"}}, "h1", "uid-q",
                                1000);
  site.take_and_vanish(2);  // its lease is ten minutes: it lives
  Reader r;
  backlog::Watch watch = watch_of(site.server.endpoint(), "q");
  watch.config = {{"lease_ms", "600000"}, {"keep_done_age_ms", "1"}};
  r.reader.watch("default/a", watch);
  REQUIRE(eventually([&] { return r.readable("default/a"); }));
  std::string seen = site.seen();
  site.wait_for_readings(r, 20);
  CHECK(site.seen() == seen);

  std::vector<queue::Settlement> settlements;
  for (const auto& [id, lease] : site.queue.list(queue::JobState::active, 0, 10).jobs) {
    settlements.push_back({.id = id, .epoch = site.queue.job(id).epoch, .text = {}});
  }
  (void)site.queue.step("pod/0a", settlements, 0);
  (void)site.queue.release("pod/0a", {}, queue::ReleaseKind::unstarted, true);
  REQUIRE(site.queue.counts().workers.empty());
  REQUIRE(site.queue.counts().done == 2);
  seen = site.seen();
  site.wait_for_readings(r, 20);
  CHECK(site.seen() == seen);
}

TEST_CASE("another pool's queue is not trimmed") {
  Site site;
  (void)site.queue.write_config({{"lease_ms", "600"}}, "h0", "uid-other", 1);
  site.take_and_vanish(1);
  Reader r;
  r.reader.watch("default/a", brief_leases(site));
  REQUIRE(eventually([&] {
    const auto latest = r.reader.latest("default/a");
    return latest && latest->conflict;
  }));
  // Two leases and more, by Redis's clock.
  REQUIRE(eventually([&] {
    const queue::Counts counts = site.queue.counts();
    return counts.now - counts.workers.at(0).last_beat > Millis{1800};
  }));
  const std::string seen = site.seen();
  site.wait_for_readings(r, 20);
  CHECK(site.seen() == seen);
  CHECK(site.queue.counts().active == 1);
}
