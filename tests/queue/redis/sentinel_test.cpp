// Real sentinels, a master and a replica: the master is found, and found again when it changes.
#include <atomic>
#include <thread>

#include "queue/redis/connection.h"
#include "tests/queue/redis/support.h"
#include "tests/support/byte_server.h"
#include "tests/support/free_port.h"
#include "tests/support/redis_server.h"
#include "tests/support/sentinel_server.h"
#include "tests/support/temp_folder.h"
#include "tests/support/tls_files.h"
#include "tests/support/wait.h"

using namespace wp;
using namespace wp::redis;
using test::contains;
using test::RedisServer;
using test::SentinelServer;

namespace {

constexpr Timeouts kPatient{.connect = Millis{10000}, .reply = Millis{10000}};
constexpr Millis kFailover{60000};

Endpoint watched(const std::string& nodes, const std::string& master = "main") {
  return parse_endpoint("redis+sentinel://" + nodes + "/" + master);
}

std::string dead_node() {
  return "127.0.0.1:" + std::to_string(test::free_port());
}

std::string port_of(Connection& connection) {
  return connection.execute({"CONFIG", "GET", "port"}).at(1).text();
}

bool is_replica_in_sync(Connection& replica) {
  return contains(replica.execute({"INFO", "replication"}).text(), "master_link_status:up");
}

/// A master with one replica that has everything.
struct Pair {
  explicit Pair(std::vector<std::string> extra = {}) : master(extra) {
    extra.push_back("replicaof 127.0.0.1 " + std::to_string(master.port()));
    extra.push_back("repl-diskless-sync-delay 0");
    replica.emplace(extra);
  }
  void wait_for_sync(Endpoint to_replica) const {
    Connection connection(std::move(to_replica), kPatient);
    connection.connect();
    REQUIRE(test::eventually([&] { return is_replica_in_sync(connection); }, kFailover));
  }

  RedisServer master;
  std::optional<RedisServer> replica;
};

}  // namespace

TEST_CASE("the master is found by any sentinel that knows it") {
  RedisServer master;
  const SentinelServer sentinel(master.port());
  const std::string port = std::to_string(master.port());
  const std::string dead = dead_node();
  for (const std::string& nodes :
       {sentinel.node(), dead + "," + sentinel.node(), sentinel.node() + "," + dead}) {
    Endpoint endpoint = watched(nodes);
    endpoint.database = 3;
    Connection connection(endpoint, kPatient);
    connection.connect();
    CHECK(port_of(connection) == port);
    CHECK(contains(connection.execute({"CLIENT", "INFO"}).text(), " db=3 "));
  }
}

TEST_CASE("one sentinel hangs, another one is asked within the connect time-out") {
  RedisServer master;
  const SentinelServer hangs(master.port());
  const SentinelServer knows(master.port());
  hangs.pause();
  Connection connection(watched(hangs.node() + "," + knows.node()), {.connect = Millis{6000}});
  const test::Stopwatch watch;
  connection.connect();
  CHECK(watch.elapsed() >= Millis{2000});  // its share: a third
  const test::Stopwatch again;
  connection.connect();  // the one that knew is asked first now
  CHECK(again.elapsed() < Millis{2000});
  hangs.resume();
}

TEST_CASE("nobody knows: each sentinel's reason, in bounded time") {
  RedisServer master;
  const SentinelServer sentinel(master.port());
  const std::string dead = dead_node();
  Connection stranger(watched(dead + "," + sentinel.node(), "other"), kPatient);
  const Error error = test::error_of([&] { stranger.connect(); });
  CHECK(error.error_class() == ErrorClass::refused);
  CHECK(contains(error.what(), "sentinel " + dead + ": Connection refused"));
  CHECK(
      contains(error.what(), "sentinel " + sentinel.node() + ": knows no master named \"other\""));

  const test::ByteServer mute("");
  Connection waits(watched("127.0.0.1:" + std::to_string(mute.port())), {.connect = Millis{300}});
  const test::Stopwatch watch;
  CHECK(test::error_of([&] { waits.connect(); }).error_class() == ErrorClass::timeout);
  CHECK(watch.elapsed() < Millis{5000});
  const test::ByteServer liar("*2\r\n$9\r\n127.0.0.1\r\n$5\r\n99999\r\n");
  Connection lied_to(watched("127.0.0.1:" + std::to_string(liar.port())), kPatient);
  CHECK(test::error_of([&] { lied_to.connect(); }).error_class() == ErrorClass::protocol);
}

TEST_CASE("a replica is not taken for the master, whatever a sentinel says") {
  Pair pair;
  const std::string port = std::to_string(pair.replica->port());
  const test::ByteServer stale("*2\r\n$9\r\n127.0.0.1\r\n$" + std::to_string(port.size()) + "\r\n" +
                               port + "\r\n");
  Connection connection(watched("127.0.0.1:" + std::to_string(stale.port())),
                        {.connect = Millis{2000}, .reply = Millis{10000}});
  const Error error = test::error_of([&] { connection.connect(); });
  CHECK(error.error_class() == ErrorClass::read_only);
  CHECK(contains(error.what(), "master 127.0.0.1:" + port + ": is a replica"));
  CHECK_FALSE(connection.connected());
  CHECK(stale.served() > 1);  // it was asked again
}

TEST_CASE("the master dies: the promoted replica is found, with what was written") {
  Pair pair;
  const SentinelServer sentinel(pair.master.port());
  pair.wait_for_sync(pair.replica->endpoint());
  Connection connection(watched(sentinel.node()), kPatient);
  connection.connect();
  (void)connection.execute({"SET", "k", "v"});
  (void)connection.execute({"WAIT", "1", "10000"});
  // The sentinel has to have heard of the replica before it can choose it.
  Connection look(parse_endpoint("redis://" + sentinel.node()), kPatient);
  look.connect();
  REQUIRE(test::eventually(
      [&] {
        return !look.execute({"SENTINEL", "replicas", "main"}).array().empty();
      },
      kFailover));

  pair.master.kill9();
  CHECK(test::error_of([&] { (void)connection.execute({"PING"}); }).connection_lost());
  REQUIRE(test::eventually(
      [&] {
        try {
          connection.connect();
          return true;
        } catch (const Error& e) {
          CHECK((e.connection_lost() || e.error_class() == ErrorClass::read_only));
          return false;
        }
      },
      kFailover));
  CHECK(port_of(connection) == std::to_string(pair.replica->port()));
  CHECK(connection.execute({"GET", "k"}).text() == "v");
  (void)connection.execute({"SET", "k", "w"});
}

TEST_CASE("READONLY: nothing was done, and the next connect looks for the master again") {
  RedisServer server;
  RedisServer other;
  Connection connection(server.endpoint(), kPatient);
  connection.connect();
  (void)connection.execute({"SET", "k", "v"});
  Connection meddler(server.endpoint(), kPatient);
  meddler.connect();
  (void)meddler.execute({"REPLICAOF", "127.0.0.1", std::to_string(other.port())});

  const Error error = test::error_of([&] { (void)connection.execute({"SET", "k", "w"}); });
  CHECK(error.error_class() == ErrorClass::read_only);
  CHECK_FALSE(error.connection_lost());
  CHECK_FALSE(connection.connected());
  connection.connect();
  const std::vector<Reply> replies =
      connection.pipeline(std::vector<Command>{{"PING"}, {"SET", "k", "w"}});
  CHECK(replies[0].text() == "PONG");
  CHECK(classify_reply(replies[1].bytes) == ErrorClass::read_only);
  CHECK_FALSE(connection.connected());
  (void)meddler.execute({"REPLICAOF", "NO", "ONE"});
  connection.connect();
  (void)connection.execute({"SET", "k", "w"});
}

TEST_CASE("sentinels and servers with TLS and passwords, each their own") {
  const test::Authority authority;
  const test::OwnFolder folder;
  const test::Certificate certificate = authority.issue("here", "IP:127.0.0.1");
  const std::string tls = "tls-cert-file " + folder.write("s.pem", certificate.pem) +
                          "\ntls-key-file " + folder.write("s.key", certificate.key) +
                          "\ntls-ca-cert-file " + folder.write("ca.pem", authority.pem()) +
                          "\ntls-auth-clients no";
  const int tls_port = test::free_port();
  RedisServer master({tls, "tls-port " + std::to_string(tls_port), "requirepass data"});
  const int sentinel_port = test::free_port();
  const SentinelServer sentinel(
      tls_port, {"sentinel auth-pass main data", "requirepass watch", tls, "tls-replication yes",
                 "tls-port " + std::to_string(sentinel_port)});
  Endpoint endpoint =
      parse_endpoint("rediss+sentinel://127.0.0.1:" + std::to_string(sentinel_port) + "/main");
  endpoint.password = "data";
  endpoint.tls->ca_pem = authority.pem();
  endpoint.sentinel->tls->ca_pem = authority.pem();
  endpoint.sentinel->password_file = folder.write("password", "wrong\n");
  Connection connection(endpoint, kPatient);
  const Error error = test::error_of([&] { connection.connect(); });
  CHECK(error.error_class() == ErrorClass::auth);
  CHECK(contains(error.what(), "sentinel 127.0.0.1"));
  (void)folder.write("password", "watch\n");
  connection.connect();
  CHECK(connection.execute({"PING"}).text() == "PONG");

  endpoint.sentinel->tls->ca_pem = test::Authority().pem();
  Connection distrusts(endpoint, kPatient);
  CHECK(test::error_of([&] { distrusts.connect(); }).error_class() == ErrorClass::tls);
}
