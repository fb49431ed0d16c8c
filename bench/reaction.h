// From an enqueue on a pool at zero until the API server has acknowledged the write of its replicas
// (seen in the API server's audit log), beside the least that this takes (bare_api.h). Ours and the
// least in turns. Owned by one thread.
#pragma once

#include <string>
#include <vector>

#include "bench/bare_api.h"
#include "bench/pools.h"
#include "bench/report.h"

namespace wp::bench {

/// All of it in ms.
struct ReactionTimes {
  Samples total;
  Samples until_sent;  // the part before the API server has the request
  Samples server;      // and what it takes to answer
  Samples bare;

  /// Figures NAME_p50 and NAME_p99 (of which `goal` speaks).
  void report(const std::string& name, const std::string& goal, Report& report) const;
};

class ReactionBench {
 public:
  ReactionBench(ControlPlane& plane, Server& server, Pools& pools, int bare_deployments);

  /// Wakes one pool, and waits until the operator is quiet again.
  void one(const std::string& name, ReactionTimes& times);
  /// Wakes all of them at once.
  void burst(const std::vector<std::string>& names, ReactionTimes& times);

 private:
  void settle(const std::vector<std::string>& names, const std::vector<double>& begun,
              std::size_t from, ReactionTimes& times);

  ControlPlane& plane_;
  Pools& pools_;
  BareApi bare_;
};

}  // namespace wp::bench
