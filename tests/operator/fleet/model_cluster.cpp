#include "tests/operator/fleet/model_cluster.h"

#include <algorithm>
#include <iostream>
#include <tuple>

#include "operator/fleet/departure.h"

namespace wp::fleet::model {
namespace {

const auto kUid = [](const Pod& pod) { return pod.uid; };
const auto kId = [](const ReplicaSet& set) { return set.id; };

// Smaller goes first.
auto rank(const Pod& pod) {
  return std::make_tuple(pod.assigned, pod.running, pod.ready, pod.cost, -pod.ready_since.count(),
                         -pod.created.count(), pod.uid);
}

}  // namespace

std::uint64_t Chance::next() {
  std::uint64_t x = state_ += 0x9e3779b97f4a7c15ull;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
  return x ^ (x >> 31);
}

Cluster::Cluster(Chance& chance, int count) : chance_(chance) {
  deployment.replicas = count;
  changed_deployment();
  ReplicaSet set;
  set.id = 1;
  sets[1] = set;
  changed(sets[1]);
}

void Cluster::trace(const std::string& what) const {
  if (traced) std::cout << now.count() << " " << what << "\n";
}

void Cluster::changed(const Pod& pod) {
  trace(pod.uid + (pod.gone ? " gone" : "") + (pod.terminating ? " terminating" : "") +
        (pod.assigned ? "" : " unassigned") + (pod.running ? "" : " pending") +
        (pod.ready ? " ready" : "") + (pod.marked ? " marked" : ""));
  pods_log.add(now, pod);
  if (pod.gone) pods.erase(std::string(pod.uid));
}

void Cluster::changed(const ReplicaSet& set) {
  sets_log.add(now, set);
}

void Cluster::changed_deployment() {
  ++deployment.version;
  deployments_log.add(now, deployment);
}

bool Cluster::scale(int replicas, int version, Cause cause, std::size_t proven) {
  if (version != deployment.version) return false;
  trace("replicas " + std::to_string(deployment.replicas) + " to " + std::to_string(replicas) +
        (cause == Cause::ours ? "" : " by an alien"));
  if (replicas < deployment.replicas) {
    deployment.cause = cause;
    deployment.proven = proven;
  }
  deployment.replicas = replicas;
  ++deployment.generation;
  changed_deployment();
  return true;
}

void Cluster::roll_out() {
  trace("a rollout");
  ++deployment.newest_set;
  ++deployment.generation;
  changed_deployment();
}

void Cluster::advance(Millis time) {
  now = time;
  if (stopped) return;
  if (!chance_.one_in(4)) run_deployment_controller();
  picker_pods.advance(pods_log, now, kUid);
  picker_sets.advance(sets_log, now, kId);
  for (auto& [id, set] : sets) {
    if (!chance_.one_in(4)) sync(set);
  }
}

void Cluster::set_replicas(ReplicaSet& set, int replicas, Cause cause) {
  if (set.replicas == replicas) return;
  if (replicas < set.replicas) set.cause = cause;
  set.replicas = replicas;
  ++set.generation;
  changed(set);
}

void Cluster::run_deployment_controller() {
  if (!sets.contains(deployment.newest_set)) {
    ReplicaSet set;
    set.id = deployment.newest_set;
    sets[set.id] = set;
    changed(sets[set.id]);
  }
  ReplicaSet& newest = sets[deployment.newest_set];
  int total = 0;
  int ready = 0;
  ReplicaSet* old = nullptr;
  for (auto& [id, set] : sets) {
    total += set.replicas;
    ready += set.ready;
    if (id != newest.id && set.replicas > 0) old = &set;
  }
  if (old == nullptr) {
    set_replicas(newest, deployment.replicas, deployment.cause);
  } else if (total < deployment.replicas + 1) {
    set_replicas(newest, newest.replicas + 1, Cause::rollout);
  } else if (total > deployment.replicas + 1 || ready > deployment.replicas) {
    set_replicas(*old, old->replicas - 1, Cause::rollout);
  }
  if (deployment.observed != deployment.generation) {
    deployment.observed = deployment.generation;
    changed_deployment();
  }
}

void Cluster::sync(ReplicaSet& set) {
  const auto cached = picker_sets.objects.find(set.id);
  if (cached == picker_sets.objects.end()) return;
  const ReplicaSet spec = cached->second;
  std::vector<Pod> active;
  for (const auto& [uid, pod] : picker_pods.objects) {
    if (pod.set == set.id && !pod.terminating && !pod.gone) active.push_back(pod);
  }
  std::set<std::string>& expected = expected_[set.id];
  std::erase_if(expected, [this](const std::string& uid) {
    const auto known = picker_pods.objects.find(uid);
    const auto truth = pods.find(uid);
    const bool creation = truth != pods.end() && !truth->second.terminating;
    if (creation) return known != picker_pods.objects.end();
    return known != picker_pods.objects.end() && (known->second.terminating || known->second.gone);
  });
  const int excess = static_cast<int>(active.size()) - spec.replicas;
  if (expected.empty() && excess > 0) {
    std::sort(active.begin(), active.end(),
              [](const Pod& a, const Pod& b) { return rank(a) < rank(b); });
    for (int i = 0; i < excess; ++i) {
      const auto found = pods.find(active[static_cast<std::size_t>(i)].uid);
      expected.insert(active[static_cast<std::size_t>(i)].uid);
      if (found == pods.end() || found->second.terminating) continue;
      Pod& pod = found->second;
      const Pod& known = active[static_cast<std::size_t>(i)];
      bool ready_then = false;  // in the picture that our lowering relied on
      for (std::size_t e = 0; e < std::min(deployment.proven, pods_log.entries.size()); ++e) {
        const Pod& entry = pods_log.entries[e].object;
        if (entry.uid == pod.uid) ready_then = entry.ready;
      }
      const auto for_us = ready_for_us.find(pod.uid);
      const bool unready = ready_then && !known.ready;
      const bool cheap = known.cost < kMarkCost;
      const bool flapped =
          for_us != ready_for_us.end() && (unready || (cheap && for_us->second > kMarkCost));
      deletions.push_back({pod.uid, spec.cause, flapped});
      pod.terminating = true;
      changed(pod);
    }
  } else if (expected.empty() && excess < 0) {
    for (int i = 0; i < -excess && static_cast<int>(pods.size()) < quota; ++i) {
      Pod pod;
      pod.uid = "p" + std::to_string(next_pod_++);
      pod.set = set.id;
      pod.created = now;
      expected.insert(pod.uid);
      pods[pod.uid] = pod;
      changed(pod);
    }
  }
  ReplicaSet after = set;
  after.observed = spec.generation;
  after.existing = after.marked = after.ready = 0;
  for (const Pod& pod : active) {
    ++after.existing;
    if (pod.marked) ++after.marked;
    if (pod.ready) ++after.ready;
  }
  const bool same = after.observed == set.observed && after.existing == set.existing &&
                    after.marked == set.marked && after.ready == set.ready;
  if (same) return;
  after.seen = picker_pods.read;
  trace("status " + std::to_string(set.id) + ": existing " + std::to_string(after.existing) +
        " marked " + std::to_string(after.marked) + " ready " + std::to_string(after.ready) +
        " observed " + std::to_string(after.observed) + " asked " + std::to_string(spec.replicas));
  set = after;
  changed(set);
  changed_deployment();
}

}  // namespace wp::fleet::model
