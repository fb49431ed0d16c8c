// The private Redis of a measurement: unix socket, no persistence, small listpacks as the shipped
// Redis has them; and its own account of what it did. Owned by one thread; connections to it are
// not.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "queue/redis/connection.h"
#include "tests/support/redis_server.h"

namespace wp::bench {

/// INFO's counters: as they stand, or the difference of two moments.
struct Account {
  std::int64_t script_calls = 0;  // EVALSHA
  double script_us = 0;           // spent in them, as the clock goes
  double cpu_us = 0;              // of the server's processor, whoever else uses the machine
  std::int64_t inner_calls = 0;   // redis.call's that scripts made
  std::int64_t sent_calls = 0;    // commands that clients sent
  double bytes_in = 0;
  double bytes_out = 0;

  Account since(const Account& before) const;
};

class Server {
 public:
  Server();

  test::RedisServer& redis() { return redis_; }
  redis::Endpoint endpoint() const { return redis_.endpoint(); }

  Account account();
  std::int64_t used_memory();
  std::string version();
  /// Empty, and its memory given back.
  void flush();
  /// One command of ours, outside of what is measured.
  redis::Reply execute(const redis::Command& command) { return control_.execute(command); }

 private:
  std::map<std::string, std::string> info(const std::string& section);

  test::RedisServer redis_;
  redis::Connection control_;
};

}  // namespace wp::bench
