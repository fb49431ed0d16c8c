// What we wrote and the watch has not shown yet. The watch lags behind our own writes by
// milliseconds, by seconds on a loaded API server; a decision made on the older state would scale
// the same step, or mark the same pod, twice. Pure but for its lock: the caller brings the time.
// Any thread.
//
// T is an object with a `uid` and a `resource_version`; the key is its "namespace/name".
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "base/clock.h"
#include "operator/workload/kube_objects.h"

namespace wp::workload {

template <typename T>
class RecentWrites {
 public:
  using Value = std::shared_ptr<const T>;

  /// `lifetime`: after so long the watch is believed whatever it shows. It would have shown the
  /// write; that it did not means the object came and went in between.
  explicit RecentWrites(Millis lifetime = Millis{30000}) : lifetime_(lifetime) {}

  /// What the server answered to a write or a read, or what follows from its answer.
  /// Answers it as it is kept.
  Value put(const std::string& key, T object, Millis now) {
    auto value = std::make_shared<const T>(std::move(object));
    const std::lock_guard lock(mutex_);
    std::erase_if(entries_, [&](const auto& entry) { return expired(entry.second, now); });
    entries_[key] = {value, now};
    return value;
  }

  /// The newer of what was written and what the watch shows; nothing when there is neither.
  Value newest(const std::string& key, const Value& watched, Millis now) const {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(key);
    if (found == entries_.end() || expired(found->second, now)) return watched;
    const Value& written = found->second.value;
    // Versions are those of the whole store: a namesake made later has a higher one as well.
    if (!watched || newer_version(written->resource_version, watched->resource_version)) {
      return written;
    }
    return watched;
  }

  /// The watch saw this object go.
  void gone(const std::string& key, const std::string& uid) {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(key);
    if (found != entries_.end() && found->second.value->uid == uid) entries_.erase(found);
  }

  /// The server says that nothing is there.
  void forget(const std::string& key) {
    const std::lock_guard lock(mutex_);
    entries_.erase(key);
  }

 private:
  struct Entry {
    Value value;
    Millis written{0};
  };
  bool expired(const Entry& entry, Millis now) const { return now - entry.written > lifetime_; }

  const Millis lifetime_;
  mutable std::mutex mutex_;
  std::map<std::string, Entry> entries_;
};

}  // namespace wp::workload
