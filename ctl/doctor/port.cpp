#include "ctl/doctor/port.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ctl/doctor/server.h"
#include "ctl/output/table.h"

namespace wp::ctl {
namespace {

constexpr redis::Timeouts kShort{.connect = Millis{2000}, .reply = Millis{2000}};

std::vector<std::string> masters_of(redis::Connection& connection) {
  std::vector<std::string> names;
  const redis::Reply reply = connection.execute({"SENTINEL", "MASTERS"});
  for (const redis::Reply& master : reply.array()) {
    const auto& fields = master.array();
    for (std::size_t i = 0; i + 1 < fields.size(); i += 2) {
      if (fields[i].text() == "name") names.push_back(printable(fields[i + 1].text()));
    }
  }
  return names;
}

// The same place, asked without a password: it is not for a port that may be anybody's.
redis::Endpoint nameless(redis::Endpoint endpoint) {
  endpoint.database = 0;
  endpoint.username.clear();
  endpoint.password.clear();
  endpoint.password_file.clear();
  return endpoint;
}

bool answers(const redis::Endpoint& endpoint) {
  redis::Connection connection(endpoint, kShort);
  try {
    connection.connect();
    (void)connection.execute({"PING"});
  } catch (const redis::Error& e) {
    // An error reply is an answer of a Redis, too.
    return e.error_class() == redis::ErrorClass::auth ||
           e.error_class() == redis::ErrorClass::permission ||
           e.error_class() == redis::ErrorClass::loading ||
           e.error_class() == redis::ErrorClass::server;
  }
  return true;
}

std::optional<Finding> sentinel_at(const redis::Endpoint& endpoint) {
  redis::Connection connection(nameless(endpoint), kShort);
  try {
    connection.connect();
    auto finding = look_for_sentinel(connection);
    return finding;
  } catch (const redis::Error&) {
    return std::nullopt;  // then the first error says what there is to say
  }
}

}  // namespace

std::optional<Finding> look_for_sentinel(redis::Connection& connection) {
  std::vector<std::string> names;
  try {
    const auto info = parse_info(connection.execute({"INFO", "server"}).text());
    const auto mode = info.find("redis_mode");
    if (mode == info.end() || mode->second != "sentinel") return std::nullopt;
    names = masters_of(connection);
  } catch (const redis::Error& e) {
    // Not for this user to ask, or not to be asked so.
    if (e.error_class() == redis::ErrorClass::closed ||
        e.error_class() == redis::ErrorClass::timeout) {
      throw;
    }
    return std::nullopt;
  }
  redis::Endpoint place = connection.endpoint();
  const std::string here = place.describe();
  redis::Sentinel& sentinel = place.sentinel.emplace();
  sentinel.master_name = names.empty() ? "MASTER" : names.front();
  sentinel.nodes = {{place.host, place.port}};
  std::string found = fmt::format("this is a Sentinel, no Redis: {}", here);
  if (names.size() > 1) found += fmt::format("; it knows {}", fmt::join(names, ", "));
  return Finding{Level::fail, "redis", std::move(found), "use " + place.describe(), ""};
}

std::optional<Finding> look_at_protocol(const redis::Endpoint& endpoint,
                                        const redis::Error& error) {
  using redis::ErrorClass;
  if (endpoint.sentinel || !endpoint.socket_path.empty()) return std::nullopt;
  const ErrorClass kind = error.error_class();
  if (kind == ErrorClass::server) {
    auto finding = sentinel_at(endpoint);
    if (finding && endpoint.database != 0) {
      // Said of the database that was asked for.
      finding->advice.replace(finding->advice.rfind('/') + 1, std::string::npos,
                              std::to_string(endpoint.database));
    }
    return finding;
  }
  if (kind != ErrorClass::closed && kind != ErrorClass::protocol && kind != ErrorClass::timeout &&
      kind != ErrorClass::tls) {
    return std::nullopt;
  }
  redis::Endpoint other = endpoint;
  if (endpoint.tls) {
    other.tls.reset();
  } else {
    other.tls.emplace().insecure_skip_verify = true;
  }
  if (!answers(nameless(other))) return std::nullopt;
  return Finding{
      Level::fail, "redis",
      fmt::format("{}: this port speaks {}", endpoint.describe(), endpoint.tls ? "no TLS" : "TLS"),
      fmt::format("use {}{}", other.describe(),
                  endpoint.tls ? "" : ", with --redis-ca-file unless a public CA signed"),
      ""};
}

}  // namespace wp::ctl
