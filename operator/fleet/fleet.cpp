#include "operator/fleet/fleet.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>

#include <nlohmann/json.hpp>

namespace wp::fleet {
namespace {

// What its worker says of itself; words that are none leave things as they are.
void speak(Member& member, const queue::WorkerCounts& said, Millis now) {
  member.registered = true;
  member.worker = said.worker;
  member.silent_for = std::max(Millis{0}, now - said.last_beat);
  member.broken = said.broken;
  if (said.info.empty()) return;
  const nlohmann::json info = nlohmann::json::parse(said.info, nullptr, false);
  if (!info.is_object()) return;
  const auto number = [&info](const char* name, std::int64_t fallback) {
    const auto found = info.find(name);
    return found != info.end() && found->is_number_integer() ? found->get<std::int64_t>()
                                                             : fallback;
  };
  member.slots = static_cast<int>(std::clamp<std::int64_t>(number("slots", member.slots), 0, 1000));
  member.executed = number("executed", 0);
  member.stalled = number("stalled", 0) > 0;
}

void count(const Member& member, Millis lease, int slots, Fleet& fleet) {
  const workload::WorkerPod& pod = member.pod;
  if (pod.terminating) fleet.held_by_leaving += member.held;
  if (!member.serving()) {
    if (member.held > 0) ++fleet.leaving_busy;
    if (!pod.terminating) ++fleet.retiring;
  } else if (member.held > 0) {
    ++fleet.busy;
  } else if (pod.ready) {
    ++fleet.idle;
  }
  if (pod.terminating) return;
  if (pod.ready && member.serving() && !member.broken) fleet.serving_slots += member.slots;
  if (!member.registered) return;
  if (member.serving()) {
    ++fleet.serving;
    if (member.broken) ++fleet.broken;
  }
  if (member.stalled) ++fleet.stalled;
  if (member.slots != slots) ++fleet.mismatched;
  if (member.silent_for > 2 * lease) ++fleet.silent;
}

}  // namespace

Fleet join(const workload::View& view, const queue::Counts* counts, Millis lease, int slots) {
  // A pod that restarted may have older workers there: the newest beat speaks for it, and what the
  // older ones still hold is its pod's all the same.
  struct Spoken {
    const queue::WorkerCounts* newest = nullptr;
    int held = 0;
  };
  std::unordered_map<std::string, Spoken> by_pod;
  std::unordered_map<std::string_view, const queue::Retirement*> retired;
  if (counts != nullptr) {
    for (const queue::WorkerCounts& worker : counts->workers) {
      Spoken& spoken = by_pod[worker.worker.substr(0, worker.worker.rfind('/'))];
      spoken.held += worker.held;
      if (spoken.newest == nullptr || spoken.newest->last_beat < worker.last_beat) {
        spoken.newest = &worker;
      }
    }
    for (const queue::Retirement& one : counts->retired) retired.emplace(one.pod, &one);
  }
  Fleet fleet;
  for (const workload::WorkerPod& pod : view.pods) {
    if (pod.finished) continue;
    Member member;
    member.pod = pod;
    member.slots = slots;
    if (const auto found = by_pod.find(pod.uid); found != by_pod.end()) {
      speak(member, *found->second.newest, counts->now);
      member.held = found->second.held;
    }
    if (const auto found = retired.find(pod.uid); found != retired.end()) {
      member.retired = true;
      // Of a very large pool not every worker is told of; this is counted for the pod.
      member.held = std::max(member.held, found->second->held);
      member.by_us = found->second->by == queue::RetiredBy::controller;
      if (member.by_us) {
        member.retired_for = std::max(Millis{0}, found->second->until - counts->now);
      }
    }
    count(member, lease, slots, fleet);
    fleet.members.push_back(std::move(member));
  }
  return fleet;
}

}  // namespace wp::fleet
