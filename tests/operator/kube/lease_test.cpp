#include "operator/kube/lease.h"

#include <atomic>
#include <doctest/doctest.h>
#include <mutex>
#include <stdexcept>

#include "tests/operator/kube/support.h"

namespace wp::kube {
namespace {

using test::config_for;
using test::eventually;
using wp::test::ApiExchange;
using wp::test::FakeApi;

/// Holds one Lease with optimistic concurrency, as the API server does.
class LeaseServer {
 public:
  LeaseServer() {
    api.fallback([this](ApiExchange& exchange) { serve(exchange); });
  }

  Json lease() {
    const std::lock_guard lock(mutex_);
    return lease_;
  }
  void set(Json lease) {
    const std::lock_guard lock(mutex_);
    store(std::move(lease));
  }
  std::atomic<bool> silent{false};
  std::atomic<int> lose_answers{0};  // so many writes take effect and are not answered
  FakeApi api;

 private:
  void store(Json lease) {
    lease["metadata"]["resourceVersion"] = std::to_string(++version_);
    lease_ = std::move(lease);
  }

  void serve(ApiExchange& exchange) {
    if (silent) exchange.stall();
    std::unique_lock lock(mutex_);
    const std::string& method = exchange.request().method;
    if (method == "GET" && lease_.is_null()) return exchange.reply(404, R"({"reason":"NotFound"})");
    if (method != "GET") {
      Json wanted = Json::parse(exchange.request().body);
      if (method == "POST" && !lease_.is_null()) {
        return exchange.reply(409, R"({"reason":"AlreadyExists"})");
      }
      if (method == "PUT" && (lease_.is_null() || wanted["metadata"]["resourceVersion"] !=
                                                      lease_["metadata"]["resourceVersion"])) {
        return exchange.reply(409, R"({"reason":"Conflict"})");
      }
      store(std::move(wanted));
      if (lose_answers > 0) {
        --lose_answers;
        lock.unlock();
        exchange.cut();
      }
    }
    exchange.reply(200, lease_.dump());
  }

  std::mutex mutex_;
  Json lease_;
  int version_ = 0;
};

class Candidate {
 public:
  // A leader renews in time also on a machine that stands still for a while.
  Candidate(LeaseServer& server, const std::string& identity, Millis duration = Millis{20000})
      : elector_(config_for(server.api),
                 {.ns = "ns",
                  .name = "operator",
                  .identity = identity,
                  .term_annotation = "example.dev/term",
                  .duration = duration,
                  .renew_deadline = duration / 2,
                  .retry_period = Millis{50}},
                 {.on_started = [this](std::int64_t term) { started = term; },
                  .on_lost = [this] { lost = true; }}) {
    elector_.start();
  }
  LeaderElector* operator->() { return &elector_; }

  std::atomic<std::int64_t> started{0};
  std::atomic<bool> lost{false};

 private:
  LeaderElector elector_;
};

std::string holder(LeaseServer& server) {
  const Json lease = server.lease();
  return lease.is_null() ? "" : lease["spec"].value("holderIdentity", "");
}

TEST_CASE("the first candidate leads and renews; a release lets the next one in at once") {
  LeaseServer server;
  Candidate one(server, "one");
  REQUIRE(eventually([&] { return one.started > 0; }));
  CHECK(one->leading());
  CHECK(one->term() == one.started.load());
  CHECK(server.lease()["metadata"]["annotations"]["example.dev/term"] ==
        std::to_string(one.started.load()));
  Candidate two(server, "two");
  const Json before = server.lease();
  CHECK(eventually(
      [&] { return server.lease()["spec"]["renewTime"] != before["spec"]["renewTime"]; }));
  CHECK_FALSE(two->leading());
  CHECK_FALSE(two->term());
  one->stop(true);
  CHECK_FALSE(one->leading());
  CHECK_FALSE(one.lost);
  const Millis released = system_clock().steady();
  REQUIRE(eventually([&] { return two.started > 0; }));
  CHECK(system_clock().steady() - released < Millis{15000});  // less than the lease's duration
  CHECK(two.started > one.started);
  CHECK(server.lease()["spec"]["leaseTransitions"] == 1);
}

TEST_CASE("a crashed leader is succeeded once its lease has run out, not before") {
  LeaseServer server;
  const Millis begin = system_clock().steady();
  {
    Candidate gone(server, "gone", Millis{2000});
    REQUIRE(eventually([&] { return gone.started > 0; }));
  }
  CHECK(holder(server) == "gone");
  Candidate next(server, "next", Millis{2000});
  REQUIRE(eventually([&] { return next.started > 0; }));
  CHECK(system_clock().steady() - begin >= Millis{2000});
}

TEST_CASE("a leader that cannot renew stops leading by itself and says so") {
  LeaseServer server;
  Candidate leader(server, "one", Millis{4000});
  REQUIRE(eventually([&] { return leader.started > 0; }));
  server.silent = true;
  CHECK(eventually([&] { return !leader->leading(); }));
  CHECK(eventually([&] { return leader.lost.load(); }));
}

TEST_CASE("a leader whose lease another took is told at the next renewal") {
  LeaseServer server;
  Candidate leader(server, "one");
  REQUIRE(eventually([&] { return leader.started > 0; }));
  Json stolen = server.lease();
  stolen["spec"]["holderIdentity"] = "thief";
  server.set(stolen);
  CHECK(eventually([&] { return leader.lost.load(); }));
  CHECK_FALSE(leader->leading());
}

TEST_CASE("a write that took effect without an answer is recognised as ours") {
  LeaseServer server;
  server.lose_answers = 1;
  Candidate leader(server, "one");
  REQUIRE(eventually([&] { return leader.started > 0; }));
  CHECK(server.lease()["metadata"]["annotations"]["example.dev/term"] ==
        std::to_string(leader.started.load()));
  server.lose_answers = 1;
  CHECK(eventually([&] { return server.lose_answers == 0; }));
  const Json now = server.lease();
  CHECK(
      eventually([&] { return server.lease()["spec"]["renewTime"] != now["spec"]["renewTime"]; }));
  CHECK(leader->leading());
}

TEST_CASE("two candidates: never two leaders") {
  LeaseServer server;
  Candidate one(server, "one");
  Candidate two(server, "two");
  REQUIRE(eventually([&] { return one.started > 0 || two.started > 0; }));
  CHECK((one.started > 0) != (two.started > 0));
}

TEST_CASE("settings that could let two lead are refused") {
  LeaseServer server;
  CHECK_THROWS_AS(LeaderElector(config_for(server.api),
                                {.ns = "n",
                                 .name = "l",
                                 .identity = "i",
                                 .duration = Millis{1000},
                                 .renew_deadline = Millis{1000}},
                                {}),
                  std::invalid_argument);
}

}  // namespace
}  // namespace wp::kube
