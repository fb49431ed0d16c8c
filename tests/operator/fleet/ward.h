// A pool at one moment whose workers may have died, built by a test, and what recover() makes of
// it.
#pragma once

#include <algorithm>
#include <doctest/doctest.h>
#include <set>
#include <string>
#include <vector>

#include "operator/fleet/recovery.h"

namespace wp::fleet {

/// A pool whose workers beat unless they are told not to.
struct Ward {
  workload::View view;
  queue::Counts counts;
  RecoveryMemory memory;
  Millis now{1000000};
  bool fresh = true;
  std::set<std::string> quiet;  // workers

  explicit Ward(int pods = 0) {
    view.known = true;
    counts.now = Millis{5000000};
    for (int i = 0; i < pods; ++i) add(std::string(1, static_cast<char>('a' + i)), 1);
  }
  void add(const std::string& uid, int held) {
    workload::WorkerPod pod;
    pod.uid = uid;
    pod.name = "pod-" + uid;
    pod.ready = true;
    pod.container = "c1";
    pod.container_name = "app";
    pod.container_running = true;
    view.pods.push_back(pod);
    join_queue(uid + "/1", held);
  }
  void join_queue(const std::string& worker, int held) {
    queue::WorkerCounts made;
    made.worker = worker;
    made.held = held;
    made.last_beat = counts.now;
    counts.workers.push_back(made);
  }
  void leave_queue(const std::string& worker) {
    std::erase_if(counts.workers, [&](const auto& one) { return one.worker == worker; });
  }
  workload::WorkerPod& pod(const std::string& uid) {
    return *std::find_if(view.pods.begin(), view.pods.end(),
                         [&](const auto& one) { return one.uid == uid; });
  }
  void remove_pod(const std::string& uid) {
    std::erase_if(view.pods, [&](const auto& one) { return one.uid == uid; });
    quiet.insert(uid + "/1");
  }
  void end_container(const std::string& uid, int exit_code, bool out_of_memory = false) {
    pod(uid).container_running = false;
    pod(uid).exit_code = exit_code;
    pod(uid).out_of_memory = out_of_memory;
    quiet.insert(uid + "/1");
  }

  Recovery look(Millis later = Millis{1000}) {
    now += later;
    counts.now += later;
    for (queue::WorkerCounts& worker : counts.workers) {
      if (!quiet.contains(worker.worker)) worker.last_beat = counts.now;
    }
    return again();
  }
  /// For so long that its workers are well known.
  void grow_old() {
    for (int i = 0; i < 6; ++i) CHECK(look().reclaim.empty());
  }
  /// Nothing was read anew.
  Recovery again() {
    const Fleet fleet = join(view, &counts, Millis{15000}, 1);
    Scene scene;
    scene.now = now;
    scene.view = &view;
    scene.fleet = &fleet;
    scene.counts = &counts;
    scene.fresh = fresh;
    return recover(memory, scene);
  }
  /// Until something is ordered or deleted; how long that took.
  Millis until(Recovery& found, Millis patience = Millis{120000}) {
    const Millis began = now;
    while (now - began < patience) {
      found = look();
      if (!found.reclaim.empty() || found.remove) break;
    }
    return now - began;
  }
};

using Names = std::vector<std::string>;

}  // namespace wp::fleet
