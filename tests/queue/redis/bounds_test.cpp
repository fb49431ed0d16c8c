// A server that means harm, is broken, or stops in the middle: an Error in bounded time and memory.
#include <string>
#include <sys/resource.h>

#include "queue/redis/connection.h"
#include "tests/queue/redis/support.h"
#include "tests/support/byte_server.h"
#include "tests/support/redis_server.h"

using namespace wp;
using namespace wp::redis;
using test::ByteServer;

namespace {

constexpr Timeouts kShort{.connect = Millis{2000}, .reply = Millis{150}, .reply_bytes = 1 << 20};

Error answer_to_ping(const std::string& bytes, ByteServer::Then then = ByteServer::Then::hold) {
  const ByteServer server(bytes, then);
  Connection connection(server.endpoint(), kShort);
  connection.connect();
  const Error error = test::error_of([&] { (void)connection.execute({"PING"}); });
  CHECK_FALSE(connection.connected());
  CHECK(error.connection_lost());
  CHECK(test::contains(error.what(), server.endpoint().describe()));
  return error;
}

long peak_memory_kb() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

std::string repeat(const std::string& part, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += part;
  return all;
}

}  // namespace

TEST_CASE("what breaks the protocol or the bounds, without the memory that it asks for") {
  const long before = peak_memory_kb();
  for (const std::string& bytes :
       {std::string("*100000000\r\n"), std::string("*2147483647\r\n"), std::string("$-5\r\n"),
        std::string("*-5\r\n"), std::string("garbage\r\n"), std::string("\x15\x03\x01\0\2", 5),
        repeat("*1\r\n", 5000), repeat("*1000000\r\n", 7),
        "$2147483647\r\n" + std::string(2 << 20, 'x')}) {
    CAPTURE(bytes.substr(0, 20));
    CHECK(answer_to_ping(bytes).error_class() == ErrorClass::protocol);
  }
  CHECK(peak_memory_kb() - before < 64 * 1024);
}

TEST_CASE("half a reply and then silence, or the end") {
  for (const char* bytes : {"", "$10\r\nhalf", "*2\r\n:1\r\n", "+no end", "$2147483647\r\n"}) {
    CAPTURE(bytes);
    const test::Stopwatch watch;
    CHECK(answer_to_ping(bytes).error_class() == ErrorClass::timeout);
    CHECK(watch.elapsed() >= kShort.reply);
    CHECK(watch.elapsed() < Millis{5000});
    CHECK(answer_to_ping(bytes, ByteServer::Then::close).error_class() == ErrorClass::closed);
  }
}

TEST_CASE("a reply that never ends is over at its deadline, though bytes keep coming") {
  const ByteServer server("$1000000000\r\n", ByteServer::Then::repeat);
  Timeouts timeouts = kShort;
  timeouts.reply_bytes = std::size_t{1} << 40;
  Connection connection(server.endpoint(), timeouts);
  connection.connect();
  const test::Stopwatch watch;
  const Error error = test::error_of([&] { (void)connection.execute({"PING"}); });
  CHECK(
      (error.error_class() == ErrorClass::timeout || error.error_class() == ErrorClass::protocol));
  CHECK(watch.elapsed() < Millis{10000});
}

TEST_CASE("a push that begins and stops, or does not begin") {
  const ByteServer begun("*3\r\n$7\r\nmess");
  Connection connection(begun.endpoint(), kShort);
  connection.connect();
  connection.send({"SUBSCRIBE", "c"});
  CHECK(test::error_of([&] { (void)connection.read_push(Millis{60000}); }).error_class() ==
        ErrorClass::timeout);
  const ByteServer silent("");
  Connection other(silent.endpoint(), kShort);
  other.connect();
  other.send({"SUBSCRIBE", "c"});
  CHECK(other.read_push(Millis{50}).is_nil());
  CHECK(other.connected());
}

TEST_CASE("a request that the server does not take is a time-out") {
  test::RedisServer server;
  for (const Endpoint& endpoint : {server.endpoint(), parse_endpoint(server.tcp_url())}) {
    Connection connection(endpoint, kShort);
    connection.connect();
    server.pause();
    const std::string large(32 << 20, 'x');
    const Error error = test::error_of([&] { (void)connection.execute({"SET", "k", large}); });
    server.resume();
    CHECK(error.error_class() == ErrorClass::timeout);
    CHECK(test::contains(error.what(), "could not be sent"));
  }
}
