#include "ctl/doctor/server.h"

#include <charconv>
#include <cstdlib>
#include <fmt/format.h>
#include <optional>
#include <sstream>

#include "ctl/output/format.h"
#include "ctl/output/table.h"

namespace wp::ctl {
namespace {

constexpr Millis kSkewAllowed{1000};
constexpr std::int64_t kListpackEntries = 16;

using Fields = std::map<std::string, std::string>;

std::string text(const Fields& fields, const std::string& name) {
  const auto found = fields.find(name);
  return found == fields.end() ? std::string() : found->second;
}

std::optional<std::int64_t> number(const Fields& fields, const std::string& name) {
  const std::string value = text(fields, name);
  std::int64_t out = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), out);
  if (error != std::errc{} || end != value.data() + value.size()) return std::nullopt;
  return out;
}

Finding unknown(const std::string& what, const std::string& command) {
  return {Level::unknown, what, command + " is forbidden here, or does not tell", "", ""};
}

Finding version(const Fields& info) {
  const std::string valkey = text(info, "valkey_version");
  const std::string redis = text(info, "redis_version");
  if (!valkey.empty()) return {Level::ok, "version", "Valkey " + printable(valkey), "", ""};
  if (redis.empty()) return unknown("version", "INFO");
  int major = 0;
  int minor = 0;
  std::istringstream parts(redis);
  char dot = 0;
  parts >> major >> dot >> minor;
  const std::string found = "Redis " + printable(redis);
  if (major > 6 || (major == 6 && minor >= 2)) return {Level::ok, "version", found, "", ""};
  return {Level::fail, "version", found, "needed is Redis 6.2 or newer, or Valkey", ""};
}

Finding role(const Fields& info) {
  const std::string role = text(info, "role");
  if (role.empty()) return unknown("role", "INFO");
  if (role == "master") {
    return {Level::ok, "role",
            "master, replicas: " + std::to_string(number(info, "connected_slaves").value_or(0)), "",
            ""};
  }
  return {Level::fail, "role", "replica of " + printable(text(info, "master_host")),
          "name the master with --redis, or its sentinels (redis+sentinel://host/master)", ""};
}

Finding eviction(const Fields& info, const Fields& config) {
  std::string policy = text(config, "maxmemory-policy");
  if (policy.empty()) policy = text(info, "maxmemory_policy");
  if (policy.empty()) return unknown("eviction", "CONFIG GET");
  if (policy == "noeviction") return {Level::ok, "eviction", policy, "", ""};
  if (policy.starts_with("volatile-")) {
    return {Level::warn, "eviction", printable(policy) + ": spares queues, whose keys never expire",
            "noeviction says what is meant: CONFIG SET maxmemory-policy noeviction", ""};
  }
  return {Level::fail, "eviction", printable(policy) + ": Redis drops jobs when its memory is full",
          "CONFIG SET maxmemory-policy noeviction, and in redis.conf", ""};
}

Finding memory(const Fields& info) {
  const auto used = number(info, "used_memory");
  const auto most = number(info, "maxmemory");
  if (!used || !most) return unknown("memory", "INFO");
  if (*most == 0) {
    return {Level::warn, "memory", human_bytes(*used) + " used, maxmemory is not set",
            "set maxmemory below the machine's or container's limit: then a full Redis refuses "
            "jobs instead of being killed",
            ""};
  }
  const std::string found = fmt::format(
      "{} of {} used ({} %)", human_bytes(*used), human_bytes(*most),
      static_cast<std::int64_t>(static_cast<double>(*used) * 100 / static_cast<double>(*most)));
  const std::string advice =
      "raise maxmemory, keep fewer finished jobs (jobs.retention), or lower "
      "maxBytes of the pools";
  if (*used >= *most) return {Level::fail, "memory", found + ": new jobs are refused", advice, ""};
  if (*used > *most / 5 * 4) return {Level::warn, "memory", found, advice, ""};
  return {Level::ok, "memory", found, "", ""};
}

Finding persistence(const Fields& info, const Fields& config) {
  const std::string aof = text(info, "aof_enabled");
  if (aof.empty()) return unknown("persistence", "INFO");
  for (const auto& [field, name] : {std::pair{"aof_last_write_status", "the append-only file"},
                                    {"rdb_last_bgsave_status", "the snapshot"},
                                    {"aof_last_bgrewrite_status", "the rewrite of its file"}}) {
    const std::string status = text(info, field);
    if (!status.empty() && status != "ok") {
      return {Level::fail, "persistence",
              fmt::format("{} failed last ({})", name, printable(status)),
              "is its disk full or read-only? see Redis's log", ""};
    }
  }
  const std::string fsync = text(config, "appendfsync");
  if (aof == "1") {
    if (fsync == "no") {
      return {Level::warn, "persistence", "appendonly, appendfsync no",
              "a machine that dies loses what the kernel had not written: appendfsync everysec",
              ""};
    }
    return {Level::ok, "persistence",
            "appendonly" + (fsync.empty() ? "" : ", appendfsync " + printable(fsync)), "", ""};
  }
  const auto save = config.find("save");
  if (save != config.end() && save->second.empty()) {
    return {Level::warn, "persistence", "none: a restart loses every job",
            "CONFIG SET appendonly yes, and in redis.conf", ""};
  }
  return {Level::warn, "persistence", "snapshots only: a restart loses the jobs since the last one",
          "CONFIG SET appendonly yes, and in redis.conf", ""};
}

Finding listpacks(const Fields& config) {
  auto entries = number(config, "zset-max-listpack-entries");
  std::string name = "zset-max-listpack-entries";
  if (!entries) {
    name = "zset-max-ziplist-entries";  // Redis 6.2
    entries = number(config, name);
  }
  if (!entries) return unknown("listpacks", "CONFIG GET");
  const std::string found = fmt::format("{} {}", name, *entries);
  if (*entries <= kListpackEntries) return {Level::ok, "listpacks", found, "", ""};
  return {Level::warn, "listpacks", found + " costs up to half of the speed on small lease sets",
          fmt::format("CONFIG SET {} {}", name, kListpackEntries), ""};
}

Finding clock(Millis skew) {
  const Millis size{std::abs(skew.count())};
  const std::string found = fmt::format("{} {} this machine's", human_duration(size),
                                        skew.count() < 0 ? "behind" : "ahead of");
  if (size <= kSkewAllowed) return {Level::ok, "clock", found, "", ""};
  return {Level::warn, "clock", found,
          "queues go by Redis's clock, logs by each machine's own: let NTP set both", ""};
}

// An answer, or nothing where the user has no right to it, or the server no such command.
std::optional<redis::Reply> ask(redis::Connection& connection, const redis::Command& command) {
  try {
    return connection.execute(command);
  } catch (const redis::Error& e) {
    if (e.connection_lost()) throw;
    return std::nullopt;
  }
}

}  // namespace

std::map<std::string, std::string> parse_info(std::string_view info) {
  std::map<std::string, std::string> fields;
  std::istringstream lines{std::string(info)};
  for (std::string line; std::getline(lines, line);) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    const std::size_t colon = line.find(':');
    if (line.starts_with('#') || colon == std::string::npos) continue;
    fields[line.substr(0, colon)] = line.substr(colon + 1);
  }
  return fields;
}

ServerFacts read_server(redis::Connection& connection) {
  ServerFacts facts;
  if (const auto info = ask(connection, {"INFO"})) facts.info = parse_info(info->text());
  for (const char* name : {"maxmemory-policy", "appendfsync", "save", "zset-max-listpack-entries",
                           "zset-max-ziplist-entries"}) {
    const auto reply = ask(connection, {"CONFIG", "GET", name});
    if (!reply) continue;
    const auto& items = reply->array();
    if (items.size() >= 2) facts.config[items[0].text()] = items[1].text();
  }
  const Millis before = system_clock().wall();
  if (const auto time = ask(connection, {"TIME"})) {
    const Millis after = system_clock().wall();
    const Millis theirs{std::strtoll(time->at(0).text().c_str(), nullptr, 10) * 1000 +
                        std::strtoll(time->at(1).text().c_str(), nullptr, 10) / 1000};
    // Anything between the two is no skew.
    if (theirs < before) facts.skew = theirs - before;
    if (theirs > after) facts.skew = theirs - after;
  }
  return facts;
}

Findings judge_server(const ServerFacts& facts) {
  return {version(facts.info),
          role(facts.info),
          eviction(facts.info, facts.config),
          memory(facts.info),
          persistence(facts.info, facts.config),
          listpacks(facts.config),
          clock(facts.skew)};
}

}  // namespace wp::ctl
