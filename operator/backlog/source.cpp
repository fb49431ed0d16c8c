#include "operator/backlog/source.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>

#include "base/ids.h"
#include "base/log.h"

namespace wp::backlog {
namespace {

// Counts of a queue with 2000 workers and their own words are below 8 MiB.
constexpr redis::Timeouts kBounds{.reply_bytes = std::size_t{16} << 20};
constexpr Millis kIdleInterval{15000};
constexpr Millis kAtOnce{10};         // nearly: a queue of which a page was taken and more is there
constexpr int kWorkerInfoEvery = 10;  // details of the workers come with every tenth reading
// Queues read in one round trip. A thousand would hold up for a tenth of a second what is announced
// meanwhile, and every other client of that Redis.
constexpr std::size_t kTogether = 64;
// What was announced goes before others, but nobody waits longer than this for being passed over.
constexpr Millis kHeadStart{1000};

Millis now() {
  return system_clock().steady();
}

// While a queue was read its pool may have been given another one, or been made again: then what
// was read is not this pool's, and the next reading is due already.
bool is_outdated(const Watch& read, const Watch& present) {
  return read.queue != present.queue || read.owner != present.owner;
}

bool same_demand(const queue::Counts& a, const queue::Counts& b) {
  const auto same_workers = [](const queue::WorkerCounts& x, const queue::WorkerCounts& y) {
    return x.worker == y.worker && x.held == y.held && x.retired == y.retired &&
           x.broken == y.broken;
  };
  return a.waiting == b.waiting && a.due == b.due && a.due_soon == b.due_soon &&
         a.delayed == b.delayed && a.active == b.active && a.active_serving == b.active_serving &&
         a.dead == b.dead && a.paused == b.paused && a.paused_by == b.paused_by &&
         a.stat == b.stat &&
         std::equal(a.retired.begin(), a.retired.end(), b.retired.begin(), b.retired.end(),
                    [](const queue::Retirement& x, const queue::Retirement& y) {
                      return x.pod == y.pod && x.by == y.by;
                    }) &&
         std::equal(a.workers.begin(), a.workers.end(), b.workers.begin(), b.workers.end(),
                    same_workers);
}

// The workers' own words come with some readings only; the last ones stay meanwhile.
void keep_words(const queue::Counts& before, queue::Counts& after) {
  std::unordered_map<std::string_view, const queue::WorkerCounts*> known;
  for (const queue::WorkerCounts& worker : before.workers) known.emplace(worker.worker, &worker);
  for (queue::WorkerCounts& worker : after.workers) {
    const auto it = known.find(worker.worker);
    if (!worker.info.empty() || it == known.end()) continue;
    worker.info = it->second->info;
    worker.broken = it->second->broken;
  }
}

}  // namespace

// Until the next reading, if nothing is announced.
Millis BacklogReader::Source::interval(const queue::Counts& counts, const Watch& watch) const {
  if (counts.waiting + counts.due_soon + counts.active > 0 || watch.has_workers || deaf_) {
    return kBusyInterval;
  }
  if (!counts.next_due) return kIdleInterval;
  // One pod start before the next job is due, so that its worker is there in time.
  return std::clamp(*counts.next_due - counts.now - watch.horizon, Millis{1}, kIdleInterval);
}

BacklogReader::Source::Source(redis::Endpoint endpoint,
                              std::function<void(const std::string&)> on_change)
    : on_change_(std::move(on_change)),
      commands_(endpoint, kBounds),
      subscription_(endpoint, kBounds) {
  reader_ = std::thread([this] { read_loop(); });
  subscriber_ = std::thread([this] { subscribe_loop(); });
}

BacklogReader::Source::~Source() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  commands_.interrupt();
  subscription_.interrupt();
  reader_.join();
  subscriber_.join();
}

void BacklogReader::Source::set(const std::string& pool_key, const Watch& watch) {
  {
    const std::lock_guard lock(mutex_);
    auto found = entries_.find(pool_key);
    const bool known = found != entries_.end();
    if (known && found->second.watch == watch) return;
    const bool new_channel = !known || found->second.watch.queue != watch.queue;
    if (new_channel) {
      if (known) forget_channel(*found);
      channels_.emplace(queue::key_name(watch.queue, "events"), pool_key);
      channels_changed_ = true;
      subscription_.interrupt();
    }
    Entry& entry = entries_[pool_key];
    const bool at_once = new_channel || entry.watch.config_hash != watch.config_hash ||
                         entry.watch.owner != watch.owner || entry.watch.term != watch.term;
    if (at_once) entry.next_read = now();
    if (known && entry.watch.config != watch.config) entry.trim.rules_changed(now());
    entry.rules = trim_rules(watch.config);
    if (!at_once && watch.has_workers) {
      entry.next_read = std::min(entry.next_read, now() + kBusyInterval);
    }
    entry.watch = watch;
    entry.term = std::max(entry.term, watch.term);
  }
  changed_.notify_all();
}

bool BacklogReader::Source::erase(const std::string& pool_key) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(pool_key);
  if (found != entries_.end()) drop(found);
  return entries_.empty() && partings_.empty();
}

bool BacklogReader::Source::unused() const {
  const std::lock_guard lock(mutex_);
  return entries_.empty() && partings_.empty();
}

std::optional<Snapshot> BacklogReader::Source::latest(const std::string& pool_key) const {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(pool_key);
  if (found == entries_.end() || !found->second.attempted) return std::nullopt;
  return found->second.snapshot;
}

// ------------------------------------------------------------------------------ the command thread

std::optional<BacklogReader::Source::Work> BacklogReader::Source::wait_for_work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    if (stop_) return std::nullopt;
    const Millis present = now();
    Work work;
    Millis next = Millis::max();
    for (const auto& [key, parting] : partings_) {
      if (parting.next_try > present) {
        next = std::min(next, parting.next_try);
        continue;
      }
      work.partings.emplace_back(key, parting);
    }
    using Candidate = std::pair<Millis, std::map<std::string, Entry>::iterator>;
    std::vector<Candidate> due;
    for (auto it = entries_.begin(); it != entries_.end(); ++it) {
      const Entry& entry = it->second;
      if (entry.next_read > present) {
        next = std::min(next, entry.next_read);
        continue;
      }
      due.emplace_back(entry.next_read - (entry.announced ? kHeadStart : Millis{0}), it);
    }
    if (due.size() > kTogether) {
      std::nth_element(due.begin(), due.begin() + kTogether, due.end(),
                       [](const Candidate& a, const Candidate& b) { return a.first < b.first; });
      due.resize(kTogether);
    }
    for (const auto& [time, it] : due) {
      work.due.emplace_back(it->first, it->second.watch);
      // Whatever sets an earlier time while this reading is under way wants another one.
      it->second.next_read = Millis::max();
      it->second.announced = false;
    }
    if (!work.due.empty() || !work.partings.empty()) return work;
    if (next == Millis::max()) {
      changed_.wait(lock);
    } else {
      changed_.wait_for(lock, next - present);
    }
  }
}

void BacklogReader::Source::read_loop() {
  while (const auto work = wait_for_work()) {
    try {
      if (!commands_.connected()) {
        commands_.connect();
        connected_at_ = now();
      }
      // First: a pool that was made again under the same name is read, and takes over, after that.
      part(work->partings);
      if (!work->due.empty()) read(work->due);
      backoff_.reset();
    } catch (const redis::Error& error) {
      fail(*work, error);
    } catch (const std::exception& error) {
      // Whatever a server makes us run into ends at this border, not the operator.
      commands_.close();
      fail(*work, redis::Error(redis::ErrorClass::protocol, error.what()));
    }
  }
}

void BacklogReader::Source::read(const Due& due) {
  std::vector<redis::ScriptCall> calls;
  std::vector<Errand> errands;
  std::vector<std::size_t> places;  // of each COUNTS in the pipeline
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [key, watch] : due) {
      errands.push_back(take_errand(key, watch, calls));
      places.push_back(calls.size());
      const auto found = entries_.find(key);
      const int readings = found == entries_.end() ? 0 : found->second.readings++;
      queue::CountsOptions options;
      options.horizon = watch.horizon;
      options.worker_info = readings % kWorkerInfoEvery == 0;
      if (watch.failures && found != entries_.end() && found->second.failures_from) {
        options.failures_since = *found->second.failures_from - Millis{1};
      }
      calls.push_back(queue::Queue::counts_call(watch.queue, options));
    }
  }
  const auto replies = commands_.call_all(calls);
  std::vector<std::string> trims;
  for (std::size_t i = 0; i < due.size(); ++i) {
    const auto& [key, watch] = due[i];
    const redis::Reply& reply = replies[places[i]];
    try {
      settle_errand(key, errands[i], replies);
      if (reply.type == redis::Reply::Type::error) {
        // Only the class: what a server says is not repeated in our log.
        throw redis::Error(redis::classify_reply(reply.bytes), "an error reply");
      }
      queue::Counts counts = queue::Queue::parse_counts(reply);
      keep_config(key, watch, counts);
      const bool ordered = !errands[i].orders.empty();
      if (succeed(key, watch, std::move(counts), ordered)) trims.push_back(key);
    } catch (const redis::Error& error) {
      if (!commands_.connected()) throw;
      fail(Due{due[i]}, error);
    }
  }
  if (!trims.empty()) trim(trims);
}

void BacklogReader::Source::trim(const std::vector<std::string>& pool_keys) {
  std::vector<redis::ScriptCall> calls;
  std::vector<std::string> sent;
  {
    const std::lock_guard lock(mutex_);
    for (const std::string& key : pool_keys) {
      const auto found = entries_.find(key);
      if (found == entries_.end()) continue;
      calls.push_back(queue::Queue::trim_call(found->second.watch.queue));
      sent.push_back(key);
    }
  }
  const auto replies = commands_.call_all(calls);
  for (std::size_t i = 0; i < sent.size(); ++i) {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(sent[i]);
    if (found == entries_.end() || !found->second.snapshot.counts) continue;
    Entry& entry = found->second;
    const bool refused = replies[i].type == redis::Reply::Type::error;
    if (refused && !entry.trim_refused) {
      log::warn("queue without workers could not be trimmed",
                {{"pool", sent[i]},
                 {"class", redis::to_string(redis::classify_reply(replies[i].bytes))}});
    }
    entry.trim_refused = refused;
    if (refused) continue;
    const queue::Trimmed trimmed = queue::Queue::parse_trimmed(replies[i]);
    if (trimmed.reaped > 0) {
      log::info("jobs of silent workers went back to their queue",
                {{"pool", sent[i]}, {"jobs", trimmed.reaped}});
    }
    entry.trim.answered(trimmed, now());
    const auto next = entry.trim.next(*entry.snapshot.counts, entry.rules, now());
    if (next) entry.next_read = std::min(entry.next_read, std::max(*next, now() + kAtOnce));
  }
}

void BacklogReader::Source::keep_config(const std::string& pool_key, const Watch& watch,
                                        queue::Counts& counts) {
  const bool ours = counts.config_owner == watch.owner;
  if (!ours && counts.config_present && !queue::owner_gives_way(counts.config_owner, watch.owner)) {
    return;
  }
  std::int64_t term = 0;
  {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(pool_key);
    if (found == entries_.end() || is_outdated(watch, found->second.watch)) return;
    Entry& entry = found->second;
    if (!entry.contacted) {
      // Above the term found there: a predecessor's late write is refused from now on.
      entry.contacted = true;
      entry.term = std::max(entry.term, counts.config_term + 1);
    }
    term = entry.term;
  }
  if (ours && counts.config_hash == watch.config_hash && counts.config_term == term) return;
  queue::Queue queue(commands_, watch.queue);
  const auto written = queue.write_config(watch.config, watch.config_hash, watch.owner, term);
  if (written == queue::ConfigWritten::other_owner) return;
  if (written == queue::ConfigWritten::stale_term) {
    log::warn("queue configuration was refused: a newer operator wrote it",
              {{"pool", pool_key}, {"queue", watch.queue}});
    return;
  }
  counts.config_present = true;
  counts.config_hash = watch.config_hash;
  counts.config_owner = watch.owner;
  counts.config_term = term;
  log::info("queue configuration written", {{"pool", pool_key}, {"queue", watch.queue}});
}

bool BacklogReader::Source::succeed(const std::string& pool_key, const Watch& watch,
                                    queue::Counts counts, bool ordered) {
  bool changed = ordered;
  bool trim_now = false;
  {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(pool_key);
    if (found == entries_.end() || is_outdated(watch, found->second.watch)) return false;
    Entry& entry = found->second;
    Snapshot& snapshot = entry.snapshot;
    const bool conflict = counts.config_present && counts.config_owner != watch.owner &&
                          !queue::owner_gives_way(counts.config_owner, watch.owner);
    if (snapshot.counts) keep_words(*snapshot.counts, counts);
    changed = changed || !entry.attempted || snapshot.error.has_value() || !snapshot.counts ||
              snapshot.conflict != conflict || !same_demand(*snapshot.counts, counts);
    entry.attempted = true;
    entry.last_read = now();
    entry.next_read = std::min(entry.next_read, entry.last_read + interval(counts, entry.watch));
    if (counts.config_owner == watch.owner) {
      const auto due_at = entry.trim.next(counts, entry.rules, entry.last_read);
      trim_now = due_at && *due_at <= entry.last_read;
      if (trim_now) entry.trim.sent(entry.last_read);
      if (due_at && !trim_now) entry.next_read = std::min(entry.next_read, *due_at);
    }
    if (entry.watch.failures) keep_failures(entry, counts);
    snapshot.read_at = entry.last_read;
    // A cut that another pool's reading met was an outage for this one, too.
    const bool in_a_row = snapshot.counts && !snapshot.error;
    if (!in_a_row || snapshot.reading_since < connected_at_) {
      snapshot.reading_since = entry.last_read;
    }
    snapshot.error.reset();
    snapshot.failing_since = Millis{0};
    snapshot.conflict = conflict;
    snapshot.other_owner = conflict ? counts.config_owner : "";
    snapshot.orders_pending = !entry.orders.empty();
    snapshot.counts = std::move(counts);
  }
  if (changed) on_change_(pool_key);
  return trim_now;
}

void BacklogReader::Source::fail(const Due& due, const redis::Error& error) {
  const Millis wait = backoff_.next(random_u64());
  std::vector<std::string> changed;
  {
    const std::lock_guard lock(mutex_);
    if (stop_) return;
    for (const auto& [key, watch] : due) {
      const auto found = entries_.find(key);
      if (found == entries_.end()) continue;
      Entry& entry = found->second;
      if (!entry.snapshot.error || *entry.snapshot.error != error.error_class()) {
        changed.push_back(key);
      }
      if (!entry.snapshot.error) entry.snapshot.failing_since = now();
      entry.attempted = true;
      entry.snapshot.error = error.error_class();
      entry.snapshot.reading_since = Millis{0};
      // Decided on what is not known any more.
      entry.orders = {};
      entry.snapshot.orders_pending = false;
      entry.next_read = now() + wait;
    }
  }
  for (const std::string& key : changed) {
    log::warn("queue cannot be read", {{"pool", key},
                                       {"class", redis::to_string(error.error_class())},
                                       {"error", error.loggable()}});
    on_change_(key);
  }
}

}  // namespace wp::backlog
