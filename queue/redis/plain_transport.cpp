#include <cerrno>
#include <cstring>
#include <poll.h>
#include <sys/socket.h>

#include "queue/redis/error.h"
#include "queue/redis/transport.h"

namespace wp::redis {
namespace {

class PlainTransport : public Transport {
 public:
  explicit PlainTransport(UniqueFd socket) : socket_(std::move(socket)) {}

  int fd() const override { return socket_.get(); }
  short handshake() override { return 0; }

  Moved read(std::span<char> buffer) override {
    const ssize_t n = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (n == 0) throw Error(ErrorClass::closed, "the server closed the connection");
    return moved(n, POLLIN);
  }

  Moved write(std::string_view bytes) override {
    return moved(::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL), POLLOUT);
  }

 private:
  static Moved moved(ssize_t n, short events) {
    if (n > 0) return {static_cast<std::size_t>(n), 0};
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return {0, events};
    throw Error(ErrorClass::closed, std::strerror(errno));
  }

  UniqueFd socket_;
};

}  // namespace

std::unique_ptr<Transport> plain_transport(UniqueFd socket) {
  return std::make_unique<PlainTransport>(std::move(socket));
}

}  // namespace wp::redis
