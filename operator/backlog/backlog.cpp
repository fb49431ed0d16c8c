#include "operator/backlog/backlog.h"

#include "operator/backlog/source.h"
#include "queue/redis/settings.h"

namespace wp::backlog {
namespace {

// Kept in memory only: it holds passwords and keys, as the endpoint does.
std::string connection_key(const Watch& watch) {
  std::string key = watch.ns;
  for (const auto& [name, value] : redis::to_environment(watch.endpoint)) {
    key += "\n" + name + "=" + value;
  }
  const auto add_material = [&key](const std::optional<redis::Tls>& tls) {
    if (tls) key += "\n" + tls->ca_pem + "\n" + tls->cert_pem + "\n" + tls->key_pem;
  };
  add_material(watch.endpoint.tls);
  if (watch.endpoint.sentinel) add_material(watch.endpoint.sentinel->tls);
  return key;
}

}  // namespace

BacklogReader::BacklogReader(std::function<void(const std::string& pool_key)> on_change)
    : on_change_(std::move(on_change)) {}

BacklogReader::~BacklogReader() = default;

void BacklogReader::watch(const std::string& pool_key, const Watch& watch) {
  const std::string key = connection_key(watch);
  std::shared_ptr<Source> unused;  // joined after the lock is released
  const std::lock_guard lock(mutex_);
  std::shared_ptr<Source>& source = sources_[key];
  if (!source) source = std::make_shared<Source>(watch.endpoint, on_change_);
  std::shared_ptr<Source>& current = source_of_[pool_key];
  if (current && current != source && current->erase(pool_key)) {
    unused = current;
    std::erase_if(sources_, [&](const auto& item) { return item.second == unused; });
  }
  current = source;
  current->set(pool_key, watch);
}

void BacklogReader::unwatch(const std::string& pool_key) {
  std::shared_ptr<Source> unused;
  const std::lock_guard lock(mutex_);
  const auto found = source_of_.find(pool_key);
  if (found == source_of_.end()) return;
  if (found->second->erase(pool_key)) {
    unused = found->second;
    std::erase_if(sources_, [&](const auto& item) { return item.second == unused; });
  }
  source_of_.erase(found);
}

void BacklogReader::abandon(const std::string& pool_key) {
  std::vector<std::shared_ptr<Source>> unused;  // joined after the lock is released
  const std::lock_guard lock(mutex_);
  const auto found = source_of_.find(pool_key);
  if (found != source_of_.end()) {
    found->second->abandon(pool_key);
    source_of_.erase(found);
  }
  // Also those whose last parting is over: its on_change led here.
  unused = take_unused();
}

std::vector<std::shared_ptr<BacklogReader::Source>> BacklogReader::take_unused() {
  std::vector<std::shared_ptr<Source>> unused;
  std::erase_if(sources_, [&unused](const auto& item) {
    if (!item.second->unused()) return false;
    unused.push_back(item.second);
    return true;
  });
  return unused;
}

void BacklogReader::order(const std::string& pool_key, Orders orders) {
  if (const auto source = source_of(pool_key)) source->order(pool_key, std::move(orders));
}

std::vector<Reclaimed> BacklogReader::take_reclaimed(const std::string& pool_key) {
  const auto source = source_of(pool_key);
  return source ? source->take_reclaimed(pool_key) : std::vector<Reclaimed>();
}

std::vector<queue::Failure> BacklogReader::take_failures(const std::string& pool_key) {
  const auto source = source_of(pool_key);
  return source ? source->take_failures(pool_key) : std::vector<queue::Failure>();
}

std::shared_ptr<BacklogReader::Source> BacklogReader::source_of(const std::string& pool_key) const {
  const std::lock_guard lock(mutex_);
  const auto found = source_of_.find(pool_key);
  return found == source_of_.end() ? nullptr : found->second;
}

std::optional<Snapshot> BacklogReader::latest(const std::string& pool_key) const {
  const auto source = source_of(pool_key);
  return source ? source->latest(pool_key) : std::nullopt;
}

}  // namespace wp::backlog
