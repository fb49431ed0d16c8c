#include "runner/handlers/http/url.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <stdexcept>

#include "base/loopback_url.h"
#include "runner/handlers/printable.h"

namespace wp::runner {
namespace {

constexpr std::string_view kExample = "http://127.0.0.1:8000/jobs";

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

std::vector<HttpAddress> addresses_of(const LoopbackUrl& url) {
  const HttpAddress ipv6 = address_of(in6addr_loopback, url.port);
  if (url.host == "::1") return {ipv6};
  if (url.host == "localhost") return {address_of(in_addr{htonl(INADDR_LOOPBACK)}, url.port), ipv6};
  in_addr ip{};
  (void)inet_pton(AF_INET, url.host.c_str(), &ip);
  return {address_of(ip, url.port)};
}

}  // namespace

HttpTarget parse_http_url(std::string_view url) {
  try {
    LoopbackUrl parsed = parse_loopback_url(url);
    return {addresses_of(parsed), std::move(parsed.authority), std::move(parsed.path)};
  } catch (const LoopbackUrlError& error) {
    const std::string shown = error.may_be_shown() ? "\"" + escaped(url, 200) + "\" " : "";
    throw std::invalid_argument(
        fmt::format("{}{}; allowed is an address such as {}", shown, error.what(), kExample));
  }
}

}  // namespace wp::runner
