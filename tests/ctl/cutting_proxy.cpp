#include "tests/ctl/cutting_proxy.h"

#include <cstring>
#include <poll.h>
#include <stdexcept>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace wp::test {
namespace {

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  return address;
}

bool forward(const char* bytes, ssize_t size, int to) {
  for (ssize_t sent = 0; sent < size;) {
    const ssize_t n = ::send(to, bytes + sent, static_cast<std::size_t>(size - sent), MSG_NOSIGNAL);
    if (n <= 0) return false;
    sent += n;
  }
  return true;
}

}  // namespace

CuttingProxy::CuttingProxy(std::string upstream_socket, Cut cut, int exchange,
                           bool every_connection)
    : socket_(folder_.path() + "/proxy.sock"),
      upstream_(std::move(upstream_socket)),
      cut_(cut),
      exchange_(exchange),
      every_connection_(every_connection),
      listener_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)),
      quit_(eventfd(0, EFD_CLOEXEC)) {
  const sockaddr_un address = address_of(socket_);
  if (bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      listen(listener_.get(), 16) != 0) {
    throw std::runtime_error("the proxy cannot listen");
  }
  thread_ = std::thread([this] { run(); });
}

CuttingProxy::~CuttingProxy() {
  const std::uint64_t one = 1;
  (void)!::write(quit_.get(), &one, sizeof one);
  thread_.join();
}

void CuttingProxy::run() {
  for (;;) {
    pollfd fds[] = {{listener_.get(), POLLIN, 0}, {quit_.get(), POLLIN, 0}};
    if (poll(fds, 2, -1) < 0) continue;
    if (fds[1].revents != 0) return;
    const UniqueFd client(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!client) continue;
    ++connections_;
    serve(client.get());
  }
}

// One connection at a time is enough: the client has one.
void CuttingProxy::serve(int client) {
  const UniqueFd upstream(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_un address = address_of(upstream_);
  if (::connect(upstream.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return;
  }
  const bool cuts = exchange_ > 0 && (every_connection_ || connections_ == 1);
  int exchange = 0;
  bool answering = true;
  char buffer[64 * 1024];
  for (;;) {
    pollfd fds[] = {{client, POLLIN, 0}, {upstream.get(), POLLIN, 0}, {quit_.get(), POLLIN, 0}};
    if (poll(fds, 3, -1) < 0) continue;
    if (fds[2].revents != 0) return;
    if (fds[0].revents != 0) {
      const ssize_t n = ::recv(client, buffer, sizeof buffer, 0);
      if (n <= 0) return;
      if (answering) ++exchange;
      answering = false;
      if (cuts && cut_ == Cut::before && exchange == exchange_) return;
      if (!forward(buffer, n, upstream.get())) return;
    }
    if (fds[1].revents != 0) {
      const ssize_t n = ::recv(upstream.get(), buffer, sizeof buffer, 0);
      if (n <= 0) return;
      answering = true;
      if (cuts && cut_ == Cut::after && exchange == exchange_) return;
      if (!forward(buffer, n, client)) return;
    }
  }
}

}  // namespace wp::test
