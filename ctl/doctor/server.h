// What `doctor` looks at in the server: is it one that jobs can be left to?
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "ctl/doctor/finding.h"
#include "queue/redis/connection.h"

namespace wp::ctl {

/// INFO and CONFIG GET by field; both may lack fields, or all of them. TIME against ours.
struct ServerFacts {
  std::map<std::string, std::string> info;
  std::map<std::string, std::string> config;
  Millis skew{0};  // Redis's clock is ahead by this
};

/// "field:value" lines. Pure.
std::map<std::string, std::string> parse_info(std::string_view text);

/// Asks for what it may ask; what is forbidden stays away. Throws redis::Error when the connection
/// is lost.
ServerFacts read_server(redis::Connection& connection);

/// Version, role, eviction, memory, persistence, listpacks, clock. Pure.
Findings judge_server(const ServerFacts& facts);

}  // namespace wp::ctl
