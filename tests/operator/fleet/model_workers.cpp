#include "tests/operator/fleet/model_workers.h"

#include <algorithm>

namespace wp::fleet::model {

void Workers::advance(Millis now) {
  std::vector<std::string> uids;
  for (const auto& [uid, pod] : cluster_.pods) uids.push_back(uid);
  std::erase_if(processes_, [this](const auto& one) { return !cluster_.pods.contains(one.first); });
  for (const std::string& uid : uids) {
    Pod& pod = cluster_.pods[uid];
    const bool fresh = !processes_.contains(uid);
    Process& process = processes_[uid];
    if (fresh) process.next_stage = now + chance_.between(0, habits.start_ms);
    const std::size_t held = process.jobs.size();
    std::erase_if(process.jobs, [now](Millis end) { return end <= now; });
    process.executed += static_cast<std::int64_t>(held - process.jobs.size());
    if (pod.terminating && !process.told_to_go) {
      process.told_to_go = now + chance_.between(0, 1500);
    }
    const bool told = process.told_to_go && *process.told_to_go <= now;
    if (told && process.jobs.empty()) {
      pod.gone = true;
      pod.ready = false;
      cluster_.changed(pod);
      continue;
    }
    if (!pod.terminating) {
      start(pod, process);
      if (habits.flap_in > 0 || process.flaps_until) flap(pod, process);
    }
    const bool claims = process.registered && !told && !away && !is_retired(uid) &&
                        static_cast<int>(process.jobs.size()) < habits.slots;
    if (!claims || chance_.below(100) >= habits.busy_percent) continue;
    process.jobs.push_back(now + (chance_.one_in(3) ? chance_.between(50, habits.longest_job)
                                                    : chance_.between(50, 1000)));
    cluster_.trace(uid + " claims");
    const auto deleted = deleted_for.find(uid);
    if (deleted == deleted_for.end() || deleted->second != Cause::ours) continue;
    cluster_.trace("WRONG " + uid);
    ++claims_after_deletion;
  }
}

void Workers::start(Pod& pod, Process& process) {
  if (pod.ready || process.flaps_until || process.next_stage > cluster_.now) return;
  if (!pod.assigned && habits.stuck && !chance_.one_in(20)) return;
  if (!pod.assigned) {
    pod.assigned = true;
  } else if (!pod.running) {
    pod.running = true;
  } else {
    process.registered = true;
    pod.ready = true;
    pod.ready_since = cluster_.now;
  }
  process.next_stage = cluster_.now + chance_.between(0, habits.start_ms);
  cluster_.changed(pod);
}

void Workers::flap(Pod& pod, Process& process) {
  if (process.flaps_until && *process.flaps_until <= cluster_.now) {
    process.flaps_until.reset();
    process.registered = true;
    pod.ready = true;
    pod.ready_since = cluster_.now;
    cluster_.changed(pod);
  } else if (pod.ready && habits.flap_in > 0 && chance_.one_in(habits.flap_in)) {
    process.flaps_until = cluster_.now + chance_.between(50, 6000);
    pod.ready = false;
    pod.ready_since = Millis{0};
    if (chance_.one_in(4)) {  // the container itself
      process.jobs.clear();
      process.registered = false;
    }
    cluster_.changed(pod);
  }
}

void Workers::retire(const std::vector<std::string>& pods, queue::RetiredBy by) {
  for (const std::string& uid : pods) {
    cluster_.trace(uid + " retired");
    const auto there = retirements_.find(uid);
    if (by == queue::RetiredBy::controller && there != retirements_.end() &&
        there->second.by == queue::RetiredBy::person) {
      continue;
    }
    retirements_[uid] = {by, queue_now() + Millis{60000}};
  }
}

void Workers::unretire(const std::vector<std::string>& pods, queue::RetiredBy by) {
  for (const std::string& uid : pods) {
    const auto there = retirements_.find(uid);
    if (there == retirements_.end()) continue;
    cluster_.trace(uid + " called back");
    if (there->second.by == by) retirements_.erase(there);
  }
}

bool Workers::is_retired(const std::string& uid, Millis for_so_long) const {
  const auto there = retirements_.find(uid);
  return there != retirements_.end() && (there->second.by == queue::RetiredBy::person ||
                                         there->second.until > queue_now() + for_so_long);
}

int Workers::held(const std::string& uid) const {
  const auto found = processes_.find(uid);
  return found == processes_.end() ? 0 : static_cast<int>(found->second.jobs.size());
}

int Workers::retired_by_us() const {
  int n = 0;
  for (const auto& [uid, one] : retirements_) {
    const auto pod = cluster_.pods.find(uid);
    const bool there = pod != cluster_.pods.end() && !pod->second.terminating;
    if (there && one.by == queue::RetiredBy::controller && one.until > queue_now()) ++n;
  }
  return n;
}

queue::Counts Workers::counts() const {
  queue::Counts counts;
  counts.now = queue_now();
  for (const auto& [uid, process] : processes_) {
    if (!process.registered || !cluster_.pods.contains(uid)) continue;
    queue::WorkerCounts worker;
    worker.worker = uid + "/1";
    worker.last_beat = counts.now;
    worker.held = static_cast<int>(process.jobs.size());
    if (process.executed > 0) {
      worker.info = "{\"executed\":" + std::to_string(process.executed) + "}";
    }
    counts.workers.push_back(std::move(worker));
  }
  for (const auto& [uid, one] : retirements_) {
    if (one.by == queue::RetiredBy::person || one.until > counts.now) {
      counts.retired.push_back({uid, one.by, one.until});
    }
  }
  return counts;
}

}  // namespace wp::fleet::model
