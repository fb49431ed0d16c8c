#include "tests/support/script_server.h"

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <netinet/in.h>
#include <stdexcept>
#include <sys/socket.h>

namespace wp::test {
namespace {

UniqueFd listen_on(int port, bool ipv6) {
  UniqueFd fd(::socket(ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_storage address{};
  socklen_t size = 0;
  if (ipv6) {
    auto& made = reinterpret_cast<sockaddr_in6&>(address);
    made.sin6_family = AF_INET6;
    made.sin6_addr = in6addr_loopback;
    made.sin6_port = htons(static_cast<std::uint16_t>(port));
    size = sizeof made;
  } else {
    auto& made = reinterpret_cast<sockaddr_in&>(address);
    made.sin_family = AF_INET;
    made.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    made.sin_port = htons(static_cast<std::uint16_t>(port));
    size = sizeof made;
  }
  if (bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      listen(fd.get(), 512) != 0) {
    throw std::runtime_error("cannot listen on " + std::to_string(port));
  }
  return fd;
}

int port_of(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6&>(address).sin6_port
                                             : reinterpret_cast<sockaddr_in&>(address).sin_port);
}

}  // namespace

std::string ScriptServer::Client::head() {
  char piece[4096];
  while (bytes_.find("\r\n\r\n") == std::string::npos) {
    const ssize_t n = ::recv(fd_, piece, sizeof piece, 0);
    if (n <= 0) return bytes_;
    bytes_.append(piece, static_cast<std::size_t>(n));
  }
  return bytes_.substr(0, bytes_.find("\r\n\r\n") + 4);
}

std::string ScriptServer::Client::request() {
  const std::string first = head();
  constexpr std::string_view kLength = "Content-Length: ";
  const std::size_t at = first.find(kLength);
  std::size_t size = first.size();
  if (at != std::string::npos) size += std::stoul(first.substr(at + kLength.size()));
  char piece[65536];
  while (bytes_.size() < size) {
    const ssize_t n = ::recv(fd_, piece, sizeof piece, 0);
    if (n <= 0) break;
    bytes_.append(piece, static_cast<std::size_t>(n));
  }
  return bytes_;
}

bool ScriptServer::Client::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

void ScriptServer::Client::wait_end() {
  char piece[4096];
  while (::recv(fd_, piece, sizeof piece, 0) > 0) {
  }
}

void ScriptServer::Client::reset() {
  const linger at_once{1, 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

ScriptServer::ScriptServer(Script script, int port, bool ipv6)
    : script_(std::move(script)),
      listener_(listen_on(port, ipv6)),
      port_(port_of(listener_.get())) {
  thread_ = std::thread([this] { run(); });
}

ScriptServer::ScriptServer(std::string answer)
    : ScriptServer([answer = std::move(answer)](Client& client) {
        if (!client.request().empty()) client.send(answer);
      }) {}

ScriptServer::~ScriptServer() {
  shutdown(listener_.get(), SHUT_RDWR);  // wakes accept
  thread_.join();
  {
    const std::lock_guard lock(mutex_);
    for (const int fd : open_) shutdown(fd, SHUT_RDWR);
  }
  for (std::thread& client : clients_) client.join();
}

void ScriptServer::run() {
  for (;;) {
    const int fd = ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) return;
    ++accepted_;
    {
      const std::lock_guard lock(mutex_);
      open_.push_back(fd);
    }
    clients_.emplace_back([this, fd] {
      Client client(fd);
      script_(client);
      const std::lock_guard lock(mutex_);
      open_.erase(std::find(open_.begin(), open_.end(), fd));
      ::close(fd);
    });
  }
}

}  // namespace wp::test
