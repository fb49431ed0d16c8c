#include "operator/kube/http.h"

#include <algorithm>
#include <cctype>
#include <condition_variable>
#include <fcntl.h>
#include <httplib.h>
#include <mutex>
#include <optional>
#include <poll.h>
#include <set>
#include <stdexcept>
#include <sys/socket.h>
#include <thread>
#include <utility>
#include <vector>

#include "base/unique_fd.h"
#include "operator/kube/error.h"
#include "operator/kube/tls.h"

namespace wp::kube {
namespace {

// An idle connection older than this is closed by many servers and proxies just when it is used.
constexpr Millis kMaxIdle{30000};
constexpr std::size_t kMaxErrorBody = 1u << 20;  // of an answer to stream() that is not 200

using SteadyTime = std::chrono::steady_clock::time_point;
SteadyTime steady_now() {
  return std::chrono::steady_clock::now();
}

/// One connection of the library, and what is needed to cut it off from another thread.
struct Connection {
  std::shared_ptr<const TlsMaterial> material;
  TlsPeer peer;
  std::unique_ptr<httplib::ClientImpl> client;

  // Guarded by Impl::mutex.
  UniqueFd guard;                      // a second descriptor of the socket: shutdown() through it
                                       // is safe however the library closes its own
  Transport cut = Transport::none;     // why it was cut off
  std::optional<SteadyTime> deadline;  // of the exchange in progress

  // Of the borrowing thread.
  int sockets_made = 0;  // in this exchange: 0 with an answer means that it was reused
  SteadyTime idle_since;
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

// Makes the connect that follows fail at once: the number stays valid, but is no socket any more.
void disable(int fd) {
  const UniqueFd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (null) ::dup3(null.get(), fd, O_CLOEXEC);
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

bool readable_or_closed(int fd) {
  pollfd state{fd, POLLIN | POLLRDHUP, 0};
  return ::poll(&state, 1, 0) != 0;
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

  std::mutex mutex;
  bool stopped = false;
  std::vector<std::unique_ptr<Connection>> idle;
  std::set<Connection*> active;
  std::uint64_t changes = 0;  // counts what the watchdog has to look at
  std::condition_variable_any wake_watchdog;
  std::jthread watchdog;  // cuts off exchanges whose time is over; started by the first request

  std::unique_ptr<Connection> connect(std::shared_ptr<const TlsMaterial> material);
  std::unique_ptr<Connection> borrow(SteadyTime deadline);
  void give_back(std::unique_ptr<Connection> connection, bool reusable);
  void on_socket(Connection& connection, int fd);
  void set_deadline(Connection& connection, SteadyTime deadline);
  void cut_off(Connection& connection, Transport why);
  void look_again();
  void enforce_deadlines(const std::stop_token& stop);
  KubeError failure(Connection& connection, httplib::Error error);

  struct Exchange {
    std::string method;
    std::string path;
    const Headers* headers;
    const std::string* body;
    SteadyTime deadline;
    Millis idle_timeout;
    // Called with the status for each piece of the body; false ends the exchange.
    std::function<bool(Connection&, int status, std::string_view)> on_data;
    std::function<void(int status)> on_status = {};  // may be empty
  };
  /// Returns the answer, its body left to on_data; `ended` tells that on_data ended it.
  Response exchange(const Exchange& exchange, bool& ended);
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
  client.set_url_encode(false);
  client.set_tcp_nodelay(true);
  client.set_decompress(false);
  if (!endpoint.proxy_host.empty()) client.set_proxy(endpoint.proxy_host, endpoint.proxy_port);
  client.set_socket_options(
      [this, raw = connection.get()](socket_t socket) { on_socket(*raw, socket); });
  return connection;
}

void HttpClient::Impl::on_socket(Connection& connection, int fd) {
  keep_path_alive(fd);
  UniqueFd guard(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
  ++connection.sockets_made;
  const std::lock_guard lock(mutex);
  if (connection.cut != Transport::none) {
    disable(fd);
  } else {
    connection.guard = std::move(guard);
  }
}

std::unique_ptr<Connection> HttpClient::Impl::borrow(SteadyTime deadline) {
  std::shared_ptr<const TlsMaterial> current = endpoint.tls ? tls() : nullptr;
  std::vector<std::unique_ptr<Connection>> discarded;  // closed without the lock
  std::unique_ptr<Connection> connection;
  {
    const std::lock_guard lock(mutex);
    if (stopped) throw KubeError(Transport::stopped, "the client was stopped");
    while (!idle.empty() && !connection) {
      std::unique_ptr<Connection> candidate = std::move(idle.back());
      idle.pop_back();
      // Whatever arrives on an idle connection announces its end; the library would not see it.
      const bool usable = candidate->material == current && candidate->guard &&
                          steady_now() - candidate->idle_since < kMaxIdle &&
                          !readable_or_closed(candidate->guard.get());
      (usable ? connection : discarded.emplace_back()) = std::move(candidate);
    }
  }
  if (!connection) connection = connect(std::move(current));
  connection->sockets_made = 0;
  const std::lock_guard lock(mutex);
  if (stopped) throw KubeError(Transport::stopped, "the client was stopped");
  active.insert(connection.get());
  connection->deadline = deadline;
  if (!watchdog.joinable()) {
    watchdog = std::jthread([this](const std::stop_token& stop) { enforce_deadlines(stop); });
  }
  look_again();
  return connection;
}

void HttpClient::Impl::give_back(std::unique_ptr<Connection> connection, bool reusable) {
  std::unique_ptr<Connection> discarded;
  const std::lock_guard lock(mutex);
  active.erase(connection.get());
  connection->deadline.reset();
  connection->idle_since = steady_now();
  if (reusable && !stopped && connection->cut == Transport::none &&
      idle.size() < options.idle_connections) {
    idle.push_back(std::move(connection));
  } else {
    discarded = std::move(connection);
  }
}

void HttpClient::Impl::set_deadline(Connection& connection, SteadyTime deadline) {
  const std::lock_guard lock(mutex);
  // A later deadline needs no wake-up: the watchdog looks again when the old one comes.
  const bool earlier = !connection.deadline || deadline < *connection.deadline;
  connection.deadline = deadline;
  if (earlier) look_again();
}

void HttpClient::Impl::look_again() {
  ++changes;
  wake_watchdog.notify_all();
}

void HttpClient::Impl::cut_off(Connection& connection, Transport why) {
  if (connection.cut != Transport::none) return;
  connection.cut = why;
  connection.deadline.reset();
  if (connection.guard) ::shutdown(connection.guard.get(), SHUT_RDWR);
}

void HttpClient::Impl::enforce_deadlines(const std::stop_token& stop) {
  std::unique_lock lock(mutex);
  while (!stop.stop_requested()) {
    std::optional<SteadyTime> next;
    const SteadyTime now = steady_now();
    for (Connection* connection : active) {
      if (connection->deadline && *connection->deadline <= now) {
        cut_off(*connection, Transport::timeout);
      }
      if (connection->deadline && (!next || *connection->deadline < *next)) {
        next = connection->deadline;
      }
    }
    const auto changed = [this, seen = changes] { return changes != seen; };
    if (next) {
      wake_watchdog.wait_until(lock, stop, *next, changed);
    } else {
      wake_watchdog.wait(lock, stop, changed);
    }
  }
}

KubeError HttpClient::Impl::failure(Connection& connection, httplib::Error error) {
  const std::string where = endpoint.authority();
  Transport cut = Transport::none;
  {
    const std::lock_guard lock(mutex);
    cut = connection.cut;
  }
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

Response HttpClient::Impl::exchange(const Exchange& exchange, bool& ended) {
  std::unique_ptr<Connection> connection = borrow(exchange.deadline);
  httplib::ClientImpl& client = *connection->client;
  client.set_connection_timeout(options.connect_timeout);
  // The watchdog is exact; the library's own timeouts only back it up.
  const Millis backup = exchange.idle_timeout + Millis{5000};
  client.set_read_timeout(backup);
  client.set_write_timeout(backup);

  int status = 0;
  ended = false;
  std::exception_ptr thrown;  // by on_data; it must not pass through the library
  httplib::Request request;
  request.method = exchange.method;
  request.path = endpoint.base_path + exchange.path;
  for (const auto& [name, value] : *exchange.headers) request.headers.emplace(name, value);
  request.headers.emplace("Host", endpoint.authority());
  request.body = *exchange.body;
  request.response_handler = [&](const httplib::Response& response) {
    status = response.status;
    try {
      if (exchange.on_status) exchange.on_status(status);
    } catch (...) {
      thrown = std::current_exception();
      ended = true;
    }
    return !ended;
  };
  request.content_receiver = [&](const char* data, std::size_t size, std::uint64_t, std::uint64_t) {
    try {
      ended = !exchange.on_data(*connection, status, std::string_view(data, size));
    } catch (...) {
      thrown = std::current_exception();
      ended = true;
    }
    return !ended;
  };

  httplib::Response response;
  httplib::Error error = httplib::Error::Success;
  take_openssl_error();
  bool complete = client.send(request, response, error);
  const bool was_dead = !complete && connection->sockets_made == 0 && status == 0;
  if (was_dead && exchange.method == "GET") {
    response = {};
    complete = client.send(request, response, error);
  }
  Response result;
  result.status = status != 0 ? status : response.status;
  result.headers = lower_case(response.headers);
  if (!complete && !ended) {
    const KubeError problem = failure(*connection, error);
    give_back(std::move(connection), false);
    throw problem;
  }
  give_back(std::move(connection), complete && !ended);
  if (thrown) std::rethrow_exception(thrown);
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
  bool too_large = false;
  bool ended = false;
  const std::size_t limit = impl_->options.max_response_bytes;
  Response response = impl_->exchange({.method = method,
                                       .path = path,
                                       .headers = &headers,
                                       .body = &body,
                                       .deadline = steady_now() + timeout,
                                       .idle_timeout = timeout,
                                       .on_data =
                                           [&](Connection&, int, std::string_view data) {
                                             too_large = received.size() + data.size() > limit;
                                             if (!too_large) received.append(data);
                                             return !too_large;
                                           }},
                                      ended);
  if (too_large) {
    throw KubeError(Transport::too_large, "the answer exceeds " + std::to_string(limit) + " bytes");
  }
  response.body = std::move(received);
  return response;
}

Response HttpClient::stream(const std::string& path, const Headers& headers, const Stream& stream) {
  const SteadyTime begin = steady_now();
  const auto next_deadline = [&stream, begin] {
    const SteadyTime idle = steady_now() + stream.idle_timeout;
    return stream.total_timeout > Millis{0} ? std::min(idle, begin + stream.total_timeout) : idle;
  };
  std::string error_body;
  bool ended = false;
  Response response =
      impl_->exchange({.method = "GET",
                       .path = path,
                       .headers = &headers,
                       .body = &error_body,
                       .deadline = next_deadline(),
                       .idle_timeout = stream.idle_timeout,
                       .on_data =
                           [&](Connection& connection, int status, std::string_view data) {
                             if (status == 200) {
                               impl_->set_deadline(connection, next_deadline());
                               return stream.on_data(data);
                             }
                             if (error_body.size() + data.size() <= kMaxErrorBody)
                               error_body.append(data);
                             return true;
                           },
                       .on_status =
                           [&stream](int status) {
                             if (status == 200 && stream.on_open) stream.on_open();
                           }},
                      ended);
  response.body = std::move(error_body);
  return response;
}

void HttpClient::stop() {
  std::vector<std::unique_ptr<Connection>> closed;  // without the lock
  std::jthread watchdog;
  const std::lock_guard lock(impl_->mutex);
  impl_->stopped = true;
  closed = std::move(impl_->idle);
  for (Connection* connection : impl_->active) impl_->cut_off(*connection, Transport::stopped);
  watchdog = std::move(impl_->watchdog);
}

const Endpoint& HttpClient::endpoint() const {
  return impl_->endpoint;
}

}  // namespace wp::kube
