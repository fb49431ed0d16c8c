#include "operator/fleet/recovery.h"

#include <algorithm>
#include <fmt/format.h>
#include <set>
#include <string_view>

namespace wp::fleet {
namespace {

using Known = RecoveryMemory::Known;
using Gone = RecoveryMemory::Gone;
using Evidence = RecoveryMemory::Evidence;
using workload::WorkerPod;

// Orders for a worker that nobody sees any more are kept for so many leases: a claim may have been
// made after the last reading.
constexpr int kRemember = 2;
constexpr int kSilence = 2;  // leases after which a worker counts as silent
// Our watch of the pods may be so far behind the queue: a worker that we know for less may run in
// the second container while we see the first. Before the third a node waits for longer (10 s, by
// default), so that what we see is the one that runs.
constexpr Millis kYoung{5000};
// The queue's time is known from a reading, which took a while itself.
constexpr Millis kClockSlack{250};

std::string_view pod_of(std::string_view worker) {
  return worker.substr(0, worker.rfind('/'));
}

std::string jobs(int count) {
  return fmt::format("{} {}", count, count == 1 ? "job" : "jobs");
}

// Whether the container died by itself: then its job may be the cause.
bool crashed(const WorkerPod& pod) {
  if (pod.out_of_memory) return true;
  return !pod.terminating && !pod.finished && pod.exit_code != 0;
}

std::string reason_of(const WorkerPod& pod) {
  if (pod.out_of_memory) return "its container was killed for memory";
  if (pod.finished) return "its pod has ended";
  return fmt::format("its container ended with exit code {}", pod.exit_code);
}

class Nurse {
 public:
  Nurse(RecoveryMemory& memory, const Scene& scene) : memory_(memory), s_(scene) {}

  Recovery run() {
    hear();
    if (s_.view->known) {
      if (!memory_.watching_since) memory_.watching_since = s_.now;
      for (const WorkerPod& pod : s_.view->pods) examine(pod);
      miss();
      find_unknown();
      judge();
    } else {
      memory_.watching_since.reset();
    }
    reclaim();
    count_stalls();
    return std::move(result_);
  }

 private:
  void hear();
  void examine(const WorkerPod& pod);
  void adopt(const WorkerPod& pod, Known& known);
  void miss();
  void find_unknown();
  void judge();
  void reclaim();
  void count_stalls();

  bool heard() const { return s_.fresh && s_.counts != nullptr; }
  std::vector<const queue::WorkerCounts*> workers_of(std::string_view pod_or_worker) const;
  int held_by(std::string_view pod_or_worker) const;
  int taken_over_from(const WorkerPod& pod, const Known& known) const;
  void lose(const std::string& key, const std::string& pod_name, queue::LossCause cause,
            const std::string& reason, Evidence evidence, int taken_over = 0);
  void tell(Gone& gone);
  Evidence evidence_of(const Known& known) const;
  bool confirmed(const Gone& gone) const;
  void order(const std::string& key, Gone& gone);
  Millis silent_for(const std::string& worker) const;
  bool reliable() const {
    return memory_.reading_since && s_.now - *memory_.reading_since >= kSilence * s_.lease;
  }
  void wake_in(Millis time) {
    const Millis wait = std::max(time, Millis{1000});
    result_.recheck = result_.recheck ? std::min(*result_.recheck, wait) : wait;
  }

  RecoveryMemory& memory_;
  const Scene& s_;
  Recovery result_;
};

// Silence is what we observed ourselves: the queue's clock may jump, and after an outage of the
// queue nobody has beaten for long.
void Nurse::hear() {
  if (!heard()) {
    memory_.reading_since.reset();
    return;
  }
  const Millis since = s_.reading_since.value_or(memory_.reading_since.value_or(s_.now));
  const bool anew = !memory_.reading_since || since > *memory_.reading_since;
  if (anew) memory_.reading_since = s_.reading_since ? since : s_.now;
  std::map<std::string, RecoveryMemory::Beat> beats;
  for (const queue::WorkerCounts& worker : s_.counts->workers) {
    const auto before = memory_.beats.find(worker.worker);
    if (!anew && before != memory_.beats.end() && before->second.at == worker.last_beat) {
      beats.insert(*before);
      continue;
    }
    const Millis age = std::max(Millis{0}, s_.counts->now - worker.last_beat) + s_.reading_age;
    const Millis not_before = before != memory_.beats.end() ? before->second.seen : s_.now;
    const Millis seen = anew ? s_.now : std::clamp(s_.now - age, not_before, s_.now);
    beats[worker.worker] = {worker.last_beat, seen};
  }
  memory_.beats = std::move(beats);
}

Millis Nurse::silent_for(const std::string& worker) const {
  const auto found = memory_.beats.find(worker);
  return found == memory_.beats.end() ? Millis{0} : s_.now - found->second.seen;
}

std::vector<const queue::WorkerCounts*> Nurse::workers_of(std::string_view pod_or_worker) const {
  std::vector<const queue::WorkerCounts*> found;
  if (s_.counts == nullptr) return found;
  for (const queue::WorkerCounts& worker : s_.counts->workers) {
    if (worker.worker == pod_or_worker || pod_of(worker.worker) == pod_or_worker) {
      found.push_back(&worker);
    }
  }
  return found;
}

int Nurse::held_by(std::string_view pod_or_worker) const {
  int held = 0;
  for (const queue::WorkerCounts* worker : workers_of(pod_or_worker)) held += worker->held;
  return held;
}

// The queue may tell first: then its successor has registered, and has what it held.
int Nurse::taken_over_from(const WorkerPod& pod, const Known& known) const {
  const bool followed = workers_of(known.worker).empty() && !workers_of(pod.uid).empty();
  return followed && crashed(pod) ? known.held : 0;
}

void Nurse::lose(const std::string& key, const std::string& pod_name, queue::LossCause cause,
                 const std::string& reason, Evidence evidence, int taken_over) {
  Gone made;
  made.cause = cause;
  made.reason = reason;
  made.evidence = evidence;
  made.since = s_.now;
  if (s_.counts != nullptr) made.noticed = s_.counts->now + s_.reading_age + kClockSlack;
  made.pod = pod_name;
  const auto [it, anew] = memory_.gone.emplace(key, made);
  if (!anew) return;
  if (const int held = held_by(key) + taken_over; held > 0) {
    it->second.untold = fmt::format("{}: {}, with {} in hand", pod_name, reason, jobs(held));
  }
  if (evidence != Evidence::doubtful) tell(it->second);
}

void Nurse::tell(Gone& gone) {
  if (gone.untold.empty()) return;
  result_.incidents.push_back({Incident::Kind::worker_lost, gone.pod, std::move(gone.untold)});
  gone.untold.clear();
}

// Whether the end of the pod's container is the end of the worker that is taken to run in it.
Evidence Nurse::evidence_of(const Known& known) const {
  const bool young = known.first && s_.now - known.adopted < kYoung;
  const bool sure = !known.worker.empty() && !known.renamed && !young;
  return sure ? Evidence::certain : Evidence::doubtful;
}

// A worker beats each third of a lease.
bool Nurse::confirmed(const Gone& gone) const {
  return s_.now - s_.reading_age - gone.since >= s_.lease / 2;
}

void Nurse::examine(const WorkerPod& pod) {
  Known& known = memory_.pods[pod.uid];
  known.name = pod.name;
  known.terminating = pod.terminating;
  const queue::LossCause cause = crashed(pod) ? queue::LossCause::crash : queue::LossCause::loss;
  if (pod.finished) {
    if (!std::exchange(known.finished, true)) {
      memory_.gone.erase(pod.uid);
      lose(pod.uid, pod.name, cause, reason_of(pod), Evidence::certain);
    }
    return;
  }
  memory_.gone.erase(pod.uid);  // it is back
  if (pod.container.empty()) return;
  const bool known_before = !known.container.empty();
  // The pool names another container now; the worker still runs in the one it was started in.
  const bool renamed = known_before && known.container_name != pod.container_name;
  known.renamed = known.renamed || renamed;
  const bool restarted = known_before && !renamed &&
                         (known.container != pod.container || known.restarts != pod.restarts);
  known.container_name = pod.container_name;
  known.container = pod.container;
  known.restarts = pod.restarts;
  if (!pod.container_running) {
    // All that are there died with it; but one that is not the one we knew has come after it.
    for (const queue::WorkerCounts* worker : workers_of(pod.uid)) {
      if (!known.worker.empty() && worker->worker != known.worker) continue;
      lose(worker->worker, pod.name, cause, reason_of(pod), evidence_of(known));
    }
  } else if (restarted) {
    if (!known.worker.empty()) {
      lose(known.worker, pod.name, cause, reason_of(pod), evidence_of(known),
           taken_over_from(pod, known));
    }
    known.worker.clear();
  }
  if (pod.container_running) adopt(pod, known);
}

// The worker of the container that runs now: the newest that did not die with an earlier one.
void Nurse::adopt(const WorkerPod& pod, Known& known) {
  if (!heard()) return;
  if (!known.worker.empty()) {
    if (!workers_of(known.worker).empty()) known.held = held_by(known.worker);
    return;
  }
  Millis newest{-1};
  for (const queue::WorkerCounts* worker : workers_of(pod.uid)) {
    const auto gone = memory_.gone.find(worker->worker);
    if (gone != memory_.gone.end() && !gone->second.alive) continue;
    if (worker->last_beat <= newest) continue;
    newest = worker->last_beat;
    known.worker = worker->worker;
    known.held = worker->held;
    known.adopted = s_.now;
    known.first = pod.restarts == 0;
  }
  memory_.gone.erase(known.worker);
}

// A pod that lost its label or its owner leaves the view as a deleted one does: of the one the
// watch tells just that it is deleted, of the other only the owner's index knows. So the jobs go
// back at once, but not a second time while nobody knows, unless the pod was seen to end.
void Nurse::miss() {
  std::set<std::string_view> present;
  for (const WorkerPod& pod : s_.view->pods) present.insert(pod.uid);
  for (auto it = memory_.pods.begin(); it != memory_.pods.end();) {
    if (present.contains(it->first)) {
      ++it;
      continue;
    }
    const Evidence evidence = it->second.terminating ? Evidence::certain : Evidence::likely;
    lose(it->first, it->second.name, queue::LossCause::loss, "its pod was deleted", evidence);
    it = memory_.pods.erase(it);
  }
}

// Died while nobody looked. A worker that beats may have a pod that our watch has not shown yet, or
// be somebody else's.
void Nurse::find_unknown() {
  if (!heard() || !reliable()) return;
  if (s_.now - *memory_.watching_since < kSilence * s_.lease) return;
  std::set<std::string_view> present;
  for (const WorkerPod& pod : s_.view->pods) present.insert(pod.uid);
  for (const queue::WorkerCounts& worker : s_.counts->workers) {
    if (present.contains(pod_of(worker.worker))) continue;
    if (silent_for(worker.worker) <= kSilence * s_.lease) continue;
    const auto before = memory_.gone.find(worker.worker);
    if (before != memory_.gone.end() && before->second.alive) memory_.gone.erase(before);
    lose(worker.worker, std::string(pod_of(worker.worker)), queue::LossCause::loss,
         "it is silent and has no pod", Evidence::certain);
  }
}

// Whom to replace: the one that is silent for longest, or else one whose handler cannot be killed.
void Nurse::judge() {
  if (!heard()) return;
  int pool = 0;
  int unwell = 0;
  const Member* worst = nullptr;
  Millis longest{0};
  std::string why;
  for (const Member& member : s_.fleet->members) {
    const WorkerPod& pod = member.pod;
    const bool looks_fine = pod.ready && (pod.container.empty() || pod.container_running);
    if (!member.registered || pod.terminating || !looks_fine) continue;
    ++pool;
    Known& known = memory_.pods[pod.uid];
    const Millis silence = silent_for(member.worker);
    const bool silent = reliable() && silence > kSilence * s_.lease;
    if (!silent) wake_in(kSilence * s_.lease - silence + Millis{1});
    if (silent || member.stalled) ++unwell;
    if (silent && !known.told_silent) {
      result_.incidents.push_back(
          {Incident::Kind::worker_silent, pod.name,
           fmt::format("{} is silent for {} s though its pod looks fine: its jobs run elsewhere",
                       pod.name, silence.count() / 1000)});
    }
    if (member.stalled && !known.told_stalled) {
      result_.incidents.push_back(
          {Incident::Kind::worker_stalled, pod.name,
           fmt::format("{} has a job that makes no progress and cannot be killed", pod.name)});
    }
    known.told_silent = silent;
    known.told_stalled = member.stalled;
    const Millis urgency = silent ? silence : Millis{member.stalled ? 1 : 0};
    if (urgency > longest) {
      longest = urgency;
      worst = &member;
    }
  }
  // When many are unwell it is something that they share, and new pods would not be better.
  if (worst == nullptr || 3 * unwell >= pool) return;
  if (memory_.removed_at && s_.now - *memory_.removed_at < s_.lease) {
    return wake_in(s_.lease - (s_.now - *memory_.removed_at));
  }
  memory_.removed_at = s_.now;
  result_.remove = worst->pod.uid;
}

void Nurse::reclaim() {
  for (auto it = memory_.gone.begin(); it != memory_.gone.end();) {
    auto& [key, gone] = *it;
    const auto workers = workers_of(key);
    if (!heard() || workers.empty()) {
      if (heard()) tell(gone);  // another one in its pod has registered, and has what it held
      const bool over = heard() && s_.now - gone.since >= kRemember * s_.lease;
      it = over ? memory_.gone.erase(it) : std::next(it);
      continue;
    }
    if (!gone.noticed) gone.noticed = s_.counts->now + kClockSlack;
    gone.alive = gone.alive || std::any_of(workers.begin(), workers.end(), [&gone](auto* one) {
                   return one->last_beat > *gone.noticed;
                 });
    if (!gone.alive) order(key, gone);
    ++it;
  }
}

void Nurse::order(const std::string& key, Gone& gone) {
  if (gone.ordered && *gone.ordered == s_.counts->now) return;
  const bool at_once =
      gone.evidence == Evidence::certain || (gone.evidence == Evidence::likely && !gone.ordered);
  if (!at_once && !confirmed(gone)) return wake_in(gone.since + s_.lease / 2 - s_.now);
  gone.ordered = s_.counts->now;
  tell(gone);
  for (backlog::ReclaimOrder& same : result_.reclaim) {
    if (same.cause != gone.cause || same.reason != gone.reason) continue;
    same.gone.push_back(key);
    return;
  }
  result_.reclaim.push_back({{key}, gone.cause, gone.reason, {}});
}

void Nurse::count_stalls() {
  if (!heard()) return;
  const auto found = s_.counts->stat.find("stalled");
  const std::int64_t stalls = found == s_.counts->stat.end() ? 0 : found->second;
  if (memory_.stalls && stalls > *memory_.stalls) {
    result_.stalls = stalls - *memory_.stalls;
    result_.incidents.push_back({Incident::Kind::worker_stalled, "",
                                 fmt::format("{} made no progress for stallTimeout and {} stopped",
                                             jobs(static_cast<int>(result_.stalls)),
                                             result_.stalls == 1 ? "was" : "were")});
  }
  memory_.stalls = stalls;
}

}  // namespace

Recovery recover(RecoveryMemory& memory, const Scene& scene) {
  if (scene.view == nullptr || scene.fleet == nullptr) return {};
  return Nurse(memory, scene).run();
}

}  // namespace wp::fleet
