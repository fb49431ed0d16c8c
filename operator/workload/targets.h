// The Deployments that pools scale and do not own, and whose each one is: of several pools that
// name the same one the oldest has it, so that the answer is the same after a restart. Owned by
// KubeWorkload. Any thread; claim() and release() may take a second.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "operator/pool/pool.h"
#include "operator/workload/target.h"

namespace wp::workload {

class Targets {
 public:
  /// `target`: what all have in common. `on_change`: something of the target of this pool changed.
  Targets(Target::Options target, std::function<void(const std::string& pool_key)> on_change)
      : common_(std::move(target)), on_change_(std::move(on_change)) {}
  ~Targets() { stop(); }

  /// This pool's target, watched from now on. Throws WorkloadError (target_conflict) when an older
  /// pool has it.
  std::shared_ptr<Target> claim(const pool::Pool& pool);
  /// Nothing unless this pool has claimed it.
  std::shared_ptr<Target> find(const pool::Pool& pool) const;
  /// The one that the pool of this key has claimed; nothing when it has none.
  std::shared_ptr<Target> held_by(const std::string& pool_key) const;
  /// Whoever was refused because of this pool may have it the next time they ask.
  void release(const std::string& pool_key);
  void stop();

 private:
  struct Holder {
    std::string pool_key;
    std::string pool_name;
    std::string pool_uid;
    std::string created;
    std::shared_ptr<Target> target;
  };
  void changed(const std::string& target_key) const;

  const Target::Options common_;
  const std::function<void(const std::string& pool_key)> on_change_;
  mutable std::mutex mutex_;
  std::map<std::string, Holder> holders_;  // by "namespace/name" of the Deployment
};

}  // namespace wp::workload
