#include "tests/support/byte_server.h"

#include <algorithm>
#include <arpa/inet.h>
#include <map>
#include <netinet/in.h>
#include <poll.h>
#include <stdexcept>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <vector>

namespace wp::test {

ByteServer::ByteServer(std::string bytes, Then then)
    : bytes_(std::move(bytes)),
      then_(then),
      listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)),
      stop_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      listen(listener_.get(), 16) != 0 ||
      getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    throw std::runtime_error("cannot listen");
  }
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { run(); });
}

ByteServer::~ByteServer() {
  const std::uint64_t one = 1;
  (void)!::write(stop_.get(), &one, sizeof one);
  thread_.join();
}

redis::Endpoint ByteServer::endpoint() const {
  return redis::parse_endpoint("redis://127.0.0.1:" + std::to_string(port_));
}

void ByteServer::run() {
  struct Client {
    UniqueFd fd;
    bool asked = false;
    std::size_t sent = 0;
  };
  std::map<int, Client> clients;
  for (;;) {
    std::vector<pollfd> fds = {{stop_.get(), POLLIN, 0}, {listener_.get(), POLLIN, 0}};
    for (const auto& [fd, client] : clients) {
      const bool more = client.asked && client.sent < bytes_.size();
      fds.push_back({fd, static_cast<short>(POLLIN | (more ? POLLOUT : 0)), 0});
    }
    poll(fds.data(), fds.size(), -1);
    if (fds[0].revents != 0) return;
    if (fds[1].revents != 0) {
      UniqueFd made(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
      const int fd = made.get();
      if (fd >= 0) clients[fd].fd = std::move(made);
    }
    for (std::size_t i = 2; i < fds.size(); ++i) {
      Client& client = clients.at(fds[i].fd);
      bool over = (fds[i].revents & (POLLHUP | POLLERR)) != 0;
      if ((fds[i].revents & POLLIN) != 0) {
        char asked[4096];
        over = ::recv(fds[i].fd, asked, sizeof asked, 0) == 0;
        if (!over && !std::exchange(client.asked, true)) ++served_;
      }
      if ((fds[i].revents & POLLOUT) != 0) {
        const ssize_t n = ::send(fds[i].fd, bytes_.data() + client.sent,
                                 bytes_.size() - client.sent, MSG_NOSIGNAL);
        over = over || n < 0;
        client.sent += static_cast<std::size_t>(std::max<ssize_t>(n, 0));
        if (then_ == Then::repeat) client.sent %= bytes_.size();
      }
      const bool told = client.asked && client.sent >= bytes_.size();
      if (over || (told && then_ == Then::close)) clients.erase(fds[i].fd);
    }
  }
}

}  // namespace wp::test
