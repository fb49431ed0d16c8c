// How long pods take from their creation to ready, measured at each pod that becomes so. One pool;
// one thread at a time.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "operator/workload/workload.h"

namespace wp::controller {

class StartTimes {
 public:
  /// Of the pods that were seen not ready and are ready now. Those that were found ready when this
  /// began, that wait for what the cluster lacks, or that were ready before tell nothing.
  std::vector<Millis> take(const workload::View& view);

 private:
  std::set<std::string> starting_;  // uids
};

}  // namespace wp::controller
