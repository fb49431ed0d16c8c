// The http handler against apps that behave, and apps that don't, on real sockets.
#include <doctest/doctest.h>
#include <filesystem>
#include <memory>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/unique_fd.h"
#include "runner/handlers/http/handler.h"
#include "tests/runner/handler_harness.h"
#include "tests/support/free_port.h"
#include "tests/support/script_server.h"
#include "tests/support/wait.h"

using namespace wp;
using namespace wp::runner;
using Client = test::ScriptServer::Client;

namespace {

const std::string kOk = "HTTP/1.1 200 OK\r\n";

class Http : public test::HandlerHarness {
 public:
  explicit Http(const std::string& url, std::string ready_path = "",
                Millis late_after = kHttpLate) {
    HttpSettings settings;
    settings.target = parse_http_url(url);
    settings.ready_path = std::move(ready_path);
    settings.queue = "q";
    settings.slots = 3;
    settings.defer_delay = Millis{1234};
    settings.late_after = late_after;
    open([settings](EventLoop& loop, HandlerEvents& events) -> std::unique_ptr<Handler> {
      return std::make_unique<HttpHandler>(settings, loop, events);
    });
  }
  Capacity wait_ready() {
    return said.wait_capacity([](const Capacity& now) { return now.slots > 0; });
  }
};

// Plays the script to each request; a connection that asks nothing is the readiness's.
test::ScriptServer::Script to_requests(std::function<void(Client&, const std::string&)> script) {
  return [script = std::move(script)](Client& client) {
    const std::string request = client.request();
    if (!request.empty()) script(client, request);
  };
}

Ending one_job(const std::function<void(Client&, const std::string&)>& script,
               const std::string& payload = "") {
  test::ScriptServer app(to_requests(script));
  Http http(app.url("/jobs"));
  http.wait_ready();
  return http.run(payload);
}

Ending one_answer(const std::string& answer) {
  return one_job([&](Client& client, const std::string&) { client.send(answer); });
}

int open_files() {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    (void)entry;
    ++count;
  }
  return count;
}

}  // namespace

TEST_CASE("the payload is posted, the answer's body is the result") {
  std::string seen;
  const Ending ending = one_job(
      [&](Client& client, const std::string& request) {
        seen = request;
        client.send(kOk + "Content-Length: 8\r\n\r\n{\"a\": 1}");
      },
      "[1, 2]");
  CHECK(ending.verdict == Verdict::complete);
  CHECK(ending.text == "{\"a\": 1}");
  CHECK(seen.starts_with("POST /jobs HTTP/1.1\r\n"));
  CHECK(seen.ends_with("\r\n\r\n[1, 2]"));
  CHECK(seen.find("\r\nWP-Job-Id: job\r\n") != std::string::npos);
}

TEST_CASE("a payload larger than any socket's buffer arrives whole") {
  const std::string payload(32 * 1024 * 1024, 'p');
  std::size_t size = 0;
  const Ending ending = one_job(
      [&](Client& client, const std::string& request) {
        size = request.size() - request.find("\r\n\r\n") - 4;
        client.send(kOk + "\r\n\"read\"");
      },
      payload);
  CHECK(ending.text == "\"read\"");
  CHECK(size == payload.size());
}

TEST_CASE("an answer that comes in bytes, after interim ones, in chunks, or until the end") {
  CHECK(one_answer("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nA: b\r\n\r\n" + kOk +
                   "Content-Length: 1\r\n\r\n1")
            .text == "1");
  CHECK(one_answer(kOk + "\r\n[1]").text == "[1]");
  const Ending slow = one_job([](Client& client, const std::string&) {
    const std::string answer =
        kOk + "Transfer-Encoding: chunked\r\n\r\n2\r\n[1\r\n1\r\n]\r\n0\r\n\r\n";
    for (const char c : answer) {
      client.send({&c, 1});
      std::this_thread::sleep_for(Millis{1});
    }
    client.wait_end();  // the app keeps the connection open: nobody waits for it
  });
  CHECK(slow.verdict == Verdict::complete);
  CHECK(slow.text == "[1]");
}

TEST_CASE("answers before the request was read count") {
  const std::string payload(32 * 1024 * 1024, 'p');
  for (const bool resets : {false, true}) {
    test::ScriptServer app([resets](Client& client) {
      if (client.head().empty()) return;
      client.send("HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig");
      if (resets) return client.reset();
    });
    Http http(app.url());
    http.wait_ready();
    const Ending ending = http.run(payload);
    CHECK(ending.verdict == Verdict::fail);
    CHECK(ending.text == "HTTP 413: big");
  }
}

TEST_CASE("a connection that breaks off is a crash, wherever it does") {
  for (const std::string& part :
       {std::string(), std::string("HT"), std::string("HTTP/1.1 200 OK\r\nContent-"),
        kOk + "Content-Length: 9\r\n\r\n", kOk + "Content-Length: 9\r\n\r\nhalf",
        kOk + "Transfer-Encoding: chunked\r\n\r\n5\r\nhel"}) {
    for (const bool reset : {false, true}) {
      CAPTURE(part);
      CAPTURE(reset);
      const Ending ending = one_job([&](Client& client, const std::string&) {
        client.send(part);
        if (reset) client.reset();
      });
      CHECK(ending.verdict == Verdict::crash);
      CHECK(ending.text.starts_with("the app ended the connection"));
    }
  }
  // A body until the end: a reset is no end.
  CHECK(one_job([](Client& client, const std::string&) {
          client.send(kOk + "\r\nhalf");
          client.reset();
        }).verdict == Verdict::crash);
}

TEST_CASE("a reset before the whole request was sent, without an answer, is a crash too") {
  test::ScriptServer app([](Client& client) {
    if (!client.head().empty()) client.reset();
  });
  Http http(app.url());
  http.wait_ready();
  CHECK(http.run(std::string(32 * 1024 * 1024, 'p')).verdict == Verdict::crash);
}

TEST_CASE("a reset at the accept ends the job, and it is asked again whether the app is ready") {
  std::atomic<bool> reset = false;
  test::ScriptServer app([&](Client& client) {
    if (reset) return client.reset();
    client.wait_end();
  });
  Http http(app.url());
  http.wait_ready();
  reset = true;
  // Whether the request fits in before the reset is chance.
  const Verdict verdict = http.run().verdict;
  CHECK((verdict == Verdict::crash || verdict == Verdict::broken));
  CHECK(test::eventually([&] { return app.accepted() >= 3; }));
}

TEST_CASE("bodies and heads without end") {
  const Ending body = one_job([](Client& client, const std::string&) {
    client.send(kOk + "\r\n");
    while (client.send(std::string(65536, 'x'))) {
    }
  });
  CHECK(body.verdict == Verdict::bury);
  CHECK(body.text.starts_with("ResultTooLarge"));
  const Ending head = one_job([](Client& client, const std::string&) {
    client.send(kOk);
    while (client.send("X-More: " + std::string(1000, 'x') + "\r\n")) {
    }
  });
  CHECK(head.verdict == Verdict::fail);
  CHECK(head.text.find("65536 bytes of headers") != std::string::npos);
  CHECK(one_answer(kOk + "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n").verdict ==
        Verdict::fail);
}

TEST_CASE("redirects, and what is no HTTP, are a broken handler") {
  const Ending redirect =
      one_answer("HTTP/1.1 307 x\r\nLocation: http://127.0.0.1/\r\nContent-Length: 0\r\n\r\n");
  CHECK(redirect.verdict == Verdict::broken);
  CHECK(redirect.text.find("redirects are not followed") != std::string::npos);
  const Ending other = one_job([](Client& client, const std::string&) {
    client.send("-ERR wrong number");  // no end of the line, and it waits
    client.wait_end();
  });
  CHECK(other.verdict == Verdict::broken);
  CHECK(other.text.ends_with("says \"-ERR wrong number\""));
}

TEST_CASE("an app that stalls ends by the job's time limit, at once and without its help") {
  for (const std::string& part :
       {std::string(), std::string("HTTP/1.1 2"), kOk + "Content-Length: 9\r\n\r\nhalf"}) {
    CAPTURE(part);
    test::ScriptServer app(to_requests([&](Client& client, const std::string&) {
      client.send(part);
      client.wait_end();
    }));
    Http http(app.url());
    http.wait_ready();
    http.start(1, "", Millis{100});
    const Ending ending = http.said.wait(1);
    CHECK(ending.verdict == Verdict::fail);
    CHECK(ending.text == "Timeout: stopped after 100ms");
    CHECK(ending.duration < Millis{5000});
  }
}

TEST_CASE("a byte a while is no progress: the stall limit ends it") {
  test::ScriptServer app(to_requests([](Client& client, const std::string&) {
    client.send(kOk + "\r\n");
    while (client.send("x")) std::this_thread::sleep_for(Millis{20});
  }));
  Http http(app.url());
  http.wait_ready();
  http.loop().limit({.stall_timeout = Millis{300}, .check_interval = Millis{50}});
  http.start(1);
  CHECK(http.said.wait(1).verdict == Verdict::stall);
}

TEST_CASE("stopping a job closes its connection, whatever the grace") {
  std::atomic<int> ended = 0;
  std::atomic<int> begun = 0;
  test::ScriptServer app(to_requests([&](Client& client, const std::string&) {
    ++begun;
    client.wait_end();
    ++ended;
  }));
  Http http(app.url());
  http.wait_ready();
  http.start(1);
  http.start(2);
  http.start(3);
  CHECK(test::eventually([&] { return begun == 3; }));
  http.loop().stop({1}, {StopCause::cancelled, Millis{600000}, {}});
  const Ending cancelled = http.said.wait(1);
  CHECK(cancelled.verdict == Verdict::bury);
  CHECK(cancelled.text == "cancelled");
  CHECK(test::eventually([&] { return ended == 1; }));
  http.loop().stop({2, 99}, {StopCause::interrupted, Millis{0}, {}});
  CHECK(http.said.wait(2).verdict == Verdict::interrupted);
  CHECK(test::eventually([&] { return ended == 2; }));
  CHECK_FALSE(http.said.has_ended(3));
}

TEST_CASE("nothing can be run before the port accepts, and what is missing is said") {
  const int port = test::free_port();
  Http http("http://127.0.0.1:" + std::to_string(port) + "/jobs", "", Millis{300});
  const Capacity late =
      http.said.wait_capacity([](const Capacity& now) { return !now.broken.empty(); });
  CHECK(late.slots == 0);
  CHECK(late.broken == "http://127.0.0.1:" + std::to_string(port) +
                           " does not accept connections: is the app up?");
  test::ScriptServer app([](Client&) {}, port);
  const Capacity ready = http.wait_ready();
  CHECK(ready.slots == 3);
  CHECK(ready.broken.empty());
}

TEST_CASE("the ready path decides, when there is one") {
  std::atomic<int> asked = 0;
  std::atomic<bool> up = false;
  test::ScriptServer app(to_requests([&](Client& client, const std::string& request) {
    const bool get = request.starts_with("GET /ready?x=1 HTTP/1.1\r\nHost: 127.0.0.1:");
    if (!get) return (void)client.send(kOk + "Content-Length: 1\r\n\r\n5");
    ++asked;
    client.send(up ? "HTTP/1.1 204 Yes\r\n\r\n" : "HTTP/1.1 503 Not yet\r\n\r\n");
  }));
  Http http(app.url("/jobs"), "/ready?x=1", Millis{200});
  CHECK(http.said.wait_capacity([](const Capacity& now) { return !now.broken.empty(); })
            .broken.ends_with("/ready?x=1 answers HTTP 503: is the app ready?"));
  up = true;
  http.wait_ready();
  const int then = asked;
  CHECK(http.run().text == "5");
  CHECK(asked == then);  // nobody asks at rest
}

TEST_CASE("localhost is asked on both addresses, and jobs go where it answered") {
  std::unique_ptr<test::ScriptServer> app;
  try {
    app = std::make_unique<test::ScriptServer>(to_requests([](Client& client, const std::string&) {
                                                 client.send(kOk + "Content-Length: 1\r\n\r\n6");
                                               }),
                                               0, true);
  } catch (const std::runtime_error&) {
    MESSAGE("no IPv6 on this machine: not tested");
    return;
  }
  Http http("http://localhost:" + std::to_string(app->port()) + "/");
  http.wait_ready();
  CHECK(http.run().text == "6");
}

TEST_CASE("after a refused connection, a wrong answer or a crash it is asked whether it is ready") {
  auto app = std::make_unique<test::ScriptServer>(to_requests([](Client&, const std::string&) {}));
  const int port = app->port();
  Http http(app->url());
  http.wait_ready();
  app.reset();
  http.start(1);
  const Ending refused = http.said.wait(1);
  CHECK(refused.verdict == Verdict::broken);
  CHECK(refused.text.find("Connection refused") != std::string::npos);
  http.said.wait_capacity([](const Capacity& now) { return now.slots == 0; });

  app = std::make_unique<test::ScriptServer>(
      to_requests([](Client& client, const std::string&) {
        client.send("HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n");
      }),
      port);
  http.wait_ready();
  const int asked = app->accepted();
  http.start(2);
  CHECK(http.said.wait(2).verdict == Verdict::broken);
  // The job's connection, and the one that asks again.
  CHECK(test::eventually([&] { return app->accepted() >= asked + 2; }));
  http.wait_ready();
}

TEST_CASE("a connection that is never made is given up after five seconds") {
  // Room for one connection that nobody takes, and it is taken: the kernel answers no other.
  const UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  socklen_t size = sizeof address;
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(bind(listener.get(), reinterpret_cast<sockaddr*>(&address), size) == 0);
  REQUIRE(listen(listener.get(), 0) == 0);
  REQUIRE(getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
  const UniqueFd first(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  REQUIRE(connect(first.get(), reinterpret_cast<sockaddr*>(&address), size) == 0);
  Http http("http://127.0.0.1:" + std::to_string(ntohs(address.sin_port)) + "/");
  const Ending ending = http.run();
  CHECK(ending.verdict == Verdict::broken);
  CHECK_FALSE(ending.answered);
  CHECK(ending.text.ends_with("cannot be reached: Connection timed out"));
  CHECK(ending.duration >= kHttpConnectTimeout);
}

TEST_CASE("every descriptor is given back") {
  test::ScriptServer app(to_requests([](Client& client, const std::string& request) {
    if (request.find("reset") != std::string::npos) client.reset();
    client.send(kOk + "Content-Length: 1\r\n\r\n1");
  }));
  Http http(app.url());
  http.wait_ready();
  CHECK(http.run().verdict == Verdict::complete);
  CHECK(test::eventually([before = 0]() mutable {
    const int now = open_files();
    return std::exchange(before, now) == now;
  }));
  const int before = open_files();
  for (int i = 2; i < 200; ++i) http.start(i, i % 3 == 0 ? "reset" : "fine");
  for (int i = 2; i < 200; ++i) (void)http.said.wait(i);
  http.wait_ready();
  CHECK(test::eventually([&] { return open_files() <= before; }));
}

TEST_CASE("leaving while requests are open") {
  std::atomic<int> begun = 0;
  test::ScriptServer app(to_requests([&](Client& client, const std::string&) {
    ++begun;
    client.wait_end();
  }));
  Http http(app.url());
  http.wait_ready();
  http.start(1);
  CHECK(test::eventually([&] { return begun == 1; }));
  http.loop().close(Millis{1000});
  http.close_loop();
  CHECK_FALSE(http.said.has_ended(1));
}
