#include "base/loopback_url.h"

#include <algorithm>
#include <arpa/inet.h>
#include <charconv>
#include <fmt/format.h>

namespace wp {
namespace {

constexpr std::string_view kScheme = "http://";

bool same_letters(std::string_view text, std::string_view lower) {
  return std::equal(text.begin(), text.end(), lower.begin(), lower.end(), [](char a, char b) {
    return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
  });
}

// Empty when it is not on loopback.
std::string loopback_host(const std::string& host) {
  if (host.find('\0') != std::string::npos) return {};
  if (same_letters(host, "localhost")) return "localhost";
  // IPv6 has many spellings of the one address; this is the one that people write.
  if (host == "[::1]") return "::1";
  in_addr ip{};
  if (inet_pton(AF_INET, host.c_str(), &ip) != 1 || ntohl(ip.s_addr) >> 24 != 127) return {};
  return host;
}

std::uint16_t parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const char* end = text.data() + text.size();
  const auto [last, error] = std::from_chars(text.data(), end, port);
  return error == std::errc{} && last == end ? port : std::uint16_t{0};
}

}  // namespace

std::string problem_with_http_path(std::string_view path) {
  if (!path.starts_with('/')) return "does not begin with /";
  if (path.size() > kMaxLoopbackUrl) return fmt::format("is above {} bytes", kMaxLoopbackUrl);
  const auto bad = [](char c) { return c <= ' ' || c >= 0x7F || c == '#'; };
  if (std::any_of(path.begin(), path.end(), bad)) {
    return "holds a space, a # or a character that is to be written as %XX";
  }
  return {};
}

LoopbackUrl parse_loopback_url(std::string_view url) {
  const auto refuse = [](const std::string& why) { return LoopbackUrlError(why, true); };
  if (url.size() > kMaxLoopbackUrl) throw refuse("is too long");
  if (!same_letters(url.substr(0, kScheme.size()), kScheme)) {
    throw refuse("does not begin with http://");
  }
  const std::string_view rest = url.substr(kScheme.size());
  const std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
  if (authority.find('@') != std::string_view::npos) {
    throw LoopbackUrlError("holds a user name", false);
  }
  LoopbackUrl made;
  made.path = rest.substr(authority.size());
  if (!made.path.starts_with('/')) made.path.insert(0, "/");
  if (const std::string problem = problem_with_http_path(made.path); !problem.empty()) {
    throw refuse("has a path that is no path: it " + problem);
  }
  const std::size_t bracket = authority.rfind(']');
  const std::size_t colon = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
  made.host = loopback_host(std::string(authority.substr(0, colon)));
  if (made.host.empty()) throw refuse("is not on loopback (127.0.0.0/8, [::1] or localhost)");
  if (colon != std::string_view::npos) made.port = parse_port(authority.substr(colon + 1));
  if (made.port == 0) throw refuse("has a port that is none of 1 to 65535");
  made.authority = authority;
  return made;
}

}  // namespace wp
