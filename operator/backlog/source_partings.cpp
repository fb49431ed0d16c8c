// What a source does for pools that are deleted: their queues are told.
#include "base/log.h"
#include "operator/backlog/source.h"

namespace wp::backlog {
namespace {

constexpr Millis kRetry{1000};
constexpr Millis kPatience{60000};

void tell_given_up(const std::string& pool_key, const std::string& queue,
                   const redis::Error& error) {
  log::warn(
      "queue of a deleted pool could not be marked orphaned",
      {{"pool", pool_key}, {"queue", queue}, {"class", redis::to_string(error.error_class())}});
}

}  // namespace

void BacklogReader::Source::abandon(const std::string& pool_key) {
  {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(pool_key);
    if (found == entries_.end()) return;
    const Entry& entry = found->second;
    partings_[pool_key] = {entry.watch.queue, entry.watch.owner, entry.term,
                           system_clock().steady(), system_clock().steady() + kPatience};
    drop(found);
  }
  changed_.notify_all();
}

void BacklogReader::Source::part(const std::vector<std::pair<std::string, Parting>>& partings) {
  for (const auto& [key, parting] : partings) {
    queue::Queue queue(commands_, parting.queue);
    try {
      // Another pool's or a newer operator's queue answers so and stays as it is.
      if (queue.orphan(parting.owner, parting.term) == queue::ConfigWritten::written) {
        log::info("queue of a deleted pool marked orphaned",
                  {{"pool", key}, {"queue", parting.queue}});
      }
    } catch (const redis::Error& error) {
      if (!commands_.connected()) throw;
      tell_given_up(key, parting.queue, error);
    }
    end_parting(key, parting);
  }
}

void BacklogReader::Source::end_parting(const std::string& pool_key, const Parting& parting) {
  {
    const std::lock_guard lock(mutex_);
    const auto found = partings_.find(pool_key);
    // Deleted once more meanwhile: that one is told, too.
    if (found == partings_.end() || found->second.owner != parting.owner) return;
    partings_.erase(found);
  }
  on_change_(pool_key);
}

void BacklogReader::Source::fail(const Work& work, const redis::Error& error) {
  std::vector<std::pair<std::string, Parting>> given_up;
  {
    const std::lock_guard lock(mutex_);
    if (stop_) return;
    for (const auto& [key, tried] : work.partings) {
      const auto found = partings_.find(key);
      if (found == partings_.end()) continue;
      found->second.next_try = system_clock().steady() + kRetry;
      if (found->second.give_up <= system_clock().steady()) given_up.push_back(*found);
    }
  }
  for (const auto& [key, parting] : given_up) {
    tell_given_up(key, parting.queue, error);
    end_parting(key, parting);
  }
  if (!work.due.empty()) fail(work.due, error);
}

}  // namespace wp::backlog
