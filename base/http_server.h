// The small HTTP server of every program: /metrics, /healthz, /readyz. It answers from its own
// threads, so a check has to be thread safe and quick; it must not wait for Redis or the API.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/metrics.h"

namespace wp {

/// One named condition. `failing` answers nothing when all is well, else why not, in one line.
struct HealthCheck {
  std::string name;
  std::function<std::optional<std::string>()> failing;
};

class HttpServer {
 public:
  /// What is served: an absent part answers 404.
  struct Endpoints {
    metrics::Registry* metrics = nullptr;                // GET /metrics
    std::optional<std::vector<HealthCheck>> live = {};   // GET /healthz
    std::optional<std::vector<HealthCheck>> ready = {};  // GET /readyz; ?verbose: a line each
  };

  /// Binds and serves at once. `address` is host:port or :port (all interfaces); port 0 picks a
  /// free one. Throws std::runtime_error naming the address when it cannot be bound.
  HttpServer(const std::string& address, Endpoints endpoints);
  ~HttpServer();  // stops and joins
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  int port() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

struct ProbeAnswer {
  int status = 0;    // of HTTP; 0: there was no answer
  std::string text;  // the body; without an answer, why
};

/// The other side, for a program that asks about its own kind: one GET, answered within two seconds
/// or not at all. `address` is what the server was told; one without a host is asked on loopback.
/// Any thread. Throws std::runtime_error for an address that is none.
ProbeAnswer ask_probe(const std::string& address, const std::string& path);

}  // namespace wp
