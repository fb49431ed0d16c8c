// The connection on a real Redis: what each kind of trouble is called, and that waits are bounded.
#include "queue/redis/connection.h"

#include <doctest/doctest.h>
#include <functional>
#include <thread>

#include "queue/queue.h"
#include "queue/scripts.h"
#include "tests/queue/fixture.h"
#include "tests/support/free_port.h"
#include "tests/support/wait.h"

using namespace wp;
using namespace wp::redis;
using wp::test::RedisServer;

namespace {

ErrorClass class_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& e) {
    return e.error_class();
  }
  FAIL("no error");
  return ErrorClass::server;
}

}  // namespace

TEST_CASE("TCP and unix socket, databases, binary safety") {
  RedisServer server;
  for (const std::string& url : {server.url() + "?db=3", server.tcp_url() + "/3"}) {
    Connection connection(parse_endpoint(url));
    connection.connect();
    const std::string bytes("a\r\n\0b", 5);
    (void)connection.execute({"SET", "k", bytes});
    CHECK(connection.execute({"GET", "k"}).text() == bytes);
    CHECK(connection.execute({"GET", "none"}).is_nil());
  }
}

TEST_CASE("nobody listens, no such host, no such socket") {
  const std::string free = "redis://127.0.0.1:" + std::to_string(test::free_port());
  for (const std::string& url :
       {free, std::string("redis://no-such-host.invalid"), std::string("unix:///nowhere/x.sock")}) {
    Connection connection(parse_endpoint(url));
    CHECK(class_of([&] { connection.connect(); }) == ErrorClass::refused);
    CHECK_FALSE(connection.connected());
  }
}

TEST_CASE("a wrong or missing password, a user without rights; the password stays secret") {
  RedisServer server({"requirepass secret", "user limited on >pw ~* +ping +auth +select"});
  Endpoint endpoint = server.endpoint();
  endpoint.password = "wrong-secret";
  Connection wrong(endpoint);
  try {
    wrong.connect();
    FAIL("let in");
  } catch (const Error& e) {
    CHECK(e.error_class() == ErrorClass::auth);
    CHECK(std::string(e.what()).find("wrong-secret") == std::string::npos);
    CHECK_FALSE(wrong.connected());
  }
  Connection none(server.endpoint());
  none.connect();
  CHECK(class_of([&] { (void)none.execute({"GET", "k"}); }) == ErrorClass::auth);
  endpoint.username = "limited";
  endpoint.password = "pw";
  Connection limited(endpoint);
  limited.connect();
  CHECK(class_of([&] { (void)limited.execute({"GET", "k"}); }) == ErrorClass::permission);
}

TEST_CASE("a wedged server is a time-out, and the connection is closed") {
  RedisServer server;
  Connection connection(server.endpoint(), {Millis{1000}, Millis{50}});
  connection.connect();
  server.pause();
  CHECK(class_of([&] { (void)connection.execute({"PING"}); }) == ErrorClass::timeout);
  server.resume();
  CHECK_FALSE(connection.connected());
  CHECK(class_of([&] { (void)connection.execute({"PING"}); }) == ErrorClass::closed);
}

TEST_CASE("a killed server is a closed connection") {
  RedisServer server;
  Connection connection(server.endpoint());
  connection.connect();
  server.kill9();
  CHECK(class_of([&] { (void)connection.execute({"PING"}); }) == ErrorClass::closed);
  server.start();
  connection.connect();
  (void)connection.execute({"PING"});
}

TEST_CASE("forgotten scripts are loaded again") {
  test::QueueFixture f;
  f.put("x");
  (void)f.raw.execute({"SCRIPT", "FLUSH"});
  CHECK(f.claim("w/1").size() == 1);
}

TEST_CASE("another thread ends a blocking wait") {
  RedisServer server;
  Connection connection(server.endpoint());
  connection.connect();
  std::thread other([&] { connection.interrupt(); });
  CHECK(class_of([&] {
          (void)connection.execute({"BLPOP", "k", "0"}, Millis{60000});
        }) == ErrorClass::closed);
  other.join();
  connection.clear_interrupt();
  connection.connect();
  (void)connection.execute({"PING"});
}

TEST_CASE("a script's SHA-1 is the server's") {
  Connection connection(test::shared_redis().endpoint());
  connection.connect();
  const Script& step = queue::scripts().step;
  CHECK(connection.execute({"SCRIPT", "LOAD", step.source()}).text() == step.sha1());
}
