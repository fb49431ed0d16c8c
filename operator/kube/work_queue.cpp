#include "operator/kube/work_queue.h"

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

namespace wp::kube {
namespace {

Millis steady() {
  return system_clock().steady();
}

std::chrono::steady_clock::time_point time_point(Millis steady_time) {
  return std::chrono::steady_clock::time_point(steady_time);
}

double seconds(Millis value) {
  return std::chrono::duration<double>(value).count();
}

std::vector<double> buckets() {
  std::vector<double> bounds;
  double bound = 1e-8;
  for (int i = 0; i < 12; ++i, bound *= 10) bounds.push_back(bound);
  return bounds;
}

}  // namespace

// The names that dashboards for Go controllers know, labels included.
struct WorkQueue::Metrics {
  Metrics(metrics::Registry& registry, const std::string& name)
      : labels{{"name", name}, {"controller", name}},
        depth(registry.gauge("workqueue_depth", "Current depth of the work queue.", labels)),
        adds(registry.counter("workqueue_adds_total", "Additions to the work queue.", labels)),
        retries(registry.counter("workqueue_retries_total",
                                 "Additions to the work queue after a failure.", labels)),
        waited(registry.histogram("workqueue_queue_duration_seconds",
                                  "How long a key waits in the queue.", buckets(), labels)),
        worked(registry.histogram("workqueue_work_duration_seconds",
                                  "How long the handling of a key takes.", buckets(), labels)),
        unfinished(registry.gauge("workqueue_unfinished_work_seconds",
                                  "Sum of the ages of what is being handled.", labels)),
        longest(registry.gauge("workqueue_longest_running_processor_seconds",
                               "Age of the oldest key that is being handled.", labels)) {}

  metrics::Labels labels;
  metrics::Gauge& depth;
  metrics::Counter& adds;
  metrics::Counter& retries;
  metrics::Histogram& waited;
  metrics::Histogram& worked;
  metrics::Gauge& unfinished;
  metrics::Gauge& longest;
};

WorkQueue::WorkQueue(Options options) : options_(std::move(options)) {
  if (options_.metrics != nullptr) {
    metrics_ = std::make_shared<Metrics>(*options_.metrics, options_.name);
  }
}

void WorkQueue::add(const std::string& key) {
  const std::lock_guard lock(mutex_);
  add_locked(key, steady());
}

void WorkQueue::add_locked(const std::string& key, Millis now) {
  if (metrics_ && !state_.shutting_down() && !state_.waits(key)) metrics_->adds.Increment();
  if (state_.add(key, now)) wake_.notify_one();
  publish(now);
}

void WorkQueue::add_after(const std::string& key, Millis delay) {
  const std::lock_guard lock(mutex_);
  const Millis now = steady();
  if (delay <= Millis{0}) {
    add_locked(key, now);
    return;
  }
  if (state_.add_at(key, now + delay)) wake_.notify_one();
}

void WorkQueue::add_rate_limited(const std::string& key) {
  const std::lock_guard lock(mutex_);
  if (metrics_) metrics_->retries.Increment();
  const Millis delay = state_.next_backoff(key, options_.base_delay, options_.max_delay);
  if (state_.add_at(key, steady() + delay)) wake_.notify_one();
}

void WorkQueue::forget(const std::string& key) {
  const std::lock_guard lock(mutex_);
  state_.forget(key);
}

int WorkQueue::failures(const std::string& key) const {
  const std::lock_guard lock(mutex_);
  return state_.failures(key);
}

std::optional<std::string> WorkQueue::get() {
  std::unique_lock lock(mutex_);
  while (true) {
    const Millis now = steady();
    const std::size_t due = state_.promote(now);
    if (metrics_) metrics_->adds.Increment(static_cast<double>(due));
    if (auto taken = state_.take(now)) {
      // Another waiter may have slept on a deadline that this thread was the one to watch, or
      // several keys may have become ready at once.
      if (state_.ready() > 0 || state_.next_deadline()) wake_.notify_one();
      if (metrics_) metrics_->waited.Observe(seconds(taken->waited));
      publish(now);
      return std::move(taken->key);
    }
    if (state_.shutting_down()) return std::nullopt;
    const auto deadline = state_.next_deadline();
    if (deadline) {
      wake_.wait_until(lock, time_point(*deadline));
    } else {
      wake_.wait(lock);
    }
  }
}

void WorkQueue::done(const std::string& key) {
  const std::lock_guard lock(mutex_);
  const Millis now = steady();
  const auto worked = state_.done(key, now);
  if (worked && metrics_) metrics_->worked.Observe(seconds(*worked));
  if (state_.ready() > 0) wake_.notify_one();
  if (state_.processing() == 0) drained_.notify_all();
  publish(now);
}

void WorkQueue::shut_down() {
  const std::lock_guard lock(mutex_);
  state_.shut_down();
  wake_.notify_all();
}

bool WorkQueue::shut_down_and_drain(Millis timeout) {
  std::unique_lock lock(mutex_);
  state_.shut_down();
  wake_.notify_all();
  return drained_.wait_until(lock, time_point(steady() + timeout),
                             [this] { return state_.ready() == 0 && state_.processing() == 0; });
}

std::size_t WorkQueue::size() const {
  const std::lock_guard lock(mutex_);
  return state_.ready();
}

void WorkQueue::publish(Millis now) {
  if (!metrics_) return;
  metrics_->depth.Set(static_cast<double>(state_.ready()));
  Millis sum{0};
  Millis longest{0};
  for (const auto& [key, since] : state_.in_work()) {
    sum += now - since;
    longest = std::max(longest, now - since);
  }
  metrics_->unfinished.Set(seconds(sum));
  metrics_->longest.Set(seconds(longest));
}

}  // namespace wp::kube
