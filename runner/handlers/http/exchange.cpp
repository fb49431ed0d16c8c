#include "runner/handlers/http/exchange.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <system_error>
#include <utility>

namespace wp::runner {
namespace {

// A port that nobody listens on can, once in thousands of tries, be connected to itself: the kernel
// chose the same one for our side. Then the app is not there, and must find its port free.
bool is_connected_to_itself(int fd) {
  sockaddr_storage ours{};
  sockaddr_storage theirs{};
  socklen_t our_size = sizeof ours;
  socklen_t their_size = sizeof theirs;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&ours), &our_size) != 0 ||
      getpeername(fd, reinterpret_cast<sockaddr*>(&theirs), &their_size) != 0 ||
      our_size != their_size || std::memcmp(&ours, &theirs, our_size) != 0) {
    return false;
  }
  const linger no_wait{1, 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &no_wait, sizeof no_wait);
  return true;
}

}  // namespace

int HttpExchange::begin(const HttpAddress& address, std::string_view head, std::string_view body,
                        Done done) {
  head_ = head;
  body_ = body;
  done_ = std::move(done);
  fd_.reset(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd_) return errno;
  const int on = 1;
  setsockopt(fd_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::connect(fd_.get(), address.get(), address.size) != 0 && errno != EINPROGRESS) return errno;
  // On loopback the connection is there by now, and most requests fit into its buffer.
  if (!head_.empty()) send();
  // One registration for all that follows, so only changes are told: ready() uses each up.
  const bool waits_to_send = head_.empty() || !all_sent();
  const std::uint32_t wanted = EPOLLET | EPOLLIN | (waits_to_send ? std::uint32_t{EPOLLOUT} : 0);
  try {
    loop_.watch(fd_.get(), wanted, [this](std::uint32_t) { ready(); });
  } catch (const std::system_error& error) {
    fd_.reset();
    return error.code().value();
  }
  if (sent_ == 0) {
    connect_timer_ = loop_.after(kHttpConnectTimeout, [this] { finish(ETIMEDOUT); });
  }
  return 0;
}

void HttpExchange::ready() {
  if (head_.empty()) return probed();
  if (!all_sent() && send_error_ == 0) send();
  receive();
}

void HttpExchange::probed() {
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  if (error == 0 && is_connected_to_itself(fd_.get())) error = ECONNREFUSED;
  finish(error);
}

void HttpExchange::send() {
  while (!all_sent()) {
    const std::string_view head = head_.substr(std::min(sent_, head_.size()));
    const std::string_view body = body_.substr(sent_ > head_.size() ? sent_ - head_.size() : 0);
    std::array<iovec, 2> parts = {iovec{const_cast<char*>(head.data()), head.size()},
                                  iovec{const_cast<char*>(body.data()), body.size()}};
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = parts.size();
    if (sent_ == 0 && is_connected_to_itself(fd_.get())) {
      send_error_ = ECONNREFUSED;
      return;
    }
    const ssize_t count = ::sendmsg(fd_.get(), &message, MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      // Not connected yet, or the buffer is full; else it goes no further, but an answer may be
      // there already.
      if (errno != EAGAIN) send_error_ = errno;
      return;
    }
    if (sent_ == 0) loop_.cancel(std::exchange(connect_timer_, 0));
    sent_ += static_cast<std::size_t>(count);
  }
}

void HttpExchange::receive() {
  std::array<char, 16 * 1024> bytes;
  for (;;) {
    const ssize_t count = ::recv(fd_.get(), bytes.data(), bytes.size(), 0);
    if (count > 0) {
      answer_.add({bytes.data(), static_cast<std::size_t>(count)});
      if (answer_.over()) return finish(0);
      continue;
    }
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN && send_error_ == 0) return;
    const int error = send_error_ != 0 ? send_error_ : count < 0 ? errno : ECONNRESET;
    if (sent_ == 0 && !answer_.begun()) return finish(error);
    // Who answers without reading to the end and closes resets the connection by that, so it says
    // nothing then; but what it refused so is no result. Later it means that the app is gone.
    const int status = answer_.response().status;
    if (count < 0 && (all_sent() || (status >= 200 && status < 300))) {
      answer_.cut();
    } else {
      answer_.end();
    }
    return finish(0);
  }
}

void HttpExchange::finish(int error) {
  close();
  const Done done = std::move(done_);
  done({error, std::move(answer_)});
}

void HttpExchange::close() {
  loop_.cancel(std::exchange(connect_timer_, 0));
  if (!fd_) return;
  loop_.forget(fd_.get());
  fd_.reset();
}

}  // namespace wp::runner
