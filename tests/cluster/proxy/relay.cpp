#include "tests/cluster/proxy/relay.h"

#include <algorithm>
#include <array>
#include <deque>
#include <optional>
#include <poll.h>

#include "base/log.h"
#include "tests/cluster/proxy/request_reader.h"

namespace wp::testproxy {
namespace {

// What was read and is passed on when it is due.
struct Piece {
  std::string bytes;  // empty: the end of the connection
  Millis due;
};

class Held {
 public:
  /// Not before what came earlier.
  void add(std::string bytes, Millis due) {
    last_ = std::max(last_, due);
    pieces_.push_back({std::move(bytes), last_});
  }

  /// Writes what is due. False once the end is.
  bool pass(Channel& to, Millis now) {
    blocked_ = false;
    while (!pieces_.empty() && pieces_.front().due <= now) {
      std::string& bytes = pieces_.front().bytes;
      if (bytes.empty()) return false;
      const Channel::Moved moved = to.write(bytes);
      if (moved.ended) return false;
      blocked_ = moved.bytes == 0;
      if (blocked_) return true;
      bytes.erase(0, moved.bytes);
      if (bytes.empty()) pieces_.pop_front();
    }
    return true;
  }

  /// The receiver takes nothing more now.
  bool blocked() const { return blocked_; }
  std::optional<Millis> next_due() const {
    if (pieces_.empty() || blocked_) return std::nullopt;
    return pieces_.front().due;
  }

 private:
  std::deque<Piece> pieces_;
  Millis last_{0};
  bool blocked_ = false;
};

// Reads all there is. False at the end of the connection.
template <typename Take>
bool read_all(Channel& from, Take take) {
  std::array<char, 65536> buffer;
  while (true) {
    const Channel::Moved moved = from.read(buffer.data(), buffer.size());
    if (moved.ended) return false;
    if (moved.bytes == 0) return true;
    take(std::string(buffer.data(), moved.bytes));
  }
}

}  // namespace

void relay(Channel& client, Channel& server, const Delaying& delaying) {
  client.stop_blocking();
  server.stop_blocking();
  RequestReader requests(delaying.plural);
  Held to_server;
  Held to_client;
  bool server_ended = false;
  bool told = false;
  const auto request = [&](std::string bytes) {
    requests.feed(bytes);
    if (!std::exchange(told, requests.watching()) && told) {
      log::info("a watch to delay", {{"request", requests.request_line()}});
    }
    to_server.add(std::move(bytes), Millis{0});
  };
  const auto due = [&] {
    return requests.watching() ? system_clock().steady() + delaying.delay() : Millis{0};
  };
  while (true) {
    // TLS may have read more from the socket than it handed out: poll comes after reading all.
    if (!read_all(client, request)) return;
    if (!server_ended &&
        !read_all(server, [&](std::string bytes) { to_client.add(std::move(bytes), due()); })) {
      server_ended = true;
      to_client.add("", due());
    }
    const Millis now = system_clock().steady();
    if (!to_server.pass(server, now) && !server_ended) return;
    if (!to_client.pass(client, now)) return;

    const auto events = [](const Held& held) {
      return static_cast<short>(POLLIN | (held.blocked() ? POLLOUT : 0));
    };
    std::array<pollfd, 2> fds{pollfd{client.fd(), events(to_client), 0},
                              pollfd{server_ended ? -1 : server.fd(), events(to_server), 0}};
    const auto next = to_client.next_due();
    const Millis wait = next ? std::max(Millis{0}, *next - now) : Millis{-1};
    ::poll(fds.data(), fds.size(), static_cast<int>(wait.count()));
  }
}

}  // namespace wp::testproxy
