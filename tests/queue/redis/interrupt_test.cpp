// Whatever a connection waits for, another thread ends the wait at once, and nothing waits without
// a bound. The name server that hangs is ours: this program has its own getaddrinfo().
#include <arpa/inet.h>
#include <atomic>
#include <condition_variable>
#include <dlfcn.h>
#include <fcntl.h>
#include <mutex>
#include <netdb.h>
#include <sys/socket.h>
#include <thread>

#include "base/unique_fd.h"
#include "queue/redis/connection.h"
#include "tests/queue/redis/support.h"
#include "tests/support/byte_server.h"
#include "tests/support/redis_server.h"
#include "tests/support/wait.h"

using namespace wp;
using namespace wp::redis;

namespace {

/// Names below slow.test are answered when a test opens the gate.
struct NameServer {
  std::mutex mutex;
  std::condition_variable changed;
  bool open = false;
  std::atomic<int> asked = 0;
  std::atomic<int> answered = 0;

  void set(bool value) {
    const std::lock_guard lock(mutex);
    open = value;
    changed.notify_all();
  }
};
NameServer& name_server() {
  static NameServer& only = *new NameServer;
  return only;
}

/// Opens the gate in the end, and waits until nobody stands before it.
struct Gate {
  Gate() : asked_before(name_server().asked) { name_server().set(false); }
  ~Gate() {
    name_server().set(true);
    (void)test::eventually([] { return name_server().asked == name_server().answered; });
  }
  int asked() const { return name_server().asked - asked_before; }
  int asked_before;
};

constexpr Timeouts kForever{.connect = Millis{600000}, .reply = Millis{600000}};

/// Interrupts as soon as `waiting` holds; the wait has to end then.
template <typename Fact>
void check_interruptible(const Endpoint& endpoint, Fact waiting, const Command& command = {}) {
  Connection connection(endpoint, kForever);
  std::thread other([&] {
    CHECK(test::eventually(waiting));
    connection.interrupt();
  });
  const test::Stopwatch watch;
  const Error error = test::error_of([&] {
    connection.connect();
    if (!command.empty()) (void)connection.execute(command);
  });
  other.join();
  CHECK(error.error_class() == ErrorClass::closed);
  CHECK(test::contains(error.what(), "interrupted"));
  CHECK_FALSE(connection.connected());
  CHECK(watch.elapsed() < Millis{30000});
}

/// A listener whose queue is full: the kernel drops further SYNs, as a firewall does.
class BlackHole {
 public:
  BlackHole() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const raw = reinterpret_cast<sockaddr*>(&address);
    REQUIRE(bind(listener_.get(), raw, size) == 0);
    REQUIRE(listen(listener_.get(), 0) == 0);
    REQUIRE(getsockname(listener_.get(), raw, &size) == 0);
    port_ = ntohs(address.sin_port);
    for (UniqueFd& fd : fillers_) {
      fd.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
      (void)::connect(fd.get(), raw, size);
    }
  }
  Endpoint endpoint() const { return parse_endpoint("redis://127.0.0.1:" + std::to_string(port_)); }

 private:
  UniqueFd listener_;
  UniqueFd fillers_[4];
  int port_ = 0;
};

}  // namespace

extern "C" int getaddrinfo(const char* node, const char* service, const addrinfo* hints,
                           addrinfo** found) {
  using Real = int (*)(const char*, const char*, const addrinfo*, addrinfo**);
  static const Real real = reinterpret_cast<Real>(dlsym(RTLD_NEXT, "getaddrinfo"));
  const bool numeric = hints != nullptr && (hints->ai_flags & AI_NUMERICHOST) != 0;
  if (numeric || node == nullptr || !std::string_view(node).ends_with("slow.test")) {
    return real(node, service, hints, found);
  }
  NameServer& server = name_server();
  ++server.asked;
  {
    std::unique_lock lock(server.mutex);
    server.changed.wait(lock, [&] { return server.open; });
  }
  const int status = real("127.0.0.1", service, hints, found);
  ++server.answered;
  return status;
}

TEST_CASE("interrupted while the name is resolved") {
  const Gate gate;
  check_interruptible(parse_endpoint("redis://a.slow.test"), [&] { return gate.asked() > 0; });
}

TEST_CASE("a name server that hangs is a time-out, and one thread however often it is asked") {
  const Gate gate;
  for (int i = 0; i < 5; ++i) {
    Connection connection(parse_endpoint("redis://b.slow.test"), {.connect = Millis{20}});
    const Error error = test::error_of([&] { connection.connect(); });
    CHECK(error.error_class() == ErrorClass::timeout);
    CHECK(test::contains(error.what(), "b.slow.test was not resolved in time"));
  }
  // Its thread may not have come to it yet.
  CHECK(test::eventually([&] { return gate.asked() > 0; }));
  CHECK(gate.asked() == 1);
}

TEST_CASE("a name that is resolved late is connected to; the next time it is asked anew") {
  test::RedisServer server;
  const Endpoint endpoint = parse_endpoint("redis://c.slow.test:" + std::to_string(server.port()));
  const Gate gate;
  Connection first(endpoint, kForever);
  Connection second(endpoint, kForever);
  std::thread other([&] { first.connect(); });
  std::thread another([&] { second.connect(); });
  CHECK(test::eventually([&] { return gate.asked() == 1; }));
  name_server().set(true);
  other.join();
  another.join();
  CHECK(first.execute({"PING"}).text() == "PONG");
  CHECK(second.execute({"PING"}).text() == "PONG");
  const int before = gate.asked();
  first.connect();
  CHECK(gate.asked() == before + 1);
}

TEST_CASE("interrupted while the connection is made, and its time-out") {
  const BlackHole hole;
  const test::Stopwatch since;
  check_interruptible(hole.endpoint(), [&] { return since.elapsed() > Millis{50}; });
  Connection connection(hole.endpoint(), {.connect = Millis{100}});
  const test::Stopwatch watch;
  CHECK(test::error_of([&] { connection.connect(); }).error_class() == ErrorClass::timeout);
  CHECK(watch.elapsed() < Millis{5000});
}

TEST_CASE("interrupted in the handshake, in the greeting, at a reply, at a sentinel") {
  const test::ByteServer mute("");
  int served = 0;
  const auto one_more = [&] { return mute.served() > served; };
  Endpoint tls = mute.endpoint();
  tls.tls.emplace();
  check_interruptible(tls, one_more);
  served = mute.served();
  Endpoint greeted = mute.endpoint();
  greeted.password = "pw";
  check_interruptible(greeted, one_more);
  served = mute.served();
  check_interruptible(mute.endpoint(), one_more, {"PING"});
  served = mute.served();
  check_interruptible(
      parse_endpoint("redis+sentinel://127.0.0.1:" + std::to_string(mute.port()) + "/main"),
      one_more);
}

TEST_CASE("interrupted between two searches for a master") {
  test::RedisServer master;
  test::RedisServer replica({"replicaof 127.0.0.1 " + std::to_string(master.port())});
  const std::string port = std::to_string(replica.port());
  const test::ByteServer stale("*2\r\n$9\r\n127.0.0.1\r\n$" + std::to_string(port.size()) + "\r\n" +
                               port + "\r\n");
  check_interruptible(
      parse_endpoint("redis+sentinel://127.0.0.1:" + std::to_string(stale.port()) + "/main"),
      [&] { return stale.served() > 2; });
}
