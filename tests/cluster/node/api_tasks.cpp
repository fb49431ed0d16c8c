#include "tests/cluster/node/api_tasks.h"

#include <utility>

#include "base/log.h"
#include "operator/kube/error.h"

namespace wp::testnode {

ApiTasks::ApiTasks(int threads)
    : queue_({.name = "api", .base_delay = Millis{50}, .max_delay = Millis{5000}}) {
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
}

ApiTasks::~ApiTasks() {
  {
    const std::lock_guard lock(mutex_);
    waiting_.clear();
  }
  queue_.shut_down();
}

void ApiTasks::submit(const std::string& key, Task task) {
  {
    const std::lock_guard lock(mutex_);
    waiting_[key] = std::move(task);
  }
  queue_.add(key);
}

void ApiTasks::work() {
  while (const auto key = queue_.get()) {
    Task task;
    {
      const std::lock_guard lock(mutex_);
      const auto found = waiting_.find(*key);
      if (found != waiting_.end()) {
        task = std::move(found->second);
        waiting_.erase(found);
      }
    }
    if (task) perform(*key, task);
    queue_.done(*key);
  }
}

void ApiTasks::perform(const std::string& key, const Task& task) {
  try {
    task();
    queue_.forget(key);
  } catch (const kube::KubeError& error) {
    if (error.transport() == kube::Transport::stopped) return;
    const bool again = error.retryable() || error.is_conflict();
    log::warn("the API refused", {{"task", key}, {"error", error.what()}, {"tried_again", again}});
    if (!again) {
      queue_.forget(key);
      return;
    }
    {
      const std::lock_guard lock(mutex_);
      waiting_.emplace(key, task);  // unless a newer one came meanwhile
    }
    queue_.add_rate_limited(key);
  }
}

}  // namespace wp::testnode
