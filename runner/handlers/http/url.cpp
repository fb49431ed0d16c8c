#include "runner/handlers/http/url.h"

#include <algorithm>
#include <arpa/inet.h>
#include <charconv>
#include <fmt/format.h>
#include <stdexcept>

#include "runner/handlers/json_text.h"
#include "runner/handlers/printable.h"

namespace wp::runner {
namespace {

constexpr std::string_view kScheme = "http://";
constexpr std::size_t kMaxUrl = 2048;
constexpr std::string_view kExample = "http://127.0.0.1:8000/jobs";

bool same_letters(std::string_view text, std::string_view lower) {
  return std::equal(text.begin(), text.end(), lower.begin(), lower.end(), [](char a, char b) {
    return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
  });
}

HttpAddress address_of(const in_addr& ip, std::uint16_t port) {
  HttpAddress made;
  auto& address = reinterpret_cast<sockaddr_in&>(made.socket);
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr = ip;
  made.size = sizeof address;
  return made;
}

HttpAddress address_of(const in6_addr& ip, std::uint16_t port) {
  HttpAddress made;
  auto& address = reinterpret_cast<sockaddr_in6&>(made.socket);
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(port);
  address.sin6_addr = ip;
  made.size = sizeof address;
  return made;
}

// Empty when the host is not on loopback.
std::vector<HttpAddress> loopback_addresses(const std::string& host, std::uint16_t port) {
  if (host.find('\0') != std::string::npos) return {};
  if (same_letters(host, "localhost")) {
    return {address_of(in_addr{htonl(INADDR_LOOPBACK)}, port), address_of(in6addr_loopback, port)};
  }
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    in6_addr ip{};
    const std::string inner = host.substr(1, host.size() - 2);
    if (inet_pton(AF_INET6, inner.c_str(), &ip) != 1 || !IN6_IS_ADDR_LOOPBACK(&ip)) return {};
    return {address_of(ip, port)};
  }
  in_addr ip{};
  if (inet_pton(AF_INET, host.c_str(), &ip) != 1 || ntohl(ip.s_addr) >> 24 != 127) return {};
  return {address_of(ip, port)};
}

// Absent: 0.
std::uint16_t parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const char* const end = text.data() + text.size();
  const auto [last, error] = std::from_chars(text.data(), end, port);
  return error == std::errc{} && last == end ? port : std::uint16_t{0};
}

}  // namespace

std::string problem_with_http_path(std::string_view path) {
  const std::string shown = escaped(path, 200);
  if (!path.starts_with('/')) return fmt::format("\"{}\" does not begin with /", shown);
  if (path.size() > kMaxUrl) return fmt::format("longer than {} bytes", kMaxUrl);
  const auto bad = [](char c) { return c <= ' ' || c >= 0x7F || c == '#'; };
  if (std::any_of(path.begin(), path.end(), bad)) {
    return fmt::format("\"{}\" holds a space, a # or a character that is to be written as %XX",
                       shown);
  }
  return {};
}

HttpTarget parse_http_url(std::string_view url) {
  const auto refuse = [url](std::string_view why) {
    return std::invalid_argument(fmt::format("\"{}\" {}; allowed is an address such as {}",
                                             escaped(url, 200), why, kExample));
  };
  if (url.size() > kMaxUrl) throw refuse("is too long");
  if (!same_letters(url.substr(0, kScheme.size()), kScheme)) {
    throw refuse("does not begin with http://");
  }
  const std::string_view rest = url.substr(kScheme.size());
  const std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
  if (authority.find('@') != std::string_view::npos) {
    // Not quoted: it may be a password.
    throw std::invalid_argument(
        fmt::format("holds a user name; allowed is an address such as {}", kExample));
  }
  HttpTarget target;
  target.path = rest.substr(authority.size());
  if (!target.path.starts_with('/')) target.path.insert(0, "/");
  if (const std::string problem = problem_with_http_path(target.path); !problem.empty()) {
    throw refuse("has a path that is no path: " + problem);
  }
  const std::size_t bracket = authority.rfind(']');
  const std::size_t colon = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
  const std::string_view host = authority.substr(0, colon);
  std::uint16_t port = 80;
  if (colon != std::string_view::npos) port = parse_port(authority.substr(colon + 1));
  target.addresses = loopback_addresses(std::string(host), port);
  if (target.addresses.empty()) {
    throw refuse("is not on loopback (127.0.0.0/8, [::1] or localhost)");
  }
  if (port == 0) throw refuse("has a port that is none of 1 to 65535");
  target.authority = authority;
  return target;
}

}  // namespace wp::runner
