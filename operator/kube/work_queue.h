// The queue of keys that reconcile workers take from, with the semantics of client-go's workqueue:
// a key waits in it at most once, is handled by at most one worker at a time, and a key added while
// it is being handled comes again afterwards. Delayed keys: the earlier time wins. Failed keys come
// back after a delay that doubles per failure. Any thread may call any method; nothing throws.
//
//   while (auto key = queue.get()) {
//     reconcile(*key) ? queue.forget(*key) : queue.add_rate_limited(*key);
//     queue.done(*key);
//   }
#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/metrics.h"
#include "operator/kube/work_queue_state.h"

namespace wp::kube {

class WorkQueue {
 public:
  struct Options {
    std::string name = "queue";  // label `name` of the workqueue_* metrics
    Millis base_delay{5};        // after the first failure; doubles with each further one
    Millis max_delay{300000};
    metrics::Registry* metrics = nullptr;  // must outlive the queue
  };

  explicit WorkQueue(Options options);

  /// Now, unless it already waits. After shut_down() nothing is taken in.
  void add(const std::string& key);
  /// Once `delay` has passed; an entry for an earlier time stays, a later one is replaced. A delay
  /// of zero or less is add().
  void add_after(const std::string& key, Millis delay);
  /// After the key's own backoff, which grows with each call until forget().
  void add_rate_limited(const std::string& key);
  void forget(const std::string& key);
  /// How often the key was added by add_rate_limited() since the last forget().
  int failures(const std::string& key) const;

  /// The next key; waits for one. Nothing after shut_down() once the queue is empty (keys that were
  /// only delayed are dropped). Every key got has to be given back by done().
  std::optional<std::string> get();
  void done(const std::string& key);

  /// No more additions; workers finish what is queued and then get nothing.
  void shut_down();
  /// shut_down(), then waits until every key that was got is done, at most until `timeout`. False
  /// when keys are still being handled.
  bool shut_down_and_drain(Millis timeout);

  /// Keys that are ready and not yet taken.
  std::size_t size() const;

 private:
  void add_locked(const std::string& key, Millis now);
  void publish(Millis now);

  const Options options_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;     // for get(): a key is ready, an earlier deadline, shutdown
  std::condition_variable drained_;  // for shut_down_and_drain()
  WorkQueueState state_;

  struct Metrics;
  std::shared_ptr<Metrics> metrics_;  // none when the options name no registry
};

}  // namespace wp::kube
