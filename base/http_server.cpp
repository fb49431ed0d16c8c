#include "base/http_server.h"

#include <httplib.h>
#include <stdexcept>
#include <thread>

namespace wp {
namespace {

void answer(const std::vector<HealthCheck>& checks, bool verbose, httplib::Response& response) {
  bool ok = true;
  std::string details;
  for (const HealthCheck& check : checks) {
    const auto problem = check.failing();
    if (problem) ok = false;
    if (problem || verbose) {
      details +=
          (problem ? "[-]" : "[+]") + check.name + (problem ? ": " + *problem : " ok") + "\n";
    }
  }
  response.status = ok ? 200 : 503;
  response.set_content(details + (ok ? "ok\n" : "failed\n"), "text/plain");
}

}  // namespace

struct HttpServer::Impl {
  Endpoints endpoints;
  httplib::Server server;
  int port = 0;
  std::thread thread;
};

HttpServer::HttpServer(const std::string& address, Endpoints endpoints)
    : impl_(std::make_unique<Impl>()) {
  impl_->endpoints = std::move(endpoints);
  const std::size_t colon = address.rfind(':');
  int port = -1;
  try {
    if (colon != std::string::npos) port = std::stoi(address.substr(colon + 1));
  } catch (const std::exception&) {
    port = -1;
  }
  if (port < 0 || port > 65535) {
    throw std::runtime_error("address \"" + address + "\" is not host:port or :port");
  }
  const std::string host = colon == 0 ? "0.0.0.0" : address.substr(0, colon);

  httplib::Server& server = impl_->server;
  // Probes and one scraper: two threads are plenty, and cost nothing while they wait.
  server.new_task_queue = [] { return new httplib::ThreadPool(2); };
  server.set_keep_alive_timeout(5);
  server.set_payload_max_length(1024);
  const Endpoints& served = impl_->endpoints;
  if (served.metrics != nullptr) {
    server.Get("/metrics", [&served](const httplib::Request&, httplib::Response& response) {
      metrics::update_process_metrics(*served.metrics);
      response.set_content(served.metrics->text(), "text/plain; version=0.0.4; charset=utf-8");
    });
  }
  const auto serve_checks = [&server](const char* path,
                                      const std::optional<std::vector<HealthCheck>>& checks) {
    if (!checks) return;
    server.Get(path, [&checks](const httplib::Request& request, httplib::Response& response) {
      answer(*checks, request.has_param("verbose"), response);
    });
  };
  serve_checks("/healthz", served.live);
  serve_checks("/readyz", served.ready);

  if (port == 0) {
    impl_->port = server.bind_to_any_port(host);
  } else if (server.bind_to_port(host, port)) {
    impl_->port = port;
  } else {
    impl_->port = -1;
  }
  if (impl_->port < 0) {
    throw std::runtime_error("cannot listen on " + address +
                             ": the port is taken or the address is not this machine's");
  }
  impl_->thread = std::thread([this] { impl_->server.listen_after_bind(); });
  // Before this, stop() would find nothing to stop and the join in the destructor would hang.
  // Debian 12's httplib has no call that waits for it; it takes microseconds.
  while (!impl_->server.is_running()) std::this_thread::yield();
}

HttpServer::~HttpServer() {
  impl_->server.stop();
  impl_->thread.join();
}

int HttpServer::port() const {
  return impl_->port;
}

}  // namespace wp
