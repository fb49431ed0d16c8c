// Where a Redis is and who we are there: parsed from a URL, with the credentials beside it.
// Pure. `describe` is what logs and errors print: it holds no password.
#pragma once

#include <string>
#include <string_view>

namespace wp::redis {

struct Endpoint {
  std::string host;  // empty with a unix socket
  int port = 6379;
  std::string socket_path;  // unix:///path
  int database = 0;
  std::string username;
  std::string password;

  /// redis://host:6379/0 or unix:///path, for people.
  std::string describe() const;

  bool operator==(const Endpoint&) const = default;
};

/// redis://[user:password@]host[:port][/db] and unix:///path[?db=n]. Throws std::invalid_argument
/// with one line that names what is wrong and what is allowed (and never the password).
Endpoint parse_endpoint(std::string_view url);

}  // namespace wp::redis
