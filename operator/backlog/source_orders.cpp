// What a source tells queues in the controller's name: they go out in the pipeline of the reading
// that follows, so that its counts already show what came of them.
#include <utility>

#include "base/log.h"
#include "operator/backlog/source.h"

namespace wp::backlog {

using queue::Queue;
using queue::RetiredBy;

void BacklogReader::Source::order(const std::string& pool_key, Orders orders) {
  {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(pool_key);
    if (found == entries_.end()) return;
    Entry& entry = found->second;
    entry.orders = std::move(orders);
    entry.snapshot.orders_pending = !entry.orders.empty();
    if (entry.orders.empty()) return;
    // A queue that does not answer is not asked more often for it.
    if (!entry.snapshot.error) entry.next_read = system_clock().steady();
  }
  changed_.notify_all();
}

std::vector<Reclaimed> BacklogReader::Source::take_reclaimed(const std::string& pool_key) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(pool_key);
  return found == entries_.end() ? std::vector<Reclaimed>()
                                 : std::exchange(found->second.reclaimed, {});
}

BacklogReader::Source::Errand BacklogReader::Source::take_errand(
    const std::string& pool_key, const Watch& watch, std::vector<redis::ScriptCall>& calls) {
  Errand errand;
  errand.first = calls.size();
  const auto found = entries_.find(pool_key);
  if (found == entries_.end()) return errand;
  errand.orders = std::exchange(found->second.orders, {});
  const std::int64_t term = found->second.term;
  const Orders& orders = errand.orders;
  for (const ReclaimOrder& one : orders.reclaim) {
    calls.push_back(
        Queue::reclaim_call(watch.queue, one.gone, one.cause, one.reason, term, one.except));
  }
  if (!orders.unretire.empty()) {
    calls.push_back(
        Queue::unretire_call(watch.queue, orders.unretire, RetiredBy::controller, term));
  }
  if (!orders.retire.empty()) {
    calls.push_back(Queue::retire_call(watch.queue, orders.retire, RetiredBy::controller, term));
  }
  return errand;
}

void BacklogReader::Source::settle_errand(const std::string& pool_key, const Errand& errand,
                                          const std::vector<redis::Reply>& replies) {
  const Orders& orders = errand.orders;
  if (orders.empty()) return;
  std::size_t place = errand.first;
  bool refused = false;
  bool stale = false;
  const auto answer = [&]() -> const redis::Reply* {
    const redis::Reply& reply = replies[place++];
    if (reply.type != redis::Reply::Type::error) return &reply;
    refused = true;
    return nullptr;
  };
  std::vector<Reclaimed> reclaimed;
  bool more = false;
  for (const ReclaimOrder& one : orders.reclaim) {
    const redis::Reply* reply = answer();
    if (reply == nullptr) continue;
    const auto result = Queue::parse_reclaimed(*reply);
    stale = stale || !result;
    if (!result) continue;
    if (result->taken > 0) reclaimed.push_back({one, result->taken});
    more = more || result->left > 0;
  }
  if (!orders.unretire.empty()) {
    const redis::Reply* reply = answer();
    stale = stale || (reply != nullptr && !Queue::parse_unretired(*reply));
  }
  if (!orders.retire.empty()) {
    const redis::Reply* reply = answer();
    stale = stale || (reply != nullptr && !Queue::parse_retired(*reply));
  }
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(pool_key);
  if (found == entries_.end()) return;
  Entry& entry = found->second;
  if (refused && !std::exchange(entry.orders_refused, refused)) {
    log::warn("orders to a queue were refused: its user lacks a right, or it is read-only",
              {{"pool", pool_key}});
  }
  entry.orders_refused = refused;
  // What it has done is in the counts; this one is about to lose its Lease, or has lost it.
  if (stale && !std::exchange(entry.orders_outdated, true)) {
    log::warn("orders to a queue were refused: a newer operator leads", {{"pool", pool_key}});
  }
  for (Reclaimed& one : reclaimed) entry.reclaimed.push_back(std::move(one));
  // Pages: the rest goes out with the next reading, which follows at once.
  if (more && entry.orders.empty()) {
    entry.orders.reclaim = orders.reclaim;
    entry.next_read = system_clock().steady();
  }
}

std::vector<queue::Failure> BacklogReader::Source::take_failures(const std::string& pool_key) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(pool_key);
  return found == entries_.end() ? std::vector<queue::Failure>()
                                 : std::exchange(found->second.failures, {});
}

void BacklogReader::Source::keep_failures(Entry& entry, queue::Counts& counts) {
  if (!entry.failures_from) entry.failures_from = counts.now;
  // Several may bear the same time: those of the newest one known are asked for once more.
  for (auto one = counts.failures.rbegin(); one != counts.failures.rend(); ++one) {
    if (one->at < *entry.failures_from) continue;
    if (one->at > *entry.failures_from) entry.failures_known.clear();
    entry.failures_from = one->at;
    if (!entry.failures_known.insert(one->id + one->kind).second) continue;
    entry.failures.push_back(*one);
  }
  constexpr std::size_t kKept = 500;
  if (entry.failures.size() > kKept) {
    entry.failures.erase(entry.failures.begin(),
                         entry.failures.end() - static_cast<std::ptrdiff_t>(kKept));
  }
  counts.failures.clear();
}

}  // namespace wp::backlog
