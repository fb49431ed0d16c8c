// Reads the depth of every pool's queue and wakes a pool when it changes.
//
// Pools that share a connection tuple (see ConnectionKey) share one source: a command connection
// that reads all of them in one round trip, and a subscription that announces work at once. Busy
// queues are read each second, idle ones every 15 s. A source never waits for another: one wedged
// Redis delays nobody else. The pool's T:cfg is kept equal to what the controller wants, in the
// same loop; there, too, a queue without workers gets its TRIM (trim.h), and a deleted pool's queue
// its mark. No pool rides on another's credentials.
//
// All methods may be called from any thread and never block on I/O.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "queue/queue.h"
#include "queue/redis/endpoint.h"

namespace wp::backlog {

/// What a pool's queue is read with, and the configuration that it should hold.
struct Watch {
  redis::Endpoint endpoint;
  std::string ns;  // part of the connection's identity
  std::string queue;
  Millis horizon{5000};                       // how far dueSoon looks: one pod start
  bool has_workers = false;                   // read often though the queue is empty
  bool failures = false;                      // the jobs that fail are of interest, one by one
  std::map<std::string, std::string> config;  // fields of T:cfg
  std::string config_hash;
  std::string owner;  // the pool's uid
  std::int64_t term = 0;
  bool operator==(const Watch&) const = default;
};

/// Workers that are gone: what they hold goes back.
struct ReclaimOrder {
  std::vector<std::string> gone;  // pods, by uid, or workers
  queue::LossCause cause = queue::LossCause::loss;
  std::string reason;  // for the jobs' history
  std::string except;  // the living worker of such a pod; empty: none
  bool operator==(const ReclaimOrder&) const = default;
};

/// What a queue is to be told, in this order, before it is read the next time. Each may be repeated
/// freely; one that failed is dropped, since the next reading shows what is still to be done.
struct Orders {
  std::vector<ReclaimOrder> reclaim = {};
  std::vector<std::string> unretire = {};  // pods, by uid
  std::vector<std::string> retire = {};    // for a minute from then on; renews
  bool empty() const { return reclaim.empty() && unretire.empty() && retire.empty(); }
};

/// What came of a reclaim: for events and counters.
struct Reclaimed {
  ReclaimOrder order;
  int jobs = 0;
};

/// The last that is known of a pool's queue. `counts` is the newest successful reading; when
/// `error` is set the newest attempt failed, and counts are older than that.
struct Snapshot {
  std::optional<queue::Counts> counts;
  Millis read_at{0};                       // steady time of `counts`
  std::optional<redis::ErrorClass> error;  // of the newest attempt
  Millis failing_since{0};                 // steady time of the first failure in a row
  Millis reading_since{0};  // and of the first success, on one connection; 0 while it fails
  bool conflict = false;    // another pool owns the queue
  std::string other_owner;
  bool orders_pending = false;  // given after `counts` were read
};

class BacklogReader {
 public:
  /// `on_change(pool_key)` is called on a source's thread after a reading that differs in what a
  /// decision depends on, after a first failure and after recovery. It must not block.
  explicit BacklogReader(std::function<void(const std::string& pool_key)> on_change);
  ~BacklogReader();  // stops and joins within a second
  BacklogReader(const BacklogReader&) = delete;
  BacklogReader& operator=(const BacklogReader&) = delete;

  /// Begins, or changes, the reading of a pool's queue.
  void watch(const std::string& pool_key, const Watch& watch);
  void unwatch(const std::string& pool_key);
  /// Its pool is deleted: not read any more, and its queue is marked orphaned if it is this pool's,
  /// so that producers hear that nobody serves it. Best effort: there is no finalizer that would
  /// hold the pool until Redis answered; it is tried for a minute. `on_change` is called when that
  /// is over.
  void abandon(const std::string& pool_key);

  /// Tells the queue so, at once, and reads it again after that; `on_change` follows. Replaces what
  /// was ordered before and has not gone out yet. Nothing when the pool is not watched.
  void order(const std::string& pool_key, Orders orders);
  /// What came of reclaims since the last call.
  std::vector<Reclaimed> take_reclaimed(const std::string& pool_key);
  /// The attempts that failed since the last call, oldest first, with Watch::failures; of a flood
  /// the newest.
  std::vector<queue::Failure> take_failures(const std::string& pool_key);

  /// Nothing until the first attempt is over.
  std::optional<Snapshot> latest(const std::string& pool_key) const;

 private:
  class Source;
  std::vector<std::shared_ptr<Source>> take_unused();
  std::shared_ptr<Source> source_of(const std::string& pool_key) const;

  mutable std::mutex mutex_;
  std::function<void(const std::string&)> on_change_;
  std::map<std::string, std::shared_ptr<Source>> sources_;    // by connection key
  std::map<std::string, std::shared_ptr<Source>> source_of_;  // by pool key
};

}  // namespace wp::backlog
