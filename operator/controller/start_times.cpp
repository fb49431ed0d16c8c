#include "operator/controller/start_times.h"

#include <algorithm>

namespace wp::controller {

std::vector<Millis> StartTimes::take(const workload::View& view) {
  std::vector<Millis> measured;
  std::set<std::string> still;
  for (const workload::WorkerPod& pod : view.pods) {
    if (pod.terminating || pod.finished) continue;
    if (!pod.ready) {
      if (pod.waiting.empty() && pod.restarts == 0) still.insert(pod.uid);
    } else if (starting_.contains(pod.uid) && pod.ready_since > pod.created) {
      measured.push_back(pod.ready_since - pod.created);
    }
  }
  starting_ = std::move(still);
  return measured;
}

}  // namespace wp::controller
