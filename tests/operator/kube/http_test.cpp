#include "operator/kube/http.h"

#include <doctest/doctest.h>
#include <functional>
#include <future>
#include <stdexcept>
#include <vector>

#include "operator/kube/error.h"
#include "tests/operator/kube/support.h"
#include "tests/support/fake_api_tls.h"

namespace wp::kube {
namespace {

using test::eventually;
using wp::test::answer;
using wp::test::ApiExchange;
using wp::test::ApiTls;
using wp::test::FakeApi;
using wp::test::TestCa;

Endpoint plain(const FakeApi& api) {
  Endpoint endpoint;
  endpoint.tls = false;
  endpoint.host = "127.0.0.1";
  endpoint.port = api.port();
  return endpoint;
}

Endpoint secure(const FakeApi& api, const std::string& host = "127.0.0.1") {
  Endpoint endpoint;
  endpoint.host = host;
  endpoint.port = api.port();
  return endpoint;
}

HttpClient::TlsSource no_tls() {
  return [] { return nullptr; };
}

HttpClient::TlsSource fixed(TlsMaterial material) {
  return [shared = std::make_shared<const TlsMaterial>(std::move(material))] { return shared; };
}

Response get(HttpClient& client, const std::string& path, Millis timeout = Millis{10000}) {
  return client.request("GET", path, {}, "", timeout);
}

template <typename Call>
Transport transport_of(Call call) {
  try {
    call();
  } catch (const KubeError& error) {
    CHECK(error.code() == 0);
    INFO(error.what());
    return error.transport();
  }
  return Transport::none;
}

TEST_CASE("a request carries method, path, headers and body; the answer comes back whole") {
  FakeApi api;
  api.script({answer(201, R"({"a":1})", {{"X-Thing", "yes"}})});
  Endpoint endpoint = plain(api);
  endpoint.base_path = "/prefix";
  HttpClient client(endpoint, no_tls());

  const Response response = client.request("PATCH", "/x%20y?a=b%2Bc", {{"Content-Type", "t/u"}},
                                           "the body", Millis{10000});

  CHECK(response.status == 201);
  CHECK(response.body == R"({"a":1})");
  CHECK(response.header("x-thing") == "yes");
  const auto requests = api.requests();
  REQUIRE(requests.size() == 1);
  CHECK(requests[0].method == "PATCH");
  CHECK(requests[0].target == "/prefix/x%20y?a=b%2Bc");
  CHECK(requests[0].headers.at("content-type") == "t/u");
  CHECK(requests[0].headers.at("host") == endpoint.authority());
  CHECK(requests[0].body == "the body");
}

TEST_CASE("a connection is used again, and a DELETE may carry a body") {
  FakeApi api;
  api.fallback(answer(200, "{}"));
  HttpClient client(plain(api), no_tls());
  get(client, "/1");
  client.request("DELETE", "/2", {{"Content-Type", "application/json"}}, R"({"a":1})",
                 Millis{10000});
  get(client, "/3");
  const auto requests = api.requests();
  REQUIRE(requests.size() == 3);
  CHECK(requests[1].body == R"({"a":1})");
  CHECK(requests[2].connection == 1);
}

TEST_CASE("a kept connection that the server closed costs nobody a request") {
  FakeApi api;
  const auto last = [](ApiExchange& exchange) {
    exchange.reply(200, "{}");
    exchange.cut();
  };
  api.script({last, answer(200, "{}")});
  HttpClient client(plain(api), no_tls());
  get(client, "/1");
  REQUIRE(eventually([&] { return api.closed_connections() == 1; }));
  CHECK(client.request("POST", "/2", {}, "x", Millis{10000}).status == 200);
  CHECK(api.requests().at(1).connection == 2);
}

TEST_CASE("a GET that meets a dead connection is repeated once, a POST is not") {
  FakeApi api;
  const auto cut = [](ApiExchange& exchange) { exchange.cut(); };
  api.script({answer(200, "{}"), cut, answer(200, "{}"), cut});
  HttpClient client(plain(api), no_tls());
  get(client, "/1");
  CHECK(get(client, "/2").status == 200);
  CHECK(api.requests().size() == 3);
  CHECK(transport_of([&] { client.request("POST", "/3", {}, "", Millis{10000}); }) ==
        Transport::broken);
  CHECK(api.requests().size() == 4);
}

TEST_CASE("a fresh connection that breaks is an error, not a repetition") {
  FakeApi api;
  api.fallback([](ApiExchange& exchange) { exchange.cut(); });
  HttpClient client(plain(api), no_tls());
  CHECK(transport_of([&] { get(client, "/"); }) == Transport::broken);
  CHECK(api.requests().size() == 1);
}

TEST_CASE("an answer that ends early is broken") {
  FakeApi api;
  api.script({[](ApiExchange& exchange) {
    exchange.raw("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
  }});
  HttpClient client(plain(api), no_tls());
  CHECK(transport_of([&] { get(client, "/"); }) == Transport::broken);
}

TEST_CASE("an answer that is not HTTP is broken") {
  FakeApi api;
  api.script({[](ApiExchange& exchange) { exchange.raw("SSH-2.0-OpenSSH_9.2\r\n\r\n"); }});
  HttpClient client(plain(api), no_tls());
  CHECK(transport_of([&] { get(client, "/"); }) == Transport::broken);
}

TEST_CASE("the time limit holds whether the answer stalls at once or in its middle") {
  FakeApi api;
  api.script({[](ApiExchange& exchange) { exchange.stall(); },
              [](ApiExchange& exchange) {
                exchange.raw("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
                exchange.stall();
              },
              [](ApiExchange& exchange) {
                exchange.raw("HTTP/1.1 200");
                exchange.stall();
              }});
  HttpClient client(plain(api), no_tls());
  for (int i = 0; i < 3; ++i) {
    CHECK(transport_of([&] { get(client, "/", Millis{50}); }) == Transport::timeout);
  }
}

TEST_CASE("an answer beyond the bound is refused") {
  FakeApi api;
  api.fallback(answer(200, std::string(5000, 'x')));
  HttpClient client(plain(api), no_tls(),
                    {.connect_timeout = Millis{10000}, .max_response_bytes = 4999});
  CHECK(transport_of([&] { get(client, "/"); }) == Transport::too_large);
  HttpClient roomy(plain(api), no_tls(),
                   {.connect_timeout = Millis{10000}, .max_response_bytes = 5000});
  CHECK(get(roomy, "/").body.size() == 5000);
}

TEST_CASE("nobody listens: that is a failed connect") {
  Endpoint endpoint;
  {
    const FakeApi api;
    endpoint = plain(api);
  }
  HttpClient client(endpoint, no_tls());
  CHECK(transport_of([&] { get(client, "/"); }) == Transport::connect);
}

TEST_CASE("a stream hands over bytes as they come and ends when asked") {
  FakeApi api;
  const auto endless = [](ApiExchange& exchange) {
    exchange.begin_stream();
    exchange.chunk("one");
    exchange.stall();
  };
  api.script({endless, [](ApiExchange& exchange) {
                exchange.begin_stream();
                exchange.chunk("a");
                exchange.chunk("b");
                exchange.end_stream();
              }});
  HttpClient client(plain(api), no_tls());
  std::string got;
  bool opened = false;
  client.stream("/", {},
                {.on_data =
                     [&](std::string_view data) {
                       CHECK(opened);
                       got = data;
                       return false;
                     },
                 .on_open = [&] { opened = true; }});
  CHECK(got == "one");
  got.clear();
  const Response end = client.stream("/", {}, {.on_data = [&](std::string_view data) {
                                       got += data;
                                       return true;
                                     }});
  CHECK(end.status == 200);
  CHECK(got == "ab");
}

TEST_CASE("a stream that is refused answers like a request") {
  FakeApi api;
  api.script({wp::test::failure(410, "Expired")});
  HttpClient client(plain(api), no_tls());
  const Response response =
      client.stream("/", {}, {.on_data = [](std::string_view) { return true; }});
  CHECK(response.status == 410);
  CHECK(response.body.find("Expired") != std::string::npos);
}

TEST_CASE("a silent stream ends by the idle time, a chatty one by the total") {
  FakeApi api;
  api.script({[](ApiExchange& exchange) {
                exchange.begin_stream();
                exchange.chunk("x");
                exchange.stall();
              },
              [](ApiExchange& exchange) {
                exchange.begin_stream();
                while (true) exchange.chunk("x");
              }});
  HttpClient client(plain(api), no_tls());
  const auto more = [](std::string_view) { return true; };
  CHECK(transport_of([&] {
          client.stream("/", {}, {.on_data = more, .idle_timeout = Millis{50}});
        }) == Transport::timeout);
  CHECK(transport_of([&] {
          client.stream(
              "/", {},
              {.on_data = more, .idle_timeout = Millis{10000}, .total_timeout = Millis{100}});
        }) == Transport::timeout);
}

TEST_CASE("an exception of on_data passes through and the client stays usable") {
  FakeApi api;
  api.fallback(answer(200, "{}"));
  HttpClient client(plain(api), no_tls());
  CHECK_THROWS_AS(client.stream("/", {}, {.on_data = [](std::string_view) -> bool {
                                  throw std::domain_error("mine");
                                }}),
                  std::domain_error);
  CHECK(get(client, "/").status == 200);
}

Millis stop_takes(HttpClient& client, const std::function<void()>& exchange,
                  const std::function<void()>& under_way) {
  auto running = std::async(std::launch::async, [&] { return transport_of(exchange); });
  under_way();
  const Millis begin = system_clock().steady();
  client.stop();
  CHECK(running.get() == Transport::stopped);
  return system_clock().steady() - begin;
}

TEST_CASE("stop() ends what waits, within a moment, and refuses what comes") {
  // Whatever a slow machine takes, it is less than what ends by itself here.
  constexpr Millis kLong{120000};
  constexpr Millis kMoment{10000};
  FakeApi api;
  api.fallback([](ApiExchange& exchange) { exchange.stall(); });
  const auto arrived = [&] { REQUIRE(api.wait_for_requests(1)); };

  SUBCASE("a request") {
    HttpClient client(plain(api), no_tls());
    CHECK(stop_takes(
              client, [&] { get(client, "/", kLong); }, arrived) < kMoment);
    CHECK(transport_of([&] { get(client, "/"); }) == Transport::stopped);
  }
  SUBCASE("a stream") {
    HttpClient client(plain(api), no_tls());
    const auto stream = [&] {
      client.stream("/", {},
                    {.on_data = [](std::string_view) { return true; }, .idle_timeout = kLong});
    };
    CHECK(stop_takes(client, stream, arrived) < kMoment);
  }
  SUBCASE("a TLS handshake with a server that says nothing") {
    // The plain server takes the ClientHello for the beginning of a request and waits for its end.
    HttpClient client(secure(api), fixed({.insecure = true}), {.connect_timeout = kLong});
    const auto connected = [&] { REQUIRE(eventually([&] { return api.connections() == 1; })); };
    CHECK(stop_takes(
              client, [&] { get(client, "/", kLong); }, connected) < kMoment);
  }
}

TEST_CASE("a server is trusted for the given CA and its address alone") {
  const TestCa ca;
  const TestCa other;
  const ApiTls server = ca.issue("api", "IP:127.0.0.1,DNS:api.example");
  FakeApi api(&server);
  api.fallback(answer(200, "{}"));

  HttpClient right(secure(api), fixed({.ca = ca.pem()}));
  CHECK(get(right, "/").status == 200);
  CHECK(api.server_names().at(0).empty());  // an address is never named

  HttpClient foreign(secure(api), fixed({.ca = other.pem()}));
  CHECK(transport_of([&] { get(foreign, "/"); }) == Transport::tls);

  HttpClient both(secure(api), fixed({.ca = other.pem() + ca.pem()}));
  CHECK(get(both, "/").status == 200);

  HttpClient system_roots(secure(api), fixed({}));
  CHECK(transport_of([&] { get(system_roots, "/"); }) == Transport::tls);

  HttpClient renamed(secure(api), fixed({.ca = ca.pem(), .server_name = "api.example"}));
  CHECK(get(renamed, "/").status == 200);
  CHECK(api.server_names().back() == "api.example");

  HttpClient misnamed(secure(api), fixed({.ca = ca.pem(), .server_name = "else.example"}));
  CHECK(transport_of([&] { get(misnamed, "/"); }) == Transport::tls);

  HttpClient careless(secure(api), fixed({.insecure = true}));
  CHECK(get(careless, "/").status == 200);
  CHECK(api.requests().size() == 4);  // nothing was ever sent to a server that is not trusted
}

TEST_CASE("the certificate of another address is refused, and the error says why") {
  const TestCa ca;
  const ApiTls server = ca.issue("api", "IP:10.0.0.1");
  FakeApi api(&server);
  HttpClient client(secure(api), fixed({.ca = ca.pem()}));
  try {
    get(client, "/");
    FAIL("it was trusted");
  } catch (const KubeError& error) {
    CHECK(std::string(error.what()).find("IP address mismatch") != std::string::npos);
  }
}

TEST_CASE("a client certificate is shown, and new material makes new connections") {
  const TestCa ca;
  ApiTls server = ca.issue("api", "IP:127.0.0.1");
  server.ca = ca.pem();
  FakeApi api(&server);
  api.fallback(answer(200, "{}"));
  const auto material = [&ca](const ApiTls& mine) {
    return std::make_shared<const TlsMaterial>(
        TlsMaterial{.ca = ca.pem(), .certificate = mine.certificate, .key = mine.key});
  };
  std::shared_ptr<const TlsMaterial> current = material(ca.issue("me"));
  HttpClient client(secure(api), [&current] { return current; });
  CHECK(get(client, "/").status == 200);
  CHECK(get(client, "/").status == 200);
  CHECK(api.requests().at(1).connection == 1);
  current = material(ca.issue("me"));
  CHECK(get(client, "/").status == 200);
  CHECK(api.requests().at(2).connection == 2);

  HttpClient nobody(secure(api), fixed({.ca = ca.pem()}));
  CHECK(transport_of([&] { get(nobody, "/"); }) != Transport::none);

  const ApiTls one = ca.issue("one");
  const ApiTls two = ca.issue("two");
  HttpClient mixed(secure(api),
                   fixed({.ca = ca.pem(), .certificate = one.certificate, .key = two.key}));
  CHECK(transport_of([&] { get(mixed, "/"); }) == Transport::tls);
}

TEST_CASE("many threads share one client") {
  FakeApi api;
  api.fallback([](ApiExchange& exchange) { exchange.reply(200, exchange.request().target); });
  HttpClient client(plain(api), no_tls());
  std::vector<std::future<bool>> all;
  for (int i = 0; i < 8; ++i) {
    all.push_back(std::async(std::launch::async, [&client, i] {
      for (int n = 0; n < 50; ++n) {
        const std::string path = "/" + std::to_string(i) + "/" + std::to_string(n);
        if (get(client, path).body != path) return false;
      }
      return true;
    }));
  }
  for (auto& one : all) CHECK(one.get());
}

}  // namespace
}  // namespace wp::kube
