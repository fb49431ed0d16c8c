#include "queue/redis/endpoint.h"

#include <charconv>
#include <fmt/format.h>
#include <stdexcept>

namespace wp::redis {
namespace {

int parse_number(std::string_view text, int min, int max, std::string_view what) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || number < min || number > max) {
    throw std::invalid_argument(
        fmt::format("Redis URL: {} is not a number from {} to {}", what, min, max));
  }
  return number;
}

std::string percent_decode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned value = 0;
    if (text[i] == '%' && i + 2 < text.size() &&
        std::from_chars(text.data() + i + 1, text.data() + i + 3, value, 16).ptr ==
            text.data() + i + 3) {
      out += static_cast<char>(value);
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

}  // namespace

std::string Endpoint::describe() const {
  if (!socket_path.empty()) {
    return database == 0 ? "unix://" + socket_path
                         : fmt::format("unix://{}?db={}", socket_path, database);
  }
  const bool v6 = host.find(':') != std::string::npos;
  return fmt::format("redis://{}{}{}:{}/{}", v6 ? "[" : "", host, v6 ? "]" : "", port, database);
}

Endpoint parse_endpoint(std::string_view url) {
  Endpoint endpoint;
  if (url.starts_with("unix://")) {
    url.remove_prefix(7);
    const std::size_t query = url.find("?db=");
    if (query != std::string_view::npos) {
      endpoint.database =
          parse_number(url.substr(query + 4), 0, 1 << 20, "the database after ?db=");
      url = url.substr(0, query);
    }
    if (!url.starts_with('/')) {
      throw std::invalid_argument(
          "Redis URL: unix:// wants an absolute path, as in unix:///run/redis.sock");
    }
    endpoint.socket_path = url;
    return endpoint;
  }
  if (url.starts_with("rediss://")) {
    throw std::invalid_argument(
        "Redis URL: rediss:// (TLS) is not supported yet; use redis:// or unix://");
  }
  if (!url.starts_with("redis://")) {
    throw std::invalid_argument(
        "Redis URL: expected redis://host:port/db or unix:///path/to/socket");
  }
  url.remove_prefix(8);
  const std::size_t at = url.rfind('@');
  if (at != std::string_view::npos) {
    const std::string_view user_info = url.substr(0, at);
    const std::size_t colon = user_info.find(':');
    if (colon == std::string_view::npos) {
      endpoint.username = percent_decode(user_info);
    } else {
      endpoint.username = percent_decode(user_info.substr(0, colon));
      endpoint.password = percent_decode(user_info.substr(colon + 1));
    }
    url.remove_prefix(at + 1);
  }
  const std::size_t slash = url.find('/');
  if (slash != std::string_view::npos) {
    const std::string_view database = url.substr(slash + 1);
    if (!database.empty()) {
      endpoint.database = parse_number(database, 0, 1 << 20, "the database after /");
    }
    url = url.substr(0, slash);
  }
  if (url.starts_with('[')) {
    const std::size_t close = url.find(']');
    if (close == std::string_view::npos) {
      throw std::invalid_argument("Redis URL: the [ of the address has no ]");
    }
    endpoint.host = url.substr(1, close - 1);
    url.remove_prefix(close + 1);
  } else {
    const std::size_t colon = std::min(url.find(':'), url.size());
    endpoint.host = url.substr(0, colon);
    url.remove_prefix(colon);
  }
  if (endpoint.host.empty()) throw std::invalid_argument("Redis URL: the host is missing");
  if (!url.empty()) endpoint.port = parse_number(url.substr(1), 1, 65535, "the port");
  return endpoint;
}

}  // namespace wp::redis
