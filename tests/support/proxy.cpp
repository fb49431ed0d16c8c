#include "tests/support/proxy.h"

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <netinet/in.h>
#include <poll.h>
#include <stdexcept>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <vector>

namespace wp::test {
namespace {

constexpr std::size_t kWindow = 1 << 20;  // of bytes in passing, per direction

Millis now() {
  return system_clock().steady();
}

sockaddr_un unix_address(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  return address;
}

sockaddr_in tcp_address(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  return address;
}

template <typename Address>
UniqueFd listen_on(const Address& address, int family) {
  UniqueFd fd(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      listen(fd.get(), 64) != 0) {
    throw std::runtime_error("the proxy cannot listen");
  }
  return fd;
}

// Blocks for no time worth mentioning: the server is on this machine. -1 when it is away.
UniqueFd connect_to(const redis::Address& server) {
  const bool by_path = !server.socket_path.empty();
  UniqueFd fd(::socket(by_path ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_un path = unix_address(server.socket_path);
  const sockaddr_in port = tcp_address(server.port);
  const int failed = by_path
                         ? connect(fd.get(), reinterpret_cast<const sockaddr*>(&path), sizeof path)
                         : connect(fd.get(), reinterpret_cast<const sockaddr*>(&port), sizeof port);
  if (failed != 0) fd.reset();
  return fd;
}

}  // namespace

Proxy::Proxy(redis::Address server)
    : server_(std::move(server)),
      unix_listener_(listen_on(unix_address(folder_.path() + "/proxy.sock"), AF_UNIX)),
      tcp_listener_(listen_on(tcp_address(0), AF_INET)),
      waker_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  getsockname(tcp_listener_.get(), reinterpret_cast<sockaddr*>(&address), &size);
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { run(); });
}

Proxy::~Proxy() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake();
  thread_.join();
}

redis::Endpoint Proxy::endpoint() const {
  return redis::parse_endpoint("unix://" + folder_.path() + "/proxy.sock");
}

void Proxy::wake() const {
  const std::uint64_t one = 1;
  (void)!::write(waker_.get(), &one, sizeof one);
}

void Proxy::after(Way way, std::size_t bytes, Fault fault) {
  const std::lock_guard lock(mutex_);
  plan_ = Plan{way, bytes, fault};
}

void Proxy::delay(Millis by) {
  const std::lock_guard lock(mutex_);
  delay_ = by;
}

void Proxy::heal() {
  {
    const std::lock_guard lock(mutex_);
    plan_.reset();
    delay_ = Millis{0};
    for (Pair& pair : pairs_) {
      for (Stream* stream : {&pair.request, &pair.reply}) {
        stream->stalled = stream->dropping = false;
        stream->due = Millis{0};
      }
    }
  }
  wake();
}

void Proxy::cut_all() {
  {
    const std::lock_guard lock(mutex_);
    pairs_.clear();
  }
  wake();
}

void Proxy::accept_from(int listener) {
  UniqueFd client(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
  if (!client) return;
  ++accepted_;
  Pair pair;
  pair.server = connect_to(server_);
  pair.client = std::move(client);
  if (pair.server) pairs_.push_back(std::move(pair));
}

void Proxy::receive(Pair& pair, Way way) {
  Stream& stream = way == Way::request ? pair.request : pair.reply;
  const int from = (way == Way::request ? pair.client : pair.server).get();
  char bytes[65536];
  const ssize_t n = ::recv(from, bytes, sizeof bytes, MSG_DONTWAIT);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n <= 0) {
    stream.ended = true;
    return;
  }
  if (stream.dropping) return;
  if (stream.bytes.empty()) stream.due = now() + delay_;
  stream.bytes.append(bytes, static_cast<std::size_t>(n));
}

void Proxy::strike(Pair& pair, Stream& stream, int to) {
  ++happened_;
  switch (plan_->fault) {
    case Fault::cut:
      pair.over = true;
      break;
    case Fault::half_close:
      ::shutdown(to, SHUT_WR);
      stream.bytes.clear();
      stream.closed = stream.dropping = true;
      break;
    case Fault::stall:
      stream.stalled = true;
      break;
    case Fault::drop:
      stream.bytes.clear();
      stream.dropping = true;
      break;
  }
  plan_.reset();
}

void Proxy::pass(Pair& pair, Way way) {
  Stream& stream = way == Way::request ? pair.request : pair.reply;
  const int to = (way == Way::request ? pair.server : pair.client).get();
  while (!stream.bytes.empty() && !stream.stalled && !pair.over && stream.due <= now()) {
    const bool counted = plan_ && plan_->way == way;
    if (counted && plan_->left == 0) {
      strike(pair, stream, to);
      continue;
    }
    const std::size_t size =
        counted ? std::min(plan_->left, stream.bytes.size()) : stream.bytes.size();
    const ssize_t n = ::send(to, stream.bytes.data(), size, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0 && errno == EAGAIN) break;
    if (n < 0) {
      pair.over = true;
      break;
    }
    stream.bytes.erase(0, static_cast<std::size_t>(n));
    if (counted) plan_->left -= static_cast<std::size_t>(n);
  }
  if (stream.ended && stream.bytes.empty() && !stream.closed) {
    ::shutdown(to, SHUT_WR);
    stream.closed = true;
  }
  // A part whose peer ended both directions, or that hung up, is over.
  if (pair.request.ended || (pair.reply.ended && stream.bytes.empty())) pair.over = true;
}

void Proxy::run() {
  for (;;) {
    std::vector<pollfd> fds = {{waker_.get(), POLLIN, 0},
                               {unix_listener_.get(), POLLIN, 0},
                               {tcp_listener_.get(), POLLIN, 0}};
    int timeout = -1;
    {
      const std::lock_guard lock(mutex_);
      if (stop_) return;
      const auto events = [](const Stream& in, const Stream& out, const Millis at) {
        const bool reads = !in.ended && in.bytes.size() < kWindow;
        const bool writes = !out.bytes.empty() && !out.stalled && out.due <= at;
        return static_cast<short>((reads ? POLLIN : 0) | (writes ? POLLOUT : 0));
      };
      for (const Pair& pair : pairs_) {
        // The server's end has nothing more to say once it ended: it would be reported for ever.
        const short back = events(pair.reply, pair.request, now());
        fds.push_back({pair.client.get(), events(pair.request, pair.reply, now()), 0});
        fds.push_back({pair.reply.ended && back == 0 ? -1 : pair.server.get(), back, 0});
        for (const Stream* stream : {&pair.request, &pair.reply}) {
          if (stream->bytes.empty() || stream->stalled || stream->due <= now()) continue;
          const auto wait = static_cast<int>((stream->due - now()).count());
          timeout = timeout < 0 ? wait : std::min(timeout, wait);
        }
      }
    }
    poll(fds.data(), fds.size(), timeout);
    const std::lock_guard lock(mutex_);
    std::uint64_t ignored = 0;
    (void)!::read(waker_.get(), &ignored, sizeof ignored);
    for (Pair& pair : pairs_) {
      for (const Way way : {Way::request, Way::reply}) {
        const int from = (way == Way::request ? pair.client : pair.server).get();
        const auto fd = std::find_if(fds.begin() + 3, fds.end(),
                                     [from](const pollfd& one) { return one.fd == from; });
        if (fd != fds.end() && (fd->revents & (POLLIN | POLLHUP | POLLERR)) != 0) {
          receive(pair, way);
        }
        pass(pair, way);
      }
    }
    pairs_.remove_if([](const Pair& pair) { return pair.over; });
    if (fds[1].revents != 0) accept_from(unix_listener_.get());
    if (fds[2].revents != 0) accept_from(tcp_listener_.get());
  }
}

}  // namespace wp::test
