// What a queue must look like after each operation: the rules of the contract once more, in plain
// C++ on plain maps, without Redis. Times are facts here (due, lapsed, expired), not clocks: the
// test makes them true by hand (meddle.cpp).
//
// Owned by one test. A rule that leaves a choice to the queue (which of several equally old
// finished jobs are dropped) is checked where the real queue is compared (compare.cpp).
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "queue/queue.h"

namespace wp::test {

struct ModelJob {
  std::string id, payload, session, unique;
  queue::JobState state = queue::JobState::ready;
  int priority = queue::kDefaultPriority;
  std::int64_t seq = 0;  // the order within one priority
  int failures = 0, crashes = 0, losses = 0, deferrals = 0;
  bool suspect = false;
  std::size_t bytes = 0;  // of the envelope
  std::vector<queue::ChainStep> chain;
  std::string previous;
  Millis timeout{0};
  std::int64_t due = 0;  // delayed: kLater, or a time in the past
  std::string worker;    // active
  std::int64_t epoch = 0;
  bool lapsed = false, cancelled = false;
  std::int64_t ended = 0;  // done, dead: Redis's clock, once it was seen there
};

inline constexpr std::int64_t kLater = std::int64_t{1} << 60U;

inline constexpr std::int64_t kUnseen = -1000;

struct ModelSession {
  std::int64_t version = kUnseen;  // of a new one: any that none had before
  std::string document = "{}";
  bool expired = false;
};

struct ModelUnique {
  std::string id;
  bool timed = false, expired = false;
};

struct ModelRetirement {
  queue::RetiredBy by = queue::RetiredBy::controller;
  bool lapsed = false;
};

/// The fields of T:cfg that the test changes.
struct Settings {
  int max_active = 0, rate = 0, max_depth = 0;
  int max_attempts = 3, max_crashes = 2, max_losses = 2;
  int keep_done = 1000, keep_dead = 10000, keep_dead_bytes = 0, session_bytes = 64;
  bool paused = false, keep_payloads = false, slow_retries = false;
  std::int64_t lease_ms = 3600000;  // so long that none lapses by itself

  std::map<std::string, std::string> fields() const;
};

class World {
 public:
  using Jobs = std::vector<ModelJob*>;
  enum class Back { released, interrupted, aside, loss, crash, suspect };

  ModelJob* find(const std::string& id);
  /// In the order of their set: who runs first, who is due first, else by id.
  Jobs in(queue::JobState state);
  Jobs held(const std::string& name, const std::string& except = {});
  queue::JobState place(const std::string& id);

  bool may_claim() const { return !settings.paused && !paused_by_person; }
  int tokens() const { return settings.rate > 0 ? std::min(level, settings.rate) : 1 << 20; }
  bool claimable();
  bool retired(const std::string& worker) const;

  const ModelUnique* holder(const std::string& key) const;
  /// Nothing when it is gone.
  ModelSession* session(const std::string& name);
  void touch_session(const std::string& name);

  // --- The moves ---
  ModelJob& admit(const queue::NewJob& job);
  void enter_ready(ModelJob& job);
  void bury(ModelJob& job);
  void forget(const std::string& id);
  void take_back(const Jobs& jobs, Back how);
  void take_back_crashed(const Jobs& jobs);
  void promote_due();
  void reap();
  /// What a STEP that wants so many must claim, in order; they are active then, without an epoch.
  Jobs claim(const std::string& worker, int want);
  /// What a STEP must answer to these, completions first.
  std::vector<queue::Settled> settle(const std::string& worker,
                                     const std::vector<queue::Settlement>& settlements,
                                     std::int64_t now);
  void set_rate(int jobs);
  /// STEP, BEAT and TRIM notice that nobody was heard of for long.
  void notice_gap();

  Settings settings;
  std::map<std::string, ModelJob> jobs;
  std::map<std::string, ModelSession> sessions;
  std::map<std::string, ModelUnique> uniques;
  std::map<std::string, ModelRetirement> retirements;  // by pod
  std::map<std::string, std::int64_t> stat;
  bool paused_by_person = false, orphaned = false;
  bool gap = false, hold = false;  // leases are not reaped; gap: as soon as a script notices
  int level = 0;                   // tokens of the rate bucket
  bool drawn = false;              // from the bucket: it may be less than full
  std::int64_t seq = 0, term = 1, operation = 0;
  // What this operation did.
  bool buried = false, completed = false, new_suspect = false;

 private:
  void release_unique(const ModelJob& job);
  queue::Settled settle_session(const ModelJob& job, const queue::Settlement& s);
  queue::Settled complete(ModelJob& job, const queue::Settlement& s);
  queue::Settled end_otherwise(ModelJob& job, const queue::Settlement& s, std::int64_t now);
};

std::string pod_of(const std::string& worker);

}  // namespace wp::test
