#include "bench/server.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <sstream>
#include <string_view>

namespace wp::bench {
namespace {

// What clients send themselves: no script of ours calls these.
constexpr std::array<std::string_view, 13> kSent = {
    "evalsha",   "eval",   "script|load", "blpop",   "brpop",          "ping",   "hello",
    "subscribe", "client", "select",      "monitor", "client|setinfo", "hgetall"};

// cmdstat_zadd:calls=3,usec=12,…
double field(std::string_view line, std::string_view name) {
  const std::size_t at = line.find(std::string(name) + "=");
  return at == std::string_view::npos
             ? 0
             : std::strtod(std::string(line.substr(at + name.size() + 1)).c_str(), nullptr);
}

}  // namespace

Account Account::since(const Account& before) const {
  return {script_calls - before.script_calls,
          script_us - before.script_us,
          cpu_us - before.cpu_us,
          inner_calls - before.inner_calls,
          sent_calls - before.sent_calls,
          bytes_in - before.bytes_in,
          bytes_out - before.bytes_out};
}

Server::Server() : redis_({"zset-max-ziplist-entries 16"}), control_(redis_.endpoint()) {
  control_.connect();
}

std::map<std::string, std::string> Server::info(const std::string& section) {
  std::istringstream lines(control_.execute({"INFO", section}).text());
  std::map<std::string, std::string> fields;
  for (std::string line; std::getline(lines, line);) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    const std::size_t colon = line.find(':');
    if (colon != std::string::npos) fields[line.substr(0, colon)] = line.substr(colon + 1);
  }
  return fields;
}

Account Server::account() {
  Account account;
  for (const auto& [name, line] : info("commandstats")) {
    constexpr std::string_view kPrefix = "cmdstat_";
    const std::string_view command = std::string_view(name).substr(kPrefix.size());
    const auto calls = static_cast<std::int64_t>(field(line, "calls"));
    if (command == "info" || command.starts_with("config") || command == "flushall") continue;
    if (command == "evalsha") {
      account.script_calls = calls;
      account.script_us = field(line, "usec");
    }
    const bool sent = std::find(kSent.begin(), kSent.end(), command) != kSent.end();
    (sent ? account.sent_calls : account.inner_calls) += calls;
  }
  auto stats = info("stats");
  account.bytes_in = std::strtod(stats["total_net_input_bytes"].c_str(), nullptr);
  account.bytes_out = std::strtod(stats["total_net_output_bytes"].c_str(), nullptr);
  auto cpu = info("cpu");
  account.cpu_us = 1e6 * (std::strtod(cpu["used_cpu_user"].c_str(), nullptr) +
                          std::strtod(cpu["used_cpu_sys"].c_str(), nullptr));
  return account;
}

std::int64_t Server::used_memory() {
  return std::strtoll(info("memory")["used_memory"].c_str(), nullptr, 10);
}

std::string Server::version() {
  auto server = info("server");
  return server.contains("valkey_version") ? "valkey " + server["valkey_version"]
                                           : server["redis_version"];
}

void Server::flush() {
  (void)control_.execute({"FLUSHALL", "SYNC"});
}

}  // namespace wp::bench
