// The least that any operator needs from an enqueue to a written /scale: that Redis tells it, and
// that the API server takes the write. Measured on the same Redis and API server, by a client that
// does nothing else: the ceiling of the reaction. Owned by one thread.
#pragma once

#include <string>
#include <vector>

#include "bench/control_plane.h"
#include "bench/report.h"
#include "bench/server.h"

namespace wp::bench {

class BareApi {
 public:
  /// With so many Deployments of its own.
  BareApi(ControlPlane& plane, Server& server, int deployments);

  /// PUBLISH until its subscriber has it, and then a write of one Deployment's /scale until its
  /// answer is here; ms.
  double react();
  /// All Deployments at once, as many writes at a time as the operator has threads: when each was
  /// acknowledged, ms from the beginning of all.
  Samples react_all();

 private:
  void scale(std::size_t number);

  kube::Client& api_;
  redis::Connection publisher_;
  redis::Connection subscriber_;
  std::vector<int> replicas_;  // of each Deployment: 0 and 1 in turns
  std::size_t next_ = 0;
};

}  // namespace wp::bench
