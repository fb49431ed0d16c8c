// What we wrote to Deployments and the watch has not shown yet. The watch lags behind our own
// writes by milliseconds, by seconds on a loaded API server; a decision made on the older number
// would scale the same step twice. Pure but for its lock: the caller brings the time. Any thread.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "base/clock.h"
#include "operator/workload/kube_objects.h"

namespace wp::workload {

class RecentWrites {
 public:
  using Value = std::shared_ptr<const DeploymentInfo>;

  /// `lifetime`: after so long the watch is believed whatever it shows. It would have shown the
  /// write; that it did not means the object came and went in between.
  explicit RecentWrites(Millis lifetime = Millis{30000}) : lifetime_(lifetime) {}

  /// What the server answered to a write or a read, or what follows from its answer.
  /// Answers it as it is kept.
  Value put(const std::string& key, DeploymentInfo deployment, Millis now);

  /// The newer of what was written and what the watch shows; nothing when there is neither.
  Value newest(const std::string& key, const Value& watched, Millis now) const;

  /// The watch saw this object go.
  void gone(const std::string& key, const std::string& uid);

  /// The server says that nothing is there.
  void forget(const std::string& key);

 private:
  struct Entry {
    Value value;
    Millis written{0};
  };
  const Millis lifetime_;
  mutable std::mutex mutex_;
  std::map<std::string, Entry> entries_;
};

}  // namespace wp::workload
