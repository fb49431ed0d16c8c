// Where an app beside the runner listens: a URL, checked by base/loopback_url.h, as addresses to
// connect to. No name is ever looked up: localhost is 127.0.0.1 and ::1, as RFC 6761 allows, and
// which of the two the app took is found out by asking. Pure.
#pragma once

#include <netinet/in.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <vector>

namespace wp::runner {

struct HttpAddress {
  sockaddr_storage socket{};
  socklen_t size = 0;

  int family() const { return socket.ss_family; }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&socket); }
};

struct HttpTarget {
  std::vector<HttpAddress> addresses;  // one; of localhost two
  std::string authority;               // 127.0.0.1:8000, the Host header
  std::string path;                    // with the query; "/" at least

  std::string origin() const { return "http://" + authority; }
  /// For messages and logs: a query may hold a secret.
  std::string shown() const { return origin() + path.substr(0, path.find('?')); }
};

/// Throws std::invalid_argument: one line that names what is wrong and what is allowed.
HttpTarget parse_http_url(std::string_view url);

}  // namespace wp::runner
