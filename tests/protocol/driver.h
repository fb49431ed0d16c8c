// A producer in another language, under its driver ($WORKERPOOL_DRIVER, see tests/protocol/with):
// one JSON line in, one out. Owned by one test.
#pragma once

#include <cstdio>
#include <string>
#include <sys/types.h>
#include <vector>

#include <nlohmann/json.hpp>

namespace wp::test {

class Driver {
 public:
  /// `socket`: Redis's.
  explicit Driver(const std::string& socket);
  ~Driver();  // ends it
  Driver(const Driver&) = delete;
  Driver& operator=(const Driver&) = delete;

  /// {"states": […]}, {"refused": […]} or {"error": "…"}. Jobs have the keys of NewJob, delay_ms,
  /// timeout_ms, unique_ms and payload_hex. Throws when the driver ended.
  nlohmann::json enqueue(const std::vector<nlohmann::json>& jobs, bool force = false,
                         const std::string& queue = "q");

 private:
  pid_t pid_ = -1;
  std::FILE* in_ = nullptr;  // of the driver
  std::FILE* out_ = nullptr;
};

std::string to_hex(const std::string& bytes);

}  // namespace wp::test
