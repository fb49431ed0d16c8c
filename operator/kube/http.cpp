#include "operator/kube/http.h"

#include <algorithm>
#include <cctype>
#include <exception>
#include <httplib.h>
#include <mutex>
#include <stdexcept>
#include <sys/socket.h>
#include <utility>
#include <vector>

#include "operator/kube/error.h"
#include "operator/kube/tls.h"
#include "operator/kube/watchdog.h"

namespace wp::kube {
namespace {

// An idle connection older than this is closed by many servers and proxies just when it is used.
constexpr Millis kMaxIdle{30000};
constexpr std::size_t kMaxErrorBody = 1u << 20;  // of an answer to stream() that is not 200

SteadyTime steady_now() {
  return std::chrono::steady_clock::now();
}

struct Connection {
  std::shared_ptr<const TlsMaterial> material;
  TlsPeer peer;
  Watchdog::Line line;
  int sockets_made = 0;  // in the present exchange: none means that the old one was reused
  SteadyTime idle_since;
  std::unique_ptr<httplib::ClientImpl> client;  // last: it uses the others
};

void keep_path_alive(int fd) {
  const auto set = [fd](int level, int option, int value) {
    ::setsockopt(fd, level, option, &value, sizeof value);
  };
  // HTTP/1.1 has no pings: a path that died silently is noticed by TCP within about a minute.
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, 30);
  set(IPPROTO_TCP, TCP_KEEPINTVL, 10);
  set(IPPROTO_TCP, TCP_KEEPCNT, 3);
  set(IPPROTO_TCP, TCP_USER_TIMEOUT, 30000);
}

Headers lower_case(const httplib::Headers& headers) {
  Headers result;
  for (const auto& [name, value] : headers) {
    std::string lower = name;
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    result.emplace(std::move(lower), value);
  }
  return result;
}

}  // namespace

std::string Response::header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? "" : found->second;
}

struct HttpClient::Impl {
  Endpoint endpoint;
  TlsSource tls;
  HttpOptions options;
  Watchdog watchdog;

  std::mutex mutex;
  std::vector<std::unique_ptr<Connection>> idle;

  std::unique_ptr<Connection> connect(std::shared_ptr<const TlsMaterial> material);
  std::unique_ptr<Connection> borrow();
  void give_back(std::unique_ptr<Connection> connection);
  KubeError failure(const Connection& connection, Transport cut, httplib::Error error) const;

  struct Exchange {
    std::string method;
    std::string path;
    const Headers* headers;
    const std::string* body;
    SteadyTime deadline;
    Millis idle_timeout;
    // Called with the status for each piece of the body; false ends the exchange. The line's
    // deadline may be extended there.
    std::function<bool(Watchdog::Line&, int status, std::string_view)> on_data;
    std::function<void(int status)> on_status = {};  // may be empty
  };
  Response exchange(const Exchange& exchange);
};

std::unique_ptr<Connection> HttpClient::Impl::connect(std::shared_ptr<const TlsMaterial> material) {
  auto connection = std::make_unique<Connection>();
  if (endpoint.tls) {
    connection->material = std::move(material);
    connection->peer = tls_peer(*connection->material, endpoint.host);
    auto client = std::make_unique<httplib::SSLClient>(endpoint.host, endpoint.port);
    // The library's own verification would trust the system's roots besides ours, and comes after
    // the handshake. OpenSSL's is set up instead.
    client->enable_server_certificate_verification(false);
    try {
      configure_tls(client->ssl_context(), *connection->material, connection->peer);
    } catch (const std::invalid_argument& error) {
      throw KubeError(Transport::tls, error.what());
    }
    connection->client = std::move(client);
  } else {
    connection->client = std::make_unique<httplib::ClientImpl>(endpoint.host, endpoint.port);
  }
  httplib::ClientImpl& client = *connection->client;
  client.set_keep_alive(true);
  client.set_url_encode(false);  // paths come encoded
  client.set_tcp_nodelay(true);
  client.set_decompress(false);
  client.set_connection_timeout(options.connect_timeout);
  if (!endpoint.proxy_host.empty()) client.set_proxy(endpoint.proxy_host, endpoint.proxy_port);
  client.set_socket_options([this, raw = connection.get()](socket_t socket) {
    ++raw->sockets_made;
    keep_path_alive(socket);
    watchdog.attach(raw->line, socket);
  });
  return connection;
}

std::unique_ptr<Connection> HttpClient::Impl::borrow() {
  std::shared_ptr<const TlsMaterial> current = endpoint.tls ? tls() : nullptr;
  while (true) {
    std::unique_ptr<Connection> candidate;
    {
      const std::lock_guard lock(mutex);
      if (idle.empty()) break;
      candidate = std::move(idle.back());
      idle.pop_back();
    }
    if (candidate->material == current && candidate->line.usable() &&
        steady_now() - candidate->idle_since < kMaxIdle) {
      return candidate;
    }
  }
  return connect(std::move(current));
}

void HttpClient::Impl::give_back(std::unique_ptr<Connection> connection) {
  connection->idle_since = steady_now();
  const std::lock_guard lock(mutex);
  if (idle.size() < options.idle_connections) idle.push_back(std::move(connection));
}

KubeError HttpClient::Impl::failure(const Connection& connection, Transport cut,
                                    httplib::Error error) const {
  const std::string where = endpoint.authority();
  if (cut == Transport::stopped) return {cut, "the client was stopped"};
  if (cut == Transport::timeout) return {cut, where + " did not answer in time"};
  switch (error) {
    case httplib::Error::Connection:
    case httplib::Error::ConnectionTimeout:
    case httplib::Error::BindIPAddress:
      return {Transport::connect, connection.sockets_made == 0
                                      ? "the name of " + where + " cannot be resolved"
                                      : "cannot connect to " + where};
    case httplib::Error::SSLConnection:
    case httplib::Error::SSLLoadingCerts:
    case httplib::Error::SSLServerVerification: {
      std::string reason = take_openssl_error();
      if (!connection.peer.problem.empty()) reason = connection.peer.problem;
      if (reason.empty()) reason = "the handshake did not finish";
      return {Transport::tls, "no trusted connection to " + where + ": " + reason};
    }
    default:
      return {Transport::broken, "the connection to " + where + " ended before the answer did"};
  }
}

Response HttpClient::Impl::exchange(const Exchange& exchange) {
  std::unique_ptr<Connection> connection = borrow();
  connection->sockets_made = 0;
  httplib::ClientImpl& client = *connection->client;
  // The watchdog is exact; the library's own timeouts only back it up.
  const Millis backup = exchange.idle_timeout + Millis{5000};
  client.set_read_timeout(backup);
  client.set_write_timeout(backup);

  int status = 0;
  bool ended = false;         // by a callback
  std::exception_ptr thrown;  // by a callback; it must not pass through the library
  const auto guarded = [&](const auto& callback) {
    try {
      ended = !callback();
    } catch (...) {
      thrown = std::current_exception();
      ended = true;
    }
    return !ended;
  };
  httplib::Request request;
  request.method = exchange.method;
  request.path = endpoint.base_path + exchange.path;
  for (const auto& [name, value] : *exchange.headers) request.headers.emplace(name, value);
  request.headers.emplace("Host", endpoint.authority());
  request.body = *exchange.body;
  request.response_handler = [&](const httplib::Response& response) {
    status = response.status;
    return guarded([&] {
      if (exchange.on_status) exchange.on_status(status);
      return true;
    });
  };
  request.content_receiver = [&](const char* data, std::size_t size, std::uint64_t, std::uint64_t) {
    return guarded(
        [&] { return exchange.on_data(connection->line, status, std::string_view(data, size)); });
  };

  if (!watchdog.begin(connection->line, exchange.deadline)) {
    throw KubeError(Transport::stopped, "the client was stopped");
  }
  httplib::Response response;
  httplib::Error error = httplib::Error::Success;
  bool complete = false;
  try {
    take_openssl_error();
    complete = client.send(request, response, error);
    const bool was_dead = !complete && connection->sockets_made == 0 && status == 0;
    if (was_dead && exchange.method == "GET") {
      response = {};
      complete = client.send(request, response, error);
    }
  } catch (const std::exception& problem) {  // the library met something that it cannot parse
    watchdog.end(connection->line);
    throw KubeError(Transport::protocol, problem.what());
  }
  const Transport cut = watchdog.end(connection->line);
  if (thrown) std::rethrow_exception(thrown);
  if (!complete && !ended) throw failure(*connection, cut, error);
  if (complete && cut == Transport::none) give_back(std::move(connection));
  Response result;
  result.status = status != 0 ? status : response.status;
  result.headers = lower_case(response.headers);
  return result;
}

HttpClient::HttpClient(Endpoint endpoint, TlsSource tls, HttpOptions options)
    : impl_(std::make_unique<Impl>()) {
  impl_->endpoint = std::move(endpoint);
  impl_->tls = std::move(tls);
  impl_->options = options;
}

HttpClient::~HttpClient() {
  stop();
}

Response HttpClient::request(const std::string& method, const std::string& path,
                             const Headers& headers, const std::string& body, Millis timeout) {
  std::string received;
  const std::size_t limit = impl_->options.max_response_bytes;
  const auto collect = [&](Watchdog::Line&, int, std::string_view data) {
    if (received.size() + data.size() > limit) {
      throw KubeError(Transport::too_large,
                      "the answer exceeds " + std::to_string(limit) + " bytes");
    }
    received.append(data);
    return true;
  };
  Response response = impl_->exchange({.method = method,
                                       .path = path,
                                       .headers = &headers,
                                       .body = &body,
                                       .deadline = steady_now() + timeout,
                                       .idle_timeout = timeout,
                                       .on_data = collect});
  response.body = std::move(received);
  return response;
}

Response HttpClient::stream(const std::string& path, const Headers& headers, const Stream& stream) {
  const SteadyTime begin = steady_now();
  const auto next_deadline = [&stream, begin] {
    const SteadyTime idle = steady_now() + stream.idle_timeout;
    return stream.total_timeout > Millis{0} ? std::min(idle, begin + stream.total_timeout) : idle;
  };
  const std::string no_body;
  std::string error_body;
  const auto on_data = [&](Watchdog::Line& line, int status, std::string_view data) {
    if (status == 200) {
      impl_->watchdog.extend(line, next_deadline());
      return stream.on_data(data);
    }
    if (error_body.size() + data.size() <= kMaxErrorBody) error_body.append(data);
    return true;
  };
  const auto on_status = [&stream](int status) {
    if (status == 200 && stream.on_open) stream.on_open();
  };
  Response response = impl_->exchange({.method = "GET",
                                       .path = path,
                                       .headers = &headers,
                                       .body = &no_body,
                                       .deadline = next_deadline(),
                                       .idle_timeout = stream.idle_timeout,
                                       .on_data = on_data,
                                       .on_status = on_status});
  response.body = std::move(error_body);
  return response;
}

void HttpClient::stop() {
  impl_->watchdog.stop();
  std::vector<std::unique_ptr<Connection>> closed;  // without the lock
  const std::lock_guard lock(impl_->mutex);
  closed = std::move(impl_->idle);
}

const Endpoint& HttpClient::endpoint() const {
  return impl_->endpoint;
}

}  // namespace wp::kube
