// A user who may not publish: an operation that would announce work does all the rest.
#include <doctest/doctest.h>

#include "tests/queue/fixture.h"

using namespace wp;
using namespace wp::queue;
using wp::test::Fields;
using wp::test::QueueFixture;

namespace {

const std::string kWorker = "pod-a/00000001";

redis::Endpoint without_channels(redis::Connection& admin) {
  (void)admin.execute(
      {"ACL", "SETUSER", "mute", "on", ">secret", "~wp:*", "resetchannels", "+@all"});
  redis::Endpoint endpoint = test::shared_redis().endpoint();
  endpoint.username = "mute";
  endpoint.password = "secret";
  return endpoint;
}

}  // namespace

TEST_CASE("without channel rights: whatever announces work takes its whole effect, and wakes") {
  QueueFixture f(Fields{{"max_crashes", "9"}});
  redis::Connection connection(without_channels(f.raw));
  connection.connect();
  CHECK_THROWS_AS((void)connection.execute({"PUBLISH", "wp:{q}:events", "work"}), redis::Error);
  Queue queue(connection, "q");
  const auto check_woken = [&](const std::string& what) {
    CAPTURE(what);
    CHECK(queue.job("x").state == JobState::ready);
    CHECK(f.raw.execute({"LPOP", key_name("q", "wake")}).text() == "j");
    f.put("y");  // its token replaces the one just taken
    CHECK(f.queue.remove({"y"}).at(0).changed);
    f.check();
  };
  std::vector<NewJob> jobs(1);
  jobs[0].id = "x";
  CHECK(queue.enqueue(jobs).at(0).id == "x");
  check_woken("enqueue");
  const auto claim = [&] {
    const auto claimed = queue.step(kWorker, {}, 1).claimed;
    REQUIRE(claimed.size() == 1);
    return claimed[0];
  };
  const ClaimedJob released = claim();
  CHECK(queue.release(kWorker, {{"x", released.epoch}}, ReleaseKind::unstarted, false) == 1);
  check_woken("release");
  (void)claim();
  CHECK(queue.register_worker("pod-a/00000002", "{}", {}).taken_back == 1);
  check_woken("register");
  (void)claim();
  CHECK(queue.reclaim({"pod-a"}, LossCause::loss, "is gone", 1)->taken == 1);
  check_woken("reclaim");
  (void)claim();
  (void)queue.beat(kWorker, {}, {}, "", true);
  check_woken("beat");
  CHECK(queue.step(kWorker, {f.settle(claim(), Outcome::fail)}, 0).settled.at(0) ==
        Settled::retried);
  check_woken("retry");
  CHECK(queue.step(kWorker, {f.settle(claim(), Outcome::bury)}, 0).settled.at(0) == Settled::dead);
  CHECK(queue.redrive({"x"}).at(0).changed);
  check_woken("redrive");
}
