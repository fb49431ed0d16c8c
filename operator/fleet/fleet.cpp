#include "operator/fleet/fleet.h"

#include <algorithm>

namespace wp::fleet {

Fleet join(const workload::View& view, const queue::Counts* counts, Millis lease) {
  std::map<std::string, const queue::WorkerCounts*> by_pod;
  if (counts != nullptr) {
    for (const queue::WorkerCounts& worker : counts->workers) {
      // A pod that restarted may have an older name there: the newest beat counts.
      const std::string pod = worker.worker.substr(0, worker.worker.rfind('/'));
      const queue::WorkerCounts*& known = by_pod[pod];
      if (known == nullptr || known->last_beat < worker.last_beat) known = &worker;
    }
  }
  Fleet fleet;
  for (const workload::WorkerPod& pod : view.pods) {
    if (pod.finished) continue;
    Member member;
    member.pod = pod;
    const auto found = by_pod.find(pod.uid);
    if (found != by_pod.end()) {
      member.registered = true;
      member.held = found->second->held;
      member.silent_for = std::max(Millis{0}, counts->now - found->second->last_beat);
      member.broken = found->second->broken;
    }
    if (pod.terminating) {
      fleet.held_by_leaving += member.held;
      if (member.held > 0) ++fleet.leaving_busy;
    } else if (member.held > 0) {
      ++fleet.busy;
    } else if (pod.ready) {
      ++fleet.idle;
    }
    if (member.registered && !pod.terminating) {
      ++fleet.serving;
      if (member.broken) ++fleet.broken;
      if (member.silent_for > 2 * lease) ++fleet.silent;
    }
    fleet.members.push_back(std::move(member));
  }
  return fleet;
}

std::vector<std::string> victims(const Fleet& fleet, int remove) {
  std::vector<const Member*> candidates;
  for (const Member& member : fleet.members) {
    if (!member.pod.terminating) candidates.push_back(&member);
  }
  const auto rank = [](const Member& member) {
    if (!member.pod.ready && member.held == 0) return 0;  // runs nothing and cannot yet
    return member.held == 0 ? 1 : 2;
  };
  std::stable_sort(candidates.begin(), candidates.end(), [&](const Member* a, const Member* b) {
    if (rank(*a) != rank(*b)) return rank(*a) < rank(*b);
    if (a->held != b->held) return a->held < b->held;
    return a->pod.created > b->pod.created;
  });
  std::vector<std::string> uids;
  for (const Member* candidate : candidates) {
    if (static_cast<int>(uids.size()) >= remove) break;
    uids.push_back(candidate->pod.uid);
  }
  return uids;
}

}  // namespace wp::fleet
