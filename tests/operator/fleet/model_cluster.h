// A cluster as far as scale-in depends on it, in simulated time: pods, a Deployment, its
// ReplicaSets, and the controllers that Kubernetes runs for them, which act on caches of their own
// that lag. Every change of an object is an entry of a log; a cache has read so many of them.
//
// The controllers follow kube-controller-manager 1.34: the ranking of ActivePodsWithRanks, the
// expectations of manageReplicas, calculateStatus from the pods before the sync's own deletions.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"

namespace wp::fleet::model {

class Chance {
 public:
  explicit Chance(std::uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15ull + 1) {}
  std::uint64_t next();
  int below(int n) { return static_cast<int>(next() % static_cast<std::uint64_t>(n)); }
  bool one_in(int n) { return below(n) == 0; }
  Millis between(int from, int to) { return Millis{from + below(to - from + 1)}; }

 private:
  std::uint64_t state_;
};

/// Who made a number smaller.
enum class Cause { ours, alien, rollout };

struct Pod {
  std::string uid;
  int set = 0;
  Millis created{0};
  bool assigned = false;
  bool running = false;
  bool ready = false;
  Millis ready_since{0};
  bool marked = false;
  int cost = 0;
  bool terminating = false;
  bool gone = false;
  bool operator==(const Pod&) const = default;
};

struct ReplicaSet {
  int id = 0;
  int replicas = 0;
  int generation = 1;
  Cause cause = Cause::alien;
  // Its status:
  int observed = 0;
  int existing = 0;
  int marked = 0;
  int ready = 0;
  std::size_t seen = 0;  // entries of the pods' log that it speaks of
};

struct Deployment {
  int replicas = 0;
  int generation = 1;
  int observed = 0;
  int newest_set = 1;
  int version = 1;
  Cause cause = Cause::alien;
  std::size_t proven = 0;  // of the pods' log, when it was last lowered by us
};

template <typename T>
struct Log {
  struct Entry {
    Millis at;
    T object;
  };
  std::vector<Entry> entries;
  void add(Millis at, const T& object) { entries.push_back({at, object}); }
};

/// The objects as somebody knows them.
template <typename Key, typename T>
struct Cache {
  std::size_t read = 0;
  std::map<Key, T> objects;
  Millis lag{0};
  /// Reads what is older than the lag; answers whether there was something.
  template <typename KeyOf>
  bool advance(const Log<T>& log, Millis now, KeyOf key_of) {
    const std::size_t before = read;
    while (read < log.entries.size() && log.entries[read].at + lag <= now) {
      objects[key_of(log.entries[read].object)] = log.entries[read].object;
      ++read;
    }
    return read != before;
  }
};

class Cluster {
 public:
  Cluster(Chance& chance, int pods);

  // Truth. Whoever changes an object, says so.
  Deployment deployment;
  std::map<int, ReplicaSet> sets;
  std::map<std::string, Pod> pods;
  Log<Deployment> deployments_log;
  Log<ReplicaSet> sets_log;
  Log<Pod> pods_log;
  void changed(const Pod& pod);
  void changed(const ReplicaSet& set);
  void changed_deployment();

  /// A conditional write of the number; false: conflict.
  bool scale(int replicas, int version, Cause cause, std::size_t proven);
  void roll_out();

  void advance(Millis now);  // the controllers act
  Millis now{0};

  Cache<std::string, Pod> picker_pods;
  Cache<int, ReplicaSet> picker_sets;
  bool stopped = false;  // the controllers

  struct Deletion {
    std::string uid;
    Cause cause;
    bool flapped;  // it became not ready, or cheap, after what both we and the status told
  };
  std::vector<Deletion> deletions;  // since the last look
  int quota = 1000;
  /// What happened, for whoever looks at one run.
  bool traced = false;
  void trace(const std::string& what) const;
  std::map<std::string, int> ready_for_us;  // with their cost, as we saw them when we lowered

 private:
  void run_deployment_controller();
  void sync(ReplicaSet& set);
  void set_replicas(ReplicaSet& set, int replicas, Cause cause);

  Chance& chance_;
  int next_pod_ = 0;
  std::map<int, std::set<std::string>> expected_;  // deletions and creations, by set
};

}  // namespace wp::fleet::model
