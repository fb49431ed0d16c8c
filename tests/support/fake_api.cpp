#include "tests/support/fake_api.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <atomic>
#include <cctype>
#include <condition_variable>
#include <deque>
#include <list>
#include <mutex>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <optional>
#include <poll.h>
#include <stdexcept>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <utility>

#include "base/unique_fd.h"
#include "tests/support/fake_api_tls.h"

namespace wp::test {
namespace {

struct Closed {};  // thrown through a step when its connection is gone

/// A socket, with or without TLS.
class Wire {
 public:
  Wire(int fd, SSL_CTX* context) : fd_(fd) {
    if (context == nullptr) return;
    ssl_.reset(SSL_new(context));
    SSL_set_fd(ssl_.get(), fd_);
    if (SSL_accept(ssl_.get()) != 1) {
      ERR_clear_error();
      throw Closed{};
    }
  }

  void write(std::string_view bytes) {
    while (!bytes.empty()) {
      const int size = static_cast<int>(std::min<std::size_t>(bytes.size(), 1u << 20));
      const ssize_t sent = ssl_ ? SSL_write(ssl_.get(), bytes.data(), size)
                                : ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) throw Closed{};
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }

  std::string read() {
    std::array<char, 16384> buffer;
    const ssize_t size = ssl_ ? SSL_read(ssl_.get(), buffer.data(), buffer.size())
                              : ::recv(fd_, buffer.data(), buffer.size(), 0);
    if (size <= 0) throw Closed{};
    return {buffer.data(), static_cast<std::size_t>(size)};
  }

  std::string server_name() const {
    const char* const name =
        ssl_ ? SSL_get_servername(ssl_.get(), TLSEXT_NAMETYPE_host_name) : nullptr;
    return name == nullptr ? "" : name;
  }

 private:
  struct FreeSsl {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };
  int fd_;
  std::unique_ptr<SSL, FreeSsl> ssl_;
};

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

/// Takes one request out of `buffer`, reading as needed.
ApiRequest read_request(Wire& wire, std::string& buffer) {
  std::size_t end = std::string::npos;
  while ((end = buffer.find("\r\n\r\n")) == std::string::npos) buffer += wire.read();
  ApiRequest request;
  const std::string head = buffer.substr(0, end);
  buffer.erase(0, end + 4);
  const std::size_t first = head.find("\r\n");
  const std::string line = head.substr(0, first);
  const std::size_t blank = line.find(' ');
  request.method = line.substr(0, blank);
  request.target = line.substr(blank + 1, line.rfind(' ') - blank - 1);
  std::size_t at = first;
  while (at != std::string::npos) {
    at += 2;
    const std::size_t next = head.find("\r\n", at);
    const std::string header = head.substr(at, next - at);
    const std::size_t colon = header.find(':');
    if (colon != std::string::npos) {
      request.headers[lower(header.substr(0, colon))] =
          header.substr(header.find_first_not_of(' ', colon + 1));
    }
    at = next;
  }
  const auto length = request.headers.find("content-length");
  const std::size_t size = length == request.headers.end() ? 0 : std::stoul(length->second);
  while (buffer.size() < size) buffer += wire.read();
  request.body = buffer.substr(0, size);
  buffer.erase(0, size);
  return request;
}

class WireExchange final : public ApiExchange {
 public:
  WireExchange(Wire& wire, int fd, ApiRequest request)
      : wire_(wire), fd_(fd), request_(std::move(request)) {}

  const ApiRequest& request() const override { return request_; }

  void reply(int status, std::string_view body,
             const std::map<std::string, std::string>& headers) override {
    std::string head = "HTTP/1.1 " + std::to_string(status) + " Status\r\n";
    for (const auto& [name, value] : headers) head.append(name + ": " + value + "\r\n");
    head += "Content-Type: application/json\r\n";
    head += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n";
    wire_.write(head.append(body));
    complete_ = true;
  }
  void begin_stream() override {
    wire_.write(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        "Transfer-Encoding: chunked\r\n\r\n");
  }
  void chunk(std::string_view data) override {
    std::array<char, 32> size;
    std::snprintf(size.data(), size.size(), "%zx\r\n", data.size());
    wire_.write(std::string(size.data()).append(data).append("\r\n"));
  }
  void end_stream() override {
    wire_.write("0\r\n\r\n");
    complete_ = true;
  }
  void raw(std::string_view bytes) override { wire_.write(bytes); }
  void cut() override { throw Closed{}; }
  void stall() override {
    pollfd hangup{fd_, POLLRDHUP, 0};
    ::poll(&hangup, 1, -1);
    throw Closed{};
  }

  bool complete() const { return complete_; }

 private:
  Wire& wire_;
  int fd_;
  ApiRequest request_;
  bool complete_ = false;
};

}  // namespace

struct FakeApi::Impl {
  SslContext context;
  UniqueFd listener;
  int port = 0;

  mutable std::mutex mutex;
  mutable std::condition_variable arrived;
  std::deque<ApiStep> steps;
  ApiStep fallback_step = failure(404, "NotFound");
  std::vector<ApiRequest> requests;
  std::vector<std::string> server_names;
  std::list<UniqueFd> sockets;
  std::size_t closed_connections = 0;
  bool closing = false;
  std::vector<std::jthread> connections;  // threads, one per connection
  std::jthread acceptor;

  ApiStep note(const ApiRequest& request) {
    const std::lock_guard lock(mutex);
    requests.push_back(request);
    arrived.notify_all();
    if (steps.empty()) return fallback_step;
    ApiStep step = std::move(steps.front());
    steps.pop_front();
    return step;
  }

  void serve(int fd, int number) {
    try {
      Wire wire(fd, context.get());
      {
        const std::lock_guard lock(mutex);
        server_names.push_back(wire.server_name());
      }
      std::string buffer;
      while (true) {
        ApiRequest request = read_request(wire, buffer);
        request.connection = number;
        const ApiStep step = note(request);
        WireExchange exchange(wire, fd, std::move(request));
        step(exchange);
        if (!exchange.complete()) break;
      }
    } catch (const Closed&) {
      // The client, the script or the test ended it.
    }
    ::shutdown(fd, SHUT_RDWR);
    const std::lock_guard lock(mutex);
    ++closed_connections;
  }

  void accept() {
    int number = 0;
    while (true) {
      const int fd = ::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) return;
      const std::lock_guard lock(mutex);
      sockets.emplace_back(fd);
      if (closing) return;
      connections.emplace_back([this, fd, id = ++number] { serve(fd, id); });
    }
  }
};

FakeApi::FakeApi(const ApiTls* tls) : impl_(std::make_unique<Impl>()) {
  if (tls != nullptr) impl_->context = server_context(*tls);
  impl_->listener.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(impl_->listener.get(), generic, size) != 0 ||
      ::listen(impl_->listener.get(), 64) != 0 ||
      ::getsockname(impl_->listener.get(), generic, &size) != 0) {
    throw std::runtime_error("the fake API server cannot listen on 127.0.0.1");
  }
  impl_->port = ntohs(address.sin_port);
  impl_->acceptor = std::jthread([impl = impl_.get()] { impl->accept(); });
}

FakeApi::~FakeApi() {
  ::shutdown(impl_->listener.get(), SHUT_RDWR);
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->closing = true;
    for (const UniqueFd& socket : impl_->sockets) ::shutdown(socket.get(), SHUT_RDWR);
  }
  impl_->acceptor.join();
  impl_->connections.clear();
}

int FakeApi::port() const {
  return impl_->port;
}

void FakeApi::script(std::vector<ApiStep> steps) {
  const std::lock_guard lock(impl_->mutex);
  for (ApiStep& step : steps) impl_->steps.push_back(std::move(step));
}

void FakeApi::fallback(ApiStep step) {
  const std::lock_guard lock(impl_->mutex);
  impl_->fallback_step = std::move(step);
}

std::vector<ApiRequest> FakeApi::requests() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->requests;
}

bool FakeApi::wait_for_requests(std::size_t count, std::chrono::milliseconds timeout) const {
  std::unique_lock lock(impl_->mutex);
  return impl_->arrived.wait_for(lock, timeout,
                                 [this, count] { return impl_->requests.size() >= count; });
}

std::size_t FakeApi::connections() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->connections.size();
}

std::size_t FakeApi::closed_connections() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->closed_connections;
}

std::vector<std::string> FakeApi::server_names() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->server_names;
}

ApiStep answer(int status, std::string body, std::map<std::string, std::string> headers) {
  return [status, body = std::move(body), headers = std::move(headers)](ApiExchange& exchange) {
    exchange.reply(status, body, headers);
  };
}

ApiStep failure(int code, const std::string& reason, const std::string& cause,
                std::map<std::string, std::string> headers) {
  std::string details;
  if (!cause.empty()) {
    details = R"(,"details":{"causes":[{"reason":")" + cause + R"("}]})";
  }
  return answer(code,
                R"({"kind":"Status","status":"Failure","message":"made up","reason":")" + reason +
                    R"(","code":)" + std::to_string(code) + details + "}",
                std::move(headers));
}

ApiStep watch_lines(std::vector<std::string> lines) {
  return [lines = std::move(lines)](ApiExchange& exchange) {
    exchange.begin_stream();
    for (const std::string& line : lines) exchange.chunk(line + "\n");
    exchange.end_stream();
  };
}

ApiStep watch_lines_then_stall(std::vector<std::string> lines) {
  return [lines = std::move(lines)](ApiExchange& exchange) {
    exchange.begin_stream();
    for (const std::string& line : lines) exchange.chunk(line + "\n");
    exchange.stall();
  };
}

}  // namespace wp::test
