// A redis-server of local mode's own: a unix socket in the state folder and no TCP port, nothing on
// disk. It ends with the object, or with us. Construct it on the thread that lives longest.
#pragma once

#include <memory>
#include <string>

#include "operator/workload/child_process.h"
#include "queue/redis/endpoint.h"

namespace wp::local {

class PrivateRedis {
 public:
  /// Starts it and waits until it answers. Throws UsageError when redis-server is not installed,
  /// std::runtime_error when it does not come up (with the end of its log).
  explicit PrivateRedis(const std::string& folder);
  ~PrivateRedis();  // SIGTERM, and waits a little
  PrivateRedis(const PrivateRedis&) = delete;
  PrivateRedis& operator=(const PrivateRedis&) = delete;

  redis::Endpoint endpoint() const { return redis::parse_endpoint(url()); }
  std::string url() const { return "unix://" + socket_; }

 private:
  std::string socket_;
  std::unique_ptr<workload::ChildProcess> process_;
};

}  // namespace wp::local
