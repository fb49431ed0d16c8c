#include "operator/controller/snapshot.h"

#include <algorithm>
#include <cstdint>
#include <string>

namespace wp::controller {
namespace {

bool stays(const fleet::Member& member) {
  return !member.pod.terminating && !member.leaving();
}

scaling::Workers workers_of(const fleet::Fleet& fleet, const scaling::PodCounts& pods) {
  scaling::Workers workers;
  for (const fleet::Member& member : fleet.members) {
    if (!stays(member) || !member.pod.ready) continue;
    ++workers.ready;
    if (member.held > 0) ++workers.busy;
  }
  workers.starting = pods.starting;
  workers.unstartable = pods.unstartable;
  workers.absent = pods.absent;
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

std::optional<std::int64_t> rounded(const std::optional<Millis>& time) {
  if (!time) return std::nullopt;
  std::int64_t unit = 1;
  while (time->count() / unit >= 100) unit *= 10;
  return (time->count() + unit / 2) / unit * unit;
}

std::optional<Millis> millis(const std::optional<std::int64_t>& number) {
  return number ? std::optional<Millis>(Millis{*number}) : std::nullopt;
}

}  // namespace

std::vector<scaling::SeenPod> seen_pods(const fleet::Fleet& fleet, Millis wall) {
  std::vector<scaling::SeenPod> seen;
  for (const fleet::Member& member : fleet.members) {
    if (!stays(member)) continue;
    const workload::WorkerPod& pod = member.pod;
    const Millis since = pod.ready && pod.ready_since > Millis{0} ? pod.ready_since : wall;
    // One that lacks its program is up, and ready when somebody mends that: no time to start in.
    const bool obstructed = !pod.ready && (!pod.waiting.empty() || member.broken);
    seen.push_back({pod.uid, std::max(Millis{0}, since - pod.created), pod.ready, obstructed});
  }
  return seen;
}

scaling::Snapshot snapshot_of(const Findings& findings, Millis now, Millis unknown_for,
                              const scaling::PodCounts& pods) {
  scaling::Snapshot snapshot;
  snapshot.now = now;
  snapshot.workers = workers_of(findings.fleet, pods);
  snapshot.started_in = pods.started_in;
  snapshot.unknown_for = unknown_for;
  if (!findings.fresh) return snapshot;
  const queue::Counts& counts = *findings.backlog->counts;
  snapshot.unknown_for = Millis{0};
  snapshot.demand = demand_of(counts, findings.fleet);
  snapshot.claims_paused = counts.paused;
  return snapshot;
}

pool::MeasuredStatus status_of(const scaling::Measured& measured) {
  return {rounded(measured.service_time), rounded(measured.pod_start)};
}

scaling::Measured measured_from(const pool::MeasuredStatus& status) {
  return {millis(status.service_ms), millis(status.start_ms)};
}

}  // namespace wp::controller
