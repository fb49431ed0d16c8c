#include "operator/workload/recent_writes.h"

#include <utility>

namespace wp::workload {

RecentWrites::Value RecentWrites::put(const std::string& key, DeploymentInfo deployment,
                                      Millis now) {
  auto value = std::make_shared<const DeploymentInfo>(std::move(deployment));
  const std::lock_guard lock(mutex_);
  entries_[key] = {value, now};
  return value;
}

RecentWrites::Value RecentWrites::newest(const std::string& key, const Value& watched,
                                         Millis now) const {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(key);
  if (found == entries_.end() || now - found->second.written > lifetime_) return watched;
  const Value& written = found->second.value;
  // Versions are those of the whole store: a namesake made later has a higher one as well.
  if (!watched || newer_version(written->resource_version, watched->resource_version)) {
    return written;
  }
  return watched;
}

void RecentWrites::gone(const std::string& key, const std::string& uid) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(key);
  if (found != entries_.end() && found->second.value->uid == uid) entries_.erase(found);
}

void RecentWrites::forget(const std::string& key) {
  const std::lock_guard lock(mutex_);
  entries_.erase(key);
}

}  // namespace wp::workload
