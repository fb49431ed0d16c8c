#include "operator/workload/targets.h"

#include <tuple>
#include <utility>
#include <vector>

#include "operator/kube/store.h"
#include "operator/workload/workload.h"

namespace wp::workload {
namespace {

std::string key_of(const pool::Pool& pool) {
  return kube::object_key(pool.meta.ns, pool.spec.workers.deployment_ref.value_or(""));
}

}  // namespace

std::shared_ptr<Target> Targets::claim(const pool::Pool& pool) {
  const std::string key = key_of(pool);
  const std::lock_guard lock(mutex_);
  Holder& holder = holders_[key];
  if (holder.target && holder.pool_key != pool.key() &&
      std::tie(holder.created, holder.pool_uid) < std::tie(pool.meta.created, pool.meta.uid)) {
    throw WorkloadError(WorkloadError::Kind::target_conflict,
                        "the Deployment \"" + *pool.spec.workers.deployment_ref +
                            "\" is scaled by the older WorkerPool \"" + holder.pool_name + "\"");
  }
  holder.pool_key = pool.key();
  holder.pool_name = pool.meta.name;
  holder.pool_uid = pool.meta.uid;
  holder.created = pool.meta.created;
  if (!holder.target) {
    Target::Options options = common_;
    options.ns = pool.meta.ns;
    options.name = *pool.spec.workers.deployment_ref;
    options.on_change = [this, key] { changed(key); };
    holder.target = std::make_shared<Target>(std::move(options));
  }
  return holder.target;
}

std::shared_ptr<Target> Targets::find(const pool::Pool& pool) const {
  const std::lock_guard lock(mutex_);
  const auto found = holders_.find(key_of(pool));
  if (found == holders_.end() || found->second.pool_uid != pool.meta.uid) return nullptr;
  return found->second.target;
}

std::shared_ptr<Target> Targets::held_by(const std::string& pool_key) const {
  const std::lock_guard lock(mutex_);
  for (const auto& [key, holder] : holders_) {
    if (holder.pool_key == pool_key) return holder.target;
  }
  return nullptr;
}

void Targets::release(const std::string& pool_key) {
  std::vector<std::shared_ptr<Target>> released;  // they end without the lock: they call back
  const std::lock_guard lock(mutex_);
  for (auto entry = holders_.begin(); entry != holders_.end();) {
    if (entry->second.pool_key == pool_key) {
      released.push_back(std::move(entry->second.target));
      entry = holders_.erase(entry);
    } else {
      ++entry;
    }
  }
}

void Targets::stop() {
  std::map<std::string, Holder> all;
  const std::lock_guard lock(mutex_);
  all.swap(holders_);
}

void Targets::changed(const std::string& target_key) const {
  std::string pool_key;
  {
    const std::lock_guard lock(mutex_);
    const auto found = holders_.find(target_key);
    if (found == holders_.end()) return;
    pool_key = found->second.pool_key;
  }
  if (on_change_) on_change_(pool_key);
}

}  // namespace wp::workload
