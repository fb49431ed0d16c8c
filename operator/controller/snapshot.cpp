#include "operator/controller/snapshot.h"

#include <algorithm>
#include <cstdint>
#include <string>

namespace wp::controller {
namespace {

scaling::Workers workers_of(const fleet::Fleet& fleet) {
  scaling::Workers workers;
  for (const fleet::Member& member : fleet.members) {
    const workload::WorkerPod& pod = member.pod;
    if (pod.terminating || member.leaving()) continue;
    if (!pod.ready) {
      ++(pod.waiting.empty() ? workers.starting : workers.unstartable);
      continue;
    }
    ++workers.ready;
    if (member.held > 0) ++workers.busy;
  }
  workers.serving_slots = fleet.serving_slots;
  workers.retiring = fleet.retiring;
  workers.leaving_busy = fleet.leaving_busy;
  workers.all_broken = fleet.serving > 0 && fleet.broken == fleet.serving;
  return workers;
}

scaling::Demand demand_of(const queue::Counts& counts, const fleet::Fleet& fleet) {
  const auto stat = [&counts](const std::string& name) {
    const auto found = counts.stat.find(name);
    return found == counts.stat.end() ? std::int64_t{0} : found->second;
  };
  scaling::Demand demand;
  demand.waiting = counts.waiting + counts.due;
  demand.due_soon = counts.due_soon - counts.due;
  demand.active_all = counts.active;
  // COUNTS has left out the retired; that a pod terminates only we know.
  std::int64_t on_terminating = 0;
  for (const fleet::Member& member : fleet.members) {
    if (member.pod.terminating && !member.retired) on_terminating += member.held;
  }
  demand.active_serving = std::max<std::int64_t>(0, counts.active_serving - on_terminating);
  demand.counters =
      scaling::Counters{stat("started"), stat("completed"), stat("failed"), stat("busy_ms")};
  return demand;
}

}  // namespace

int committed_replicas(const workload::View& view, const fleet::Fleet& fleet) {
  int active = 0;
  for (const fleet::Member& member : fleet.members) active += member.pod.terminating ? 0 : 1;
  const int ordered = std::max(0, active - view.replicas);
  return std::max(0, view.replicas - std::max(0, fleet.retiring - ordered));
}

scaling::Snapshot snapshot_of(const Findings& findings, Millis now, Millis unknown_for,
                              std::vector<Millis> started_in) {
  scaling::Snapshot snapshot;
  snapshot.now = now;
  snapshot.current = committed_replicas(findings.view, findings.fleet);
  snapshot.workers = workers_of(findings.fleet);
  snapshot.started_in = std::move(started_in);
  snapshot.unknown_for = unknown_for;
  if (!findings.fresh) return snapshot;
  const queue::Counts& counts = *findings.backlog->counts;
  snapshot.unknown_for = Millis{0};
  snapshot.demand = demand_of(counts, findings.fleet);
  snapshot.claims_paused = counts.paused;
  return snapshot;
}

}  // namespace wp::controller
