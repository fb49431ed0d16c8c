#include "base/http_server.h"

#include <doctest/doctest.h>
#include <httplib.h>

using namespace wp;

namespace {

struct Answer {
  int status = 0;
  std::string body;
  std::string type;
};

Answer get(const HttpServer& server, const std::string& path,
           const std::string& host = "127.0.0.1") {
  httplib::Client client(host, server.port());
  const auto result = client.Get(path);
  REQUIRE(result);
  return {result->status, result->body, result->get_header_value("Content-Type")};
}

HealthCheck fine(const std::string& name) {
  return {name, [] { return std::nullopt; }};
}
HealthCheck broken(const std::string& name, const std::string& why) {
  return {name, [why] { return std::optional(why); }};
}

std::string refusal(const std::string& address) {
  try {
    const HttpServer server(address, {});
  } catch (const std::runtime_error& e) {
    return e.what();
  }
  return {};
}

}  // namespace

TEST_CASE("port 0 picks a free one, and each endpoint answers") {
  metrics::Registry registry;
  registry.counter("wp_x_total", "X.").Increment();
  HttpServer::Endpoints endpoints;
  endpoints.metrics = &registry;
  endpoints.live = std::vector{fine("loop")};
  endpoints.ready = std::vector{fine("redis"), fine("queue")};
  const HttpServer server("127.0.0.1:0", std::move(endpoints));
  REQUIRE(server.port() > 0);

  CHECK(get(server, "/healthz").status == 200);
  CHECK(get(server, "/healthz").body == "ok\n");
  CHECK(get(server, "/readyz").body == "ok\n");
  CHECK(get(server, "/readyz?verbose").body == "[+]redis ok\n[+]queue ok\nok\n");
  const Answer text = get(server, "/metrics");
  CHECK(text.status == 200);
  CHECK(text.type == "text/plain; version=0.0.4; charset=utf-8");
  CHECK(text.body.find("wp_x_total 1\n") != std::string::npos);
  CHECK(text.body.find("process_resident_memory_bytes ") != std::string::npos);
  CHECK(get(server, "/nothing").status == 404);
}

TEST_CASE("a failing check answers 503 and says which and why, verbose or not") {
  HttpServer::Endpoints endpoints;
  endpoints.ready = std::vector{fine("queue"), broken("redis", "Refused: nobody listens")};
  const HttpServer server("127.0.0.1:0", std::move(endpoints));
  CHECK(get(server, "/readyz").status == 503);
  CHECK(get(server, "/readyz").body == "[-]redis: Refused: nobody listens\nfailed\n");
  CHECK(get(server, "/readyz?verbose").body ==
        "[+]queue ok\n[-]redis: Refused: nobody listens\nfailed\n");
  CHECK(get(server, "/healthz").status == 404);
  CHECK(get(server, "/metrics").status == 404);
}

TEST_CASE("a check is asked anew at each request") {
  std::atomic<bool> up = false;
  HttpServer::Endpoints endpoints;
  endpoints.live = std::vector{HealthCheck{
      "loop", [&up] { return up ? std::nullopt : std::optional<std::string>("starting"); }}};
  const HttpServer server("127.0.0.1:0", std::move(endpoints));
  CHECK(get(server, "/healthz").status == 503);
  up = true;
  CHECK(get(server, "/healthz").status == 200);
}

TEST_CASE("a taken port is an error that names the address") {
  const HttpServer first("127.0.0.1:0", {});
  const std::string address = "127.0.0.1:" + std::to_string(first.port());
  CHECK(refusal(address).find(address) != std::string::npos);
  CHECK(refusal(":" + std::to_string(first.port())).find("taken") != std::string::npos);
}

TEST_CASE("all interfaces means both families; a port is free again after the end") {
  int port = 0;
  {
    HttpServer::Endpoints endpoints;
    endpoints.live = std::vector<HealthCheck>{};
    const HttpServer server(":0", std::move(endpoints));
    port = server.port();
    CHECK(get(server, "/healthz").status == 200);
  }
  const HttpServer again("127.0.0.1:" + std::to_string(port), {});
  CHECK(again.port() == port);
}

TEST_CASE("an address that is none is refused by name") {
  for (const char* address :
       {"", "8080", "localhost", ":", ":http", ":-1", ":65536", ":80x", "127.0.0.1:"}) {
    CAPTURE(address);
    CHECK(refusal(address).find("address \"" + std::string(address) + "\"") != std::string::npos);
  }
  CHECK_FALSE(refusal("no-such-host.invalid:0").empty());
}
