#include "ctl/doctor/rights.h"

#include <algorithm>
#include <fmt/format.h>
#include <optional>
#include <string_view>
#include <vector>

#include "ctl/output/table.h"
#include "queue/queue.h"

namespace wp::ctl {
namespace {

// A call that changes nothing where it is allowed: of what is not there, an empty range, or words
// that the command itself refuses, after the rights were looked at. K:part stands for the key.
struct Probe {
  std::string_view roles;  // p(roducer), w(orker), o(perator), m(anaging person)
  std::vector<std::string> words;
  bool only_dry = false;  // can't be tried
};

const std::vector<Probe>& probes() {
  static const std::string kNoSha(40, '0');
  static const std::vector<Probe> all{
      {"pwom", {"EVALSHA", kNoSha, "1", "K:cfg"}},
      {"pwom", {"SCRIPT", "LOAD", "return 1"}},
      {"pwom", {"TIME"}},
      {"pwom", {"HMGET", "K:cfg", "hash"}},
      {"pwom", {"HSET", "K:cfg", "a", "b", "c"}},
      {"pwom", {"HINCRBY", "K:stat", "a", "not a number"}},
      {"pwom", {"ZCARD", "K:ready"}},
      {"pwom", {"ZADD", "K:ready", "XX", "1", ""}},
      {"pwom", {"ZADD", "K:delayed", "XX", "1", ""}},
      {"pwom", {"HSET", "K:body", "a", "b", "c"}},
      {"pwom", {"HMGET", "K:res", ""}},
      {"pwom", {"LINDEX", "K:wake", "0"}},
      {"pwom", {"LPUSH", "K:wake", "j"}, true},
      {"pwom", {"PUBLISH", "K:events", "work"}},
      {"wom", {"DEL", "K:nil"}},
      {"wom", {"HGETALL", "K:cfg"}},
      {"wom", {"ZREM", "K:ready", ""}},
      {"wom", {"HDEL", "K:body", ""}},
      {"wom", {"ZREMRANGEBYRANK", "K:ready", "1", "0"}},
      {"wom", {"ZLEXCOUNT", "K:held", "[a", "(a"}},
      {"wo", {"ZADD", "K:active", "XX", "1", ""}},
      {"wo", {"HDEL", "K:own", ""}},
      {"wo", {"ZRANGEBYLEX", "K:held", "[a", "(a"}},
      {"wo", {"LTRIM", "K:fails", "0", "-1"}},
      {"w", {"BLPOP", "K:nil", "0.001"}},
      {"o", {"SUBSCRIBE", "K:events"}, true},
      {"om", {"LRANGE", "K:fails", "0", "0"}},
      {"om", {"HLEN", "K:retire"}},
      {"om", {"HGETALL", "K:stat"}},
      {"m", {"SCAN", "0", "COUNT", "1"}},
      {"m", {"ZREVRANGE", "K:done", "0", "0"}},
      {"m", {"LLEN", "K:wake"}},
  };
  return all;
}

redis::Command with_keys(std::vector<std::string> words, const std::string& queue) {
  for (std::string& word : words) {
    if (word.starts_with("K:")) word = queue::key_name(queue, word.substr(2));
  }
  return words;
}

// Whether the user may; nothing when it can't be told.
std::optional<bool> dry_run(redis::Connection& connection, const std::string& user,
                            const redis::Command& command) {
  redis::Command dry{"ACL", "DRYRUN", user};
  dry.insert(dry.end(), command.begin(), command.end());
  try {
    return connection.execute(dry).text() == "OK";
  } catch (const redis::Error& e) {
    if (e.connection_lost()) throw;
    return std::nullopt;
  }
}

bool try_it(redis::Connection& connection, const redis::Command& command) {
  try {
    (void)connection.execute(command);
  } catch (const redis::Error& e) {
    if (e.connection_lost()) throw;
    return e.error_class() != redis::ErrorClass::permission;
  }
  return true;
}

std::string who_am_i(redis::Connection& connection) {
  try {
    return connection.execute({"ACL", "WHOAMI"}).text();
  } catch (const redis::Error& e) {
    if (e.connection_lost()) throw;
    return {};
  }
}

}  // namespace

Finding look_at_rights(redis::Connection& connection, const std::string& queue,
                       const std::string& role) {
  const char letter = role == "person" ? 'm' : role.front();
  std::string user = who_am_i(connection);
  if (user.empty()) user = connection.endpoint().username;
  const bool dry = !user.empty() && dry_run(connection, user, {"PING"}).has_value();
  std::vector<std::string> lacking;
  for (const Probe& probe : probes()) {
    if (probe.roles.find(letter) == std::string_view::npos) continue;
    const redis::Command command = with_keys(probe.words, queue);
    bool allowed = true;
    if (dry) {
      allowed = dry_run(connection, user, command).value_or(true);
    } else if (!probe.only_dry) {
      allowed = try_it(connection, command);
    }
    if (allowed) continue;
    std::string words = command[0];
    if (command[0] == "SCRIPT") words += " LOAD";
    for (std::size_t i = 0; i < command.size(); ++i) {
      if (probe.words[i].starts_with("K:")) words += " " + command[i];
    }
    lacking.push_back(std::move(words));
  }
  const std::string name = printable(user.empty() ? "this user" : "user " + user);
  const char* const how = dry ? "" : " (by trying, so not all of it)";
  if (lacking.empty()) {
    return {Level::ok, "rights", fmt::format("{} may do all that a {} does{}", name, role, how), "",
            queue};
  }
  return {Level::fail, "rights",
          fmt::format("{} lacks what a {} needs: {}", name, role, fmt::join(lacking, ", ")),
          "ACL SETUSER as in docs/protocol.md, or another role: --as", queue};
}

}  // namespace wp::ctl
