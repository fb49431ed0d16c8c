#include "runner/health.h"

#include <doctest/doctest.h>
#include <stdexcept>

#include "base/http_server.h"

using namespace wp;
using namespace wp::runner;

namespace {

HttpServer::Endpoints endpoints(std::optional<std::string> live, std::optional<std::string> ready) {
  HttpServer::Endpoints made;
  made.live = std::vector<HealthCheck>{{"io", [live] { return live; }}};
  made.ready = std::vector<HealthCheck>{{"registered", [ready] { return ready; }}};
  return made;
}

std::string asked(const HttpServer& server) {
  return problem_with_health(":" + std::to_string(server.port()));
}

}  // namespace

TEST_CASE("health is being alive and ready, and what is wrong comes in one line") {
  CHECK(asked(HttpServer("127.0.0.1:0", endpoints({}, {}))) == "");
  CHECK(asked(HttpServer("127.0.0.1:0", endpoints("it hangs", {}))) ==
        "/healthz answers 503: [-]io: it hangs failed");
  CHECK(asked(HttpServer(":0", endpoints({}, "not yet"))) ==
        "/readyz answers 503: [-]registered: not yet failed");
}

TEST_CASE("nobody there, and an address that is none, are said") {
  int port = 0;
  {
    const HttpServer gone("127.0.0.1:0", {});
    port = gone.port();
  }
  const std::string address = "127.0.0.1:" + std::to_string(port);
  CHECK(problem_with_health(address).starts_with("nothing answers at " + address));
  CHECK_THROWS_WITH_AS((void)problem_with_health("nonsense"), doctest::Contains("is not host:port"),
                       std::runtime_error);
}
