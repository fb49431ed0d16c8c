#include "queue/redis/dial.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "queue/redis/error.h"
#include "queue/redis/resolver.h"

namespace wp::redis {
namespace {

constexpr Millis kFullBacklog{10};  // between two knocks on a unix socket whose queue is full

UniqueFd open_socket(int family) {
  UniqueFd fd(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) throw Error(ErrorClass::refused, std::strerror(errno));
  return fd;
}

// 0, or the errno of the attempt.
int connect_tcp(int fd, const SocketAddress& address, const Waiter& waiter, Millis deadline) {
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address.storage), address.size) == 0) {
    return 0;
  }
  if (errno != EINPROGRESS && errno != EINTR) return errno;
  if (!waiter.wait(fd, POLLOUT, deadline)) return ETIMEDOUT;
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
  return error;
}

UniqueFd dial_tcp(const Address& address, const Waiter& waiter, Millis deadline) {
  const std::vector<SocketAddress> found = resolve(address.host, address.port, waiter, deadline);
  int error = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    UniqueFd fd = open_socket(found[i].storage.ss_family);
    // One address that swallows packets must not use up the time of the others.
    const Millis left = std::max(Millis{0}, deadline - system_clock().steady());
    const Millis share = left / static_cast<std::int64_t>(found.size() - i);
    error = connect_tcp(fd.get(), found[i], waiter, system_clock().steady() + share);
    if (error != 0) continue;
    const int on = 1;
    setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd.get(), SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    return fd;
  }
  if (error == ETIMEDOUT) throw Error(ErrorClass::timeout, "no answer to the connection in time");
  throw Error(ErrorClass::refused, std::strerror(error));
}

UniqueFd dial_unix(const std::string& path, const Waiter& waiter, Millis deadline) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    throw Error(ErrorClass::refused, "the socket's path is longer than the system allows");
  }
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  UniqueFd fd = open_socket(AF_UNIX);
  while (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    // Unlike with TCP nothing is under way then: the server's queue was full.
    if (errno != EAGAIN && errno != EINTR) throw Error(ErrorClass::refused, std::strerror(errno));
    if (system_clock().steady() >= deadline) {
      throw Error(ErrorClass::timeout, "no answer to the connection in time");
    }
    waiter.pause(std::min(deadline, system_clock().steady() + kFullBacklog));
  }
  return fd;
}

}  // namespace

UniqueFd dial(const Address& address, const Waiter& waiter, Millis deadline) {
  if (!address.socket_path.empty()) return dial_unix(address.socket_path, waiter, deadline);
  return dial_tcp(address, waiter, deadline);
}

}  // namespace wp::redis
