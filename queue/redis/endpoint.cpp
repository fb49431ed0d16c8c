#include "queue/redis/endpoint.h"

#include <array>
#include <charconv>
#include <fmt/format.h>
#include <stdexcept>

namespace wp::redis {
namespace {

constexpr int kLargestDatabase = 1 << 20;

[[noreturn]] void refuse_url(const std::string& why) {
  throw std::invalid_argument("Redis URL: " + why);
}

int parse_number(std::string_view text, int min, int max, std::string_view what) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || number < min || number > max) {
    refuse_url(fmt::format("{} is not a number from {} to {}", what, min, max));
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

// What stands before the first `separator` (or the end), and takes both from the text.
std::string_view take_until(std::string_view& text, char separator) {
  const std::size_t end = std::min(text.find(separator), text.size());
  const std::string_view taken = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return taken;
}

void take_user_info(std::string_view& url, Endpoint& endpoint) {
  const std::size_t at = url.rfind('@');
  if (at == std::string_view::npos) return;
  std::string_view user_info = url.substr(0, at);
  endpoint.username = percent_decode(take_until(user_info, ':'));
  endpoint.password = percent_decode(user_info);
  url.remove_prefix(at + 1);
}

void parse_database(std::string_view text, Endpoint& endpoint) {
  if (text.empty()) return;
  endpoint.database = parse_number(text, 0, kLargestDatabase, "the database after /");
}

Endpoint parse_unix(std::string_view url) {
  Endpoint endpoint;
  const std::size_t query = url.find("?db=");
  if (query != std::string_view::npos) {
    endpoint.database =
        parse_number(url.substr(query + 4), 0, kLargestDatabase, "the database after ?db=");
    url = url.substr(0, query);
  }
  if (!url.starts_with('/')) {
    refuse_url("unix:// wants an absolute path, as in unix:///run/redis.sock");
  }
  endpoint.socket_path = url;
  return endpoint;
}

Endpoint parse_tcp(std::string_view url, bool tls) {
  Endpoint endpoint;
  if (tls) endpoint.tls.emplace();
  take_user_info(url, endpoint);
  const Address address = parse_address(take_until(url, '/'), endpoint.port);
  endpoint.host = address.host;
  endpoint.port = address.port;
  parse_database(url, endpoint);
  return endpoint;
}

Endpoint parse_sentinel(std::string_view url, bool tls) {
  Endpoint endpoint;
  Sentinel sentinel;
  if (tls) {
    endpoint.tls.emplace();
    sentinel.tls.emplace();
  }
  take_user_info(url, endpoint);
  std::string_view nodes = take_until(url, '/');
  do {
    sentinel.nodes.push_back(parse_address(take_until(nodes, ','), kSentinelPort));
  } while (!nodes.empty());
  sentinel.master_name = percent_decode(take_until(url, '/'));
  if (sentinel.master_name.empty()) {
    refuse_url("the master's name is missing, as in redis+sentinel://host:26379/main");
  }
  parse_database(url, endpoint);
  endpoint.sentinel = std::move(sentinel);
  return endpoint;
}

struct Form {
  std::string_view scheme;
  Endpoint (*parse)(std::string_view rest);
};

constexpr std::array<Form, 5> kForms = {{
    {"unix://", parse_unix},
    {"redis://", [](std::string_view rest) { return parse_tcp(rest, false); }},
    {"rediss://", [](std::string_view rest) { return parse_tcp(rest, true); }},
    {"redis+sentinel://", [](std::string_view rest) { return parse_sentinel(rest, false); }},
    {"rediss+sentinel://", [](std::string_view rest) { return parse_sentinel(rest, true); }},
}};

}  // namespace

std::string Address::describe() const {
  if (!socket_path.empty()) return socket_path;
  const bool v6 = host.find(':') != std::string::npos;
  return fmt::format("{}{}{}:{}", v6 ? "[" : "", host, v6 ? "]" : "", port);
}

std::string Endpoint::describe() const {
  if (!socket_path.empty()) {
    return database == 0 ? "unix://" + socket_path
                         : fmt::format("unix://{}?db={}", socket_path, database);
  }
  const std::string_view scheme = tls ? "rediss" : "redis";
  if (!sentinel) return fmt::format("{}://{}/{}", scheme, Address{host, port}.describe(), database);
  std::string nodes;
  for (const Address& node : sentinel->nodes) {
    nodes += (nodes.empty() ? "" : ",") + node.describe();
  }
  return fmt::format("{}+sentinel://{}/{}/{}", scheme, nodes, sentinel->master_name, database);
}

Address parse_address(std::string_view text, int default_port) {
  Address address{{}, default_port};
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) refuse_url("the [ of the address has no ]");
    address.host = text.substr(1, close - 1);
    text.remove_prefix(close + 1);
  } else {
    const std::size_t colon = std::min(text.find(':'), text.size());
    address.host = text.substr(0, colon);
    text.remove_prefix(colon);
  }
  if (address.host.empty()) refuse_url("the host is missing");
  if (!text.empty() && !text.starts_with(':')) {
    refuse_url("the ] of the address is followed by no :");
  }
  if (!text.empty()) address.port = parse_number(text.substr(1), 1, 65535, "the port");
  return address;
}

Endpoint parse_endpoint(std::string_view url) {
  for (const Form& form : kForms) {
    if (url.starts_with(form.scheme)) return form.parse(url.substr(form.scheme.size()));
  }
  refuse_url(
      "expected redis://host:port/db, rediss://host:port/db (TLS), unix:///path/to/socket or "
      "redis+sentinel://host:26379,host:26379/master/db");
}

}  // namespace wp::redis
