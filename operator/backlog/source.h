// One connection tuple's reading: a command thread and a subscription thread, each with a socket of
// its own. Made and owned by BacklogReader. Public methods may be called from any thread.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/backoff.h"
#include "operator/backlog/backlog.h"
#include "operator/backlog/trim.h"
#include "queue/redis/connection.h"

namespace wp::backlog {

class BacklogReader::Source {
 public:
  Source(redis::Endpoint endpoint, std::function<void(const std::string&)> on_change);
  ~Source();
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  void set(const std::string& pool_key, const Watch& watch);
  /// Answers whether the source is of no use any more.
  bool erase(const std::string& pool_key);
  /// Its pool is deleted: not read any more, and the queue is told once Redis answers, for a minute
  /// at most. on_change is called when that is over.
  void abandon(const std::string& pool_key);
  void order(const std::string& pool_key, Orders orders);
  std::vector<Reclaimed> take_reclaimed(const std::string& pool_key);
  std::vector<queue::Failure> take_failures(const std::string& pool_key);
  /// Nothing is read and nobody has to be told.
  bool unused() const;
  std::optional<Snapshot> latest(const std::string& pool_key) const;

 private:
  struct Entry {
    Watch watch;
    Snapshot snapshot;
    bool attempted = false;
    Millis next_read{0};     // steady
    bool announced = false;  // something is new there: read before those whose time has come
    Millis last_read{-1000000};
    std::int64_t term = 0;  // at least the watch's, and above the one found at the first contact
    bool contacted = false;
    int readings = 0;
    TrimRules rules;
    TrimPace trim;
    bool trim_refused = false;     // told once
    Orders orders;                 // not gone out yet
    bool orders_refused = false;   // told once
    bool orders_outdated = false;  // told once
    std::vector<Reclaimed> reclaimed;
    std::optional<Millis> failures_from;   // Redis's clock: newer ones are news
    std::set<std::string> failures_known;  // of just that time
    std::vector<queue::Failure> failures;  // not taken yet, oldest first
  };
  /// What a deleted pool's queue is told.
  struct Parting {
    std::string queue;
    std::string owner;
    std::int64_t term = 0;
    Millis next_try{0};  // steady
    Millis give_up{0};
  };
  static constexpr Millis kBusyInterval{1000};  // between two readings of a queue in use

  using Due = std::vector<std::pair<std::string, Watch>>;
  struct Work {
    Due due;
    std::vector<std::pair<std::string, Parting>> partings;
  };

  /// The calls of a pool's orders, and what their replies meant.
  struct Errand {
    Orders orders;
    std::size_t first = 0;  // of its calls in the pipeline; COUNTS follows the last
  };

  void read_loop();
  void subscribe_loop();
  bool follow(std::set<std::string>& followed);
  void listen();
  void wait_a_while(Millis time);
  bool has_other_channels() const;
  bool is_deaf() const;
  void set_deaf(bool deaf);
  void forget_channel(const std::map<std::string, Entry>::value_type& entry);
  void drop(std::map<std::string, Entry>::iterator entry);
  Millis interval(const queue::Counts& counts, const Watch& watch) const;
  std::optional<Work> wait_for_work();
  void read(const Due& due);
  Errand take_errand(const std::string& pool_key, const Watch& watch,
                     std::vector<redis::ScriptCall>& calls);
  static void keep_failures(Entry& entry, queue::Counts& counts);
  void settle_errand(const std::string& pool_key, const Errand& errand,
                     const std::vector<redis::Reply>& replies);
  /// Answers whether the queue needs a TRIM now.
  bool succeed(const std::string& pool_key, const Watch& watch, queue::Counts counts, bool ordered);
  void trim(const std::vector<std::string>& pool_keys);
  void part(const std::vector<std::pair<std::string, Parting>>& partings);
  void end_parting(const std::string& pool_key, const Parting& parting);
  void fail(const Work& work, const redis::Error& error);
  void fail(const Due& due, const redis::Error& error);
  void keep_config(const std::string& pool_key, const Watch& watch, queue::Counts& counts);
  void wake(const std::string& channel);

  const std::function<void(const std::string&)> on_change_;
  redis::Connection commands_;
  redis::Connection subscription_;
  Millis connected_at_{0};  // commands_, steady; the command thread's own
  Backoff backoff_{{Millis{200}, Millis{5000}, 20}};

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, Entry> entries_;
  std::map<std::string, Parting> partings_;           // by pool key
  std::multimap<std::string, std::string> channels_;  // and the keys of the pools behind each
  bool channels_changed_ = false;
  bool deaf_ = false;  // events cannot be followed
  bool stop_ = false;

  std::thread reader_;
  std::thread subscriber_;
};

}  // namespace wp::backlog
