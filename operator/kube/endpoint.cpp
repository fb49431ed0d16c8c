#include <charconv>
#include <stdexcept>

#include "operator/kube/http.h"

namespace wp::kube {
namespace {

int parse_port(std::string_view text) {
  int port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size() || port < 1 || port > 65535) {
    throw std::invalid_argument("the port is not a number from 1 to 65535");
  }
  return port;
}

}  // namespace

std::string Endpoint::authority() const {
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

Endpoint parse_endpoint(std::string_view url) {
  Endpoint endpoint;
  if (url.starts_with("https://")) {
    url.remove_prefix(8);
  } else if (url.starts_with("http://")) {
    url.remove_prefix(7);
    endpoint.tls = false;
    endpoint.port = 80;
  } else {
    throw std::invalid_argument("it does not begin with https:// or http://");
  }
  const std::size_t path = url.find('/');
  if (path != std::string_view::npos) {
    endpoint.base_path = url.substr(path);
    while (endpoint.base_path.ends_with('/')) endpoint.base_path.pop_back();
    url = url.substr(0, path);
  }
  if (endpoint.base_path.find_first_of("?# ") != std::string::npos ||
      url.find_first_of("?# ") != std::string_view::npos) {
    throw std::invalid_argument("a query, a fragment or a blank is not allowed in it");
  }
  if (url.find('@') != std::string_view::npos) {
    throw std::invalid_argument("a user in it is not supported; use the user's own fields");
  }
  if (url.starts_with('[')) {
    const std::size_t close = url.find(']');
    if (close == std::string_view::npos) throw std::invalid_argument("a ] is missing");
    endpoint.host = url.substr(1, close - 1);
    url.remove_prefix(close + 1);
    if (!url.empty() && url.front() != ':') throw std::invalid_argument("a : must follow the ]");
    if (!url.empty()) endpoint.port = parse_port(url.substr(1));
  } else {
    const std::size_t colon = url.find(':');
    if (colon != std::string_view::npos) endpoint.port = parse_port(url.substr(colon + 1));
    endpoint.host = url.substr(0, colon);
  }
  if (endpoint.host.empty()) throw std::invalid_argument("the host is missing");
  return endpoint;
}

}  // namespace wp::kube
