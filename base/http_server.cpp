#include "base/http_server.h"

#include <charconv>
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

struct Address {
  std::string host;  // empty: all interfaces
  int port = 0;
};

Address parse_address(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  Address address;
  bool fine = colon != std::string::npos && colon + 1 < text.size();
  if (fine) {
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data() + colon + 1, end, address.port);
    fine = error == std::errc{} && stop == end && address.port >= 0 && address.port <= 65535;
  }
  if (!fine) throw std::runtime_error("address \"" + text + "\" is not host:port or :port");
  address.host = text.substr(0, colon);
  if (address.host.starts_with('[') && address.host.ends_with(']')) {
    address.host = address.host.substr(1, address.host.size() - 2);
  }
  return address;
}

// The port, or -1.
int bind(httplib::Server& server, const std::string& host, int port) {
  if (port == 0) return server.bind_to_any_port(host);
  return server.bind_to_port(host, port) ? port : -1;
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
  const Address wanted = parse_address(address);

  httplib::Server& server = impl_->server;
  // Probes and one scraper: two threads are plenty, and cost nothing while they wait.
  server.new_task_queue = [] { return new httplib::ThreadPool(2); };
  server.set_keep_alive_timeout(5);
  server.set_payload_max_length(1024);
  // httplib's default, SO_REUSEPORT, would let two programs share a port without a word.
  server.set_socket_options([](socket_t socket) {
    const int on = 1;
    setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  });
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

  if (wanted.host.empty()) {
    // IPv6's any address takes IPv4, too; a machine without IPv6 has only the other.
    impl_->port = bind(server, "::", wanted.port);
    if (impl_->port < 0) impl_->port = bind(server, "0.0.0.0", wanted.port);
  } else {
    impl_->port = bind(server, wanted.host, wanted.port);
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

ProbeAnswer ask_probe(const std::string& address, const std::string& path) {
  const Address wanted = parse_address(address);
  const bool anywhere = wanted.host.empty() || wanted.host == "0.0.0.0" || wanted.host == "::";
  httplib::Client client(anywhere ? "127.0.0.1" : wanted.host, wanted.port);
  client.set_connection_timeout(2);
  client.set_read_timeout(2);
  client.set_write_timeout(2);
  const httplib::Result result = client.Get(path);
  if (result) return {result->status, result->body};
  return {0, "nothing answers at " + address + ": " + httplib::to_string(result.error())};
}

}  // namespace wp
