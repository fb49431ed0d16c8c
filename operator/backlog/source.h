// One connection tuple's reading: a command thread and a subscription thread, each with a socket of
// its own. Made and owned by BacklogReader. Public methods may be called from any thread.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/backoff.h"
#include "operator/backlog/backlog.h"
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
  std::optional<Snapshot> latest(const std::string& pool_key) const;

 private:
  struct Entry {
    Watch watch;
    Snapshot snapshot;
    bool attempted = false;
    Millis next_read{0};  // steady
    Millis last_read{-1000000};
    std::int64_t term = 0;  // at least the watch's, and above the one found at the first contact
    bool contacted = false;
    int readings = 0;
  };
  using Due = std::vector<std::pair<std::string, Watch>>;

  void read_loop();
  void subscribe_loop();
  void wait_a_while(Millis time);
  std::optional<Due> wait_for_due();
  void read(const Due& due);
  void succeed(const std::string& pool_key, const Watch& watch, queue::Counts counts);
  void fail(const Due& due, const redis::Error& error);
  void keep_config(const std::string& pool_key, const Watch& watch, queue::Counts& counts);
  void wake(const std::string& channel);
  std::vector<std::string> channels() const;

  const std::function<void(const std::string&)> on_change_;
  redis::Connection commands_;
  redis::Connection subscription_;
  Backoff backoff_{{Millis{200}, Millis{5000}, 20}};

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, Entry> entries_;
  bool channels_changed_ = false;
  bool stop_ = false;

  std::thread reader_;
  std::thread subscriber_;
};

}  // namespace wp::backlog
