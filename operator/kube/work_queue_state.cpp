#include "operator/kube/work_queue_state.h"

#include <algorithm>

namespace wp::kube {

bool WorkQueueState::add(const std::string& key, Millis now) {
  if (shutting_down_ || !dirty_.emplace(key, now).second) return false;
  if (processing_.contains(key)) return false;  // done() brings it back
  ready_.push_back(key);
  return true;
}

bool WorkQueueState::add_at(const std::string& key, Millis ready_at) {
  if (shutting_down_) return false;
  const auto [entry, is_new] = delayed_.emplace(key, ready_at);
  if (!is_new) {
    if (entry->second <= ready_at) return false;
    by_time_.erase({entry->second, key});
    entry->second = ready_at;
  }
  const auto place = by_time_.emplace(ready_at, key).first;
  return place == by_time_.begin();
}

std::size_t WorkQueueState::promote(Millis now) {
  std::size_t count = 0;
  while (!by_time_.empty() && by_time_.begin()->first <= now) {
    const std::string key = by_time_.begin()->second;
    by_time_.erase(by_time_.begin());
    delayed_.erase(key);
    if (add(key, now)) ++count;
  }
  return count;
}

std::optional<Millis> WorkQueueState::next_deadline() const {
  if (by_time_.empty()) return std::nullopt;
  return by_time_.begin()->first;
}

std::optional<WorkQueueState::Taken> WorkQueueState::take(Millis now) {
  if (ready_.empty()) return std::nullopt;
  Taken taken{std::move(ready_.front()), Millis{0}};
  ready_.pop_front();
  const auto added = dirty_.find(taken.key);
  taken.waited = now - added->second;
  dirty_.erase(added);
  processing_.emplace(taken.key, now);
  return taken;
}

std::optional<Millis> WorkQueueState::done(const std::string& key, Millis now) {
  const auto taken = processing_.find(key);
  if (taken == processing_.end()) return std::nullopt;
  const Millis worked = now - taken->second;
  processing_.erase(taken);
  if (dirty_.contains(key)) ready_.push_back(key);
  return worked;
}

Millis WorkQueueState::next_backoff(const std::string& key, Millis base, Millis max) {
  const int failures = failures_[key]++;
  // 2^30 times anything is beyond any maximum, and does not overflow.
  return std::min(max, base * (std::int64_t{1} << std::min(failures, 30)));
}

int WorkQueueState::failures(const std::string& key) const {
  const auto found = failures_.find(key);
  return found == failures_.end() ? 0 : found->second;
}

void WorkQueueState::shut_down() {
  shutting_down_ = true;
  delayed_.clear();
  by_time_.clear();
}

}  // namespace wp::kube
