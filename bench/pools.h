// Pools of a measurement on a real control plane: each with a queue of its own in one Redis, all at
// zero until something is enqueued; whoever was woken stays. Owned by one thread.
#pragma once

#include <string>
#include <vector>

#include "bench/control_plane.h"
#include "bench/server.h"

namespace wp::bench {

inline constexpr const char* kPoolNamespace = "bench";

class Pools {
 public:
  Pools(ControlPlane& plane, Server& server);

  /// Makes them, some at a time, and waits until the operator calls each of them ready. Throws
  /// std::runtime_error when it does not.
  void add(const std::vector<std::string>& names);
  void remove(const std::string& name);

  /// One job; answers when the call began.
  double enqueue(const std::string& name);
  /// Takes away what waits.
  void empty(const std::string& name);

 private:
  nlohmann::json object(const std::string& name) const;
  bool are_ready(const std::vector<std::string>& names);

  ControlPlane& plane_;
  Server& server_;
  redis::Connection connection_;
};

}  // namespace wp::bench
