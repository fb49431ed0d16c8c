// A pool at one moment, built by a test, and what plan() makes of it.
#pragma once

#include <algorithm>
#include <doctest/doctest.h>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "operator/fleet/departure.h"
#include "operator/fleet/retirement.h"

namespace wp::fleet {

/// Pods that are ready, in the order given; change what differs.
struct Stage {
  workload::View view;
  queue::Counts counts;
  Memory memory;
  Millis now{1000000};
  Situation situation;
  int plans = 0;
  bool witness_follows = true;  // the picker's status shows what is there
  Fleet fleet;

  explicit Stage(int pods, int replicas = -1) {
    view.known = true;
    counts.now = Millis{5000000};
    situation.fresh = true;
    situation.desired = pods;
    view.replicas = replicas < 0 ? pods : replicas;
    for (int i = 0; i < pods; ++i) add(std::string(1, static_cast<char>('a' + i)));
  }

  workload::WorkerPod& add(const std::string& uid) {
    workload::WorkerPod pod;
    pod.name = uid;
    pod.uid = uid;
    pod.created = Millis{static_cast<std::int64_t>(1000 * view.pods.size())};
    pod.ready = true;
    pod.ready_since = Millis{1};
    view.pods.push_back(pod);
    hold(uid, 0);
    return view.pods.back();
  }
  workload::WorkerPod& pod(const std::string& uid) {
    for (workload::WorkerPod& pod : view.pods) {
      if (pod.uid == uid) return pod;
    }
    return add(uid);
  }
  queue::WorkerCounts& worker(const std::string& uid) {
    for (queue::WorkerCounts& worker : counts.workers) {
      if (worker.worker == uid + "/1") return worker;
    }
    queue::WorkerCounts worker;
    worker.worker = uid + "/1";
    worker.last_beat = counts.now;
    counts.workers.push_back(worker);
    return counts.workers.back();
  }
  void hold(const std::string& uid, int jobs) { worker(uid).held = jobs; }
  void retire(const std::string& uid, queue::RetiredBy by = queue::RetiredBy::controller,
              Millis left = Millis{60000}) {
    unretire(uid);
    counts.retired.push_back({uid, by, counts.now + left});
  }
  void unretire(const std::string& uid) {
    std::erase_if(counts.retired, [&](const auto& one) { return one.pod == uid; });
  }
  void not_ready(const std::string& uid) {
    pod(uid).ready = false;
    pod(uid).ready_since = Millis{0};
  }
  void mark(const std::string& uid) {
    pod(uid).marked = true;
    pod(uid).deletion_cost = kMarkCost;
  }
  void unmark(const std::string& uid) {
    pod(uid).marked = false;
    pod(uid).deletion_cost = 0;
  }
  void remove(const std::string& uid) {
    std::erase_if(view.pods, [&](const auto& pod) { return pod.uid == uid; });
    std::erase_if(counts.workers, [&](const auto& one) { return one.worker == uid + "/1"; });
  }

  workload::Witness seen() const {
    workload::Witness witness;
    witness.current = true;
    for (const workload::WorkerPod& pod : view.pods) {
      if (pod.terminating || pod.finished) continue;
      ++witness.existing;
      if (pod.marked) ++witness.marked;
      if (pod.ready) ++witness.ready;
    }
    return witness;
  }

  /// Whoever waits for a plan that never comes gets an exception, not a test that hangs.
  Plan plan(Millis later = Millis{100}) {
    if (++plans > 5000) throw std::runtime_error("what the test waits for does not happen");
    now += later;
    counts.now += later;
    if (witness_follows) view.witness = seen();
    fleet = join(view, &counts, Millis{15000}, 1);
    situation.now = now;
    situation.view = &view;
    situation.fleet = &fleet;
    return fleet::plan(memory, situation);
  }

  /// Carries out what a plan says, everything at once, and answers it.
  Plan step(Millis later = Millis{100}) {
    Plan made = plan(later);
    for (const std::string& uid : made.unretire) unretire(uid);
    for (const std::string& uid : made.retire) retire(uid);
    for (const std::string& uid : made.unmark) unmark(uid);
    for (const std::string& uid : made.mark) mark(uid);
    if (made.replicas) view.replicas = *made.replicas;
    return made;
  }
};

inline bool nothing(const Plan& plan) {
  return plan.unretire.empty() && plan.retire.empty() && plan.unmark.empty() && plan.mark.empty() &&
         !plan.replicas;
}

using Uids = std::vector<std::string>;

inline bool told(const Plan& plan, Note::Kind kind) {
  return std::any_of(plan.notes.begin(), plan.notes.end(),
                     [kind](const Note& note) { return note.kind == kind; });
}

/// Two of five are to go, retired and marked, and the picker has seen it: the next plan lowers.
inline Stage about_to_lower() {
  Stage stage(5);
  stage.situation.desired = 3;
  stage.step();
  stage.step();
  REQUIRE(stage.pod("d").marked);
  REQUIRE(stage.pod("e").marked);
  return stage;
}

/// And has lowered; nothing is deleted yet.
inline Stage lowered() {
  Stage stage = about_to_lower();
  REQUIRE(stage.step().replicas == 3);
  return stage;
}

}  // namespace wp::fleet
