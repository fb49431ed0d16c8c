// One pool, level by level: read what is, decide what should be, write what differs.
//
// The contract: reconcile() may be called at any time, any number of times, for any key; it decides
// from what is true now and never from why it was called. It throws when a write failed for a
// passing reason: call it again with backoff. What it keeps between calls is keyed by the pool's
// uid and may be lost at any moment.
//
// One key is reconciled by one thread at a time; different keys by different threads.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "operator/controller/controller.h"
#include "operator/controller/status_pace.h"

namespace wp::controller {

struct Memory;
struct Run;

class Reconciler {
 public:
  /// `crowded` answers whether other pools wait to be reconciled.
  Reconciler(
      const Controller::Options& options, backlog::BacklogReader& backlog,
      std::function<bool()> crowded = [] { return false; });
  ~Reconciler();

  struct Result {
    std::optional<Millis> again;  // come back after this time though nothing changes
  };
  Result reconcile(const std::string& key);

 private:
  std::shared_ptr<Memory> memory_of(const std::string& key, const std::string& uid);
  Result forget(const std::string& key);
  void forget_memory(const std::string& key);
  void look(Run& run);
  void recover(Run& run);
  void give_orders(Run& run);
  void count_troubles(Run& run);
  void climb_ramp(Run& run);
  void decide(Run& run);
  void write_status(Run& run);

  const Controller::Options& options_;
  const Clock& clock_;
  backlog::BacklogReader& backlog_;
  const std::function<bool()> crowded_;
  StatusPace status_pace_;
  std::mutex mutex_;  // guards the map; a Memory belongs to the thread that reconciles its key
  std::map<std::string, std::shared_ptr<Memory>> memories_;
};

}  // namespace wp::controller
