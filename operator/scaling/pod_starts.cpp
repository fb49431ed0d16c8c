#include "operator/scaling/pod_starts.h"

#include <algorithm>

namespace wp::scaling {

PodCounts PodStarts::observe(Millis now, Millis start_time, const std::vector<SeenPod>& pods) {
  const Millis patience = 3 * start_time;
  PodCounts counts;
  for (const SeenPod& seen : pods) {
    auto found = pods_.find(seen.uid);
    const bool is_new = found == pods_.end();
    if (is_new) found = pods_.emplace(seen.uid, Pod{}).first;
    Pod& pod = found->second;
    pod.seen = now;
    if (seen.ready) {
      // How long those took that were ready before the first look is not known.
      const bool watched = !is_new || !first_;
      if (!pod.was_ready && !pod.obstructed && watched) counts.started_in.push_back(seen.age);
      pod = {now, true, false, {}};
      continue;
    }
    if (seen.obstructed && !pod.obstructed) {
      pod.obstructed = true;
      if (pod.was_ready) pod.obstructed_at = now;
    }
    if (!pod.obstructed) {
      ++counts.starting;
      continue;
    }
    ++counts.unstartable;
    const Millis waits = pod.obstructed_at ? now - *pod.obstructed_at : seen.age;
    if (waits >= patience) {
      ++counts.absent;
    } else {
      const Millis left = patience - waits;
      counts.recheck = counts.recheck ? std::min(*counts.recheck, left) : left;
    }
  }
  std::erase_if(pods_, [&](const auto& entry) { return entry.second.seen != now; });
  first_ = false;
  return counts;
}

}  // namespace wp::scaling
