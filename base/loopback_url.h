// Where an app beside a worker listens: http:// on loopback. One set of rules for the pool that
// declares the URL and for the runner that uses it, so that neither takes what the other refuses;
// the resource's own rule (CEL) says the same in a regular expression, and a test holds all three
// against one table. No name is ever looked up. Pure; any thread.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace wp {

inline constexpr std::size_t kMaxLoopbackUrl = 1024;  // bytes

struct LoopbackUrl {
  std::string host;  // of IPv6 without brackets; "localhost" in small letters
  std::uint16_t port = 80;
  std::string authority;  // as it was written: the Host header
  std::string path;       // with the query; "/" at least
};

/// `what()` goes on after "the URL …". One that holds a user name is not to be shown: what stands
/// behind it may be a password.
class LoopbackUrlError : public std::invalid_argument {
 public:
  LoopbackUrlError(const std::string& problem, bool may_be_shown)
      : std::invalid_argument(problem), may_be_shown_(may_be_shown) {}
  bool may_be_shown() const { return may_be_shown_; }

 private:
  bool may_be_shown_;
};

/// 127.0.0.0/8, [::1] or localhost; a port from 1 to 65535; a path of visible ASCII without #.
/// Throws LoopbackUrlError.
LoopbackUrl parse_loopback_url(std::string_view url);

/// What is wrong with the path of a request, in words that go on after "the path …"; empty when it
/// is fine.
std::string problem_with_http_path(std::string_view path);

}  // namespace wp
