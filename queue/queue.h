// The job queue's operations on one connection. Each is one round trip and one Lua script
// (lua/*.lua), atomic in Redis, on Redis's own time.
//
// Owned by one thread, like its Connection. Every call throws redis::Error; after one with
// connection_lost() the operation may or may not have taken effect. Safe to repeat then: enqueue
// (with the same ids), step's settlements (answered `stale`), beat, release, register_worker,
// write_config, counts. A repeated step may claim more jobs; beat with `full` gives back those
// whose claim was answered to nobody.
#pragma once

#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "queue/job.h"
#include "queue/redis/connection.h"

namespace wp::queue {

inline constexpr int kFormat = 1;  // of the keys and values; written to T:cfg

/// The last part of a key's name → the whole: `wp:{<queue>}:<part>`.
std::string key_name(std::string_view queue, std::string_view part);

/// Who writes a queue's T:cfg: `<uid>@<namespace>/<name>` of the pool.
std::string owner_of(std::string_view uid, std::string_view pool_key);
/// Whether `owner` may be replaced by `mine`: nobody's, or a pool of the same name (deleted, and
/// made again) whose term is older.
bool owner_gives_way(std::string_view owner, std::string_view mine);

/// 1..128 of A-Za-z0-9._:/- ; empty when fine, else one line.
std::string problem_with_queue_name(std::string_view name);

/// A typed refusal of an enqueue. Nothing of the call was taken.
class EnqueueRefused : public std::runtime_error {
 public:
  enum class Reason { full, out_of_memory, no_pool, too_big };
  EnqueueRefused(Reason reason, Millis retry_after, const std::string& message)
      : std::runtime_error(message), reason_(reason), retry_after_(retry_after) {}
  Reason reason() const { return reason_; }
  Millis retry_after() const { return retry_after_; }  // 0: no hint

 private:
  Reason reason_;
  Millis retry_after_;
};

/// The queue was written by a newer version than this one understands.
class FormatError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// T:cfg as a runner sees it: the fields as text, by name; the named ones parsed.
struct Config {
  bool present = false;
  std::string hash;
  std::string owner;  // pool uid, "standalone", or empty
  std::map<std::string, std::string> fields;

  std::int64_t number(std::string_view field, std::int64_t fallback) const;
  std::string text(std::string_view field, std::string_view fallback) const;
};

/// What every STEP and BEAT tells a worker about its place.
struct WorkerView {
  Millis now{0};                       // Redis's clock
  std::vector<std::string> cancelled;  // jobs of this worker that someone cancelled
  bool retired = false;                // by the operator: claim no more
  bool paused = false;                 // the queue's claims stand still
  bool claimable = false;              // a job could be claimed now
  std::optional<Millis> next_due;      // when a STEP would find something: the earliest delayed
                                       // job's due time or lease to reap; Redis's clock
  std::string config_hash;             // re-read the config when it changes
};

struct StepResult {
  std::vector<Settled> settled;  // one per settlement, in order
  std::vector<ClaimedJob> claimed;
  WorkerView view;
};

struct BeatResult {
  std::vector<std::string> lost;  // of the claims named: no longer ours
  WorkerView view;
};

struct RegisterResult {
  Config config;
  Millis now{0};
  int taken_back = 0;  // jobs that an earlier incarnation held
};

struct WorkerCounts {
  std::string worker;
  Millis last_beat{0};  // Redis's clock
  int held = 0;         // jobs it holds
  bool retired = false;
  std::string info;  // JSON as the worker wrote it; empty unless asked for
};

/// The queue at one moment (one script: the numbers belong together).
struct Counts {
  Millis now{0};              // Redis's clock
  std::int64_t waiting = 0;   // ready and alone
  std::int64_t due = 0;       // delayed, due already
  std::int64_t due_soon = 0;  // delayed, due within the horizon (includes due)
  std::int64_t delayed = 0;   // all delayed
  std::int64_t active = 0;
  std::int64_t active_serving = 0;  // without those on retired or terminating pods
  std::int64_t dead = 0;
  std::int64_t done = 0;   // kept
  std::int64_t bytes = 0;  // of the bodies held
  std::optional<Millis> next_due;
  std::optional<Millis> oldest_wait;  // of the longest waiting head
  bool paused = false;
  bool config_present = false;
  std::string config_hash;
  std::string config_owner;
  std::int64_t config_term = 0;
  std::map<std::string, std::int64_t> stat;   // monotonic counters
  std::map<std::string, std::int64_t> types;  // job type → waiting
  std::vector<WorkerCounts> workers;
};

/// One job with everything known of it.
struct JobView {
  std::string id;
  JobState state = JobState::unknown;  // unknown: no such job
  std::string type;
  std::string payload;  // empty when dropped
  bool payload_kept = false;
  int priority = 0;
  int failures = 0, crashes = 0, losses = 0, deferrals = 0;
  Millis enqueued{0};
  Millis due{0};           // delayed
  Millis finished{0};      // done, dead
  std::string worker;      // active
  std::int64_t epoch = 0;  // active
  Millis lease_until{0};   // active
  std::string result;      // JSON document: result or error, history, progress
};

enum class ConfigWritten { written, unchanged, stale_term, other_owner };

class Queue {
 public:
  Queue(redis::Connection& connection, std::string name);

  const std::string& name() const { return name_; }

  /// All of them or none (per call of at most 500 jobs or 1 MiB: larger batches are split, and an
  /// error or refusal later on leaves the earlier calls taken; `taken` then says how many).
  /// Jobs without an id get one, in place, so that a repeat is safe. Throws EnqueueRefused,
  /// std::invalid_argument for a job that breaks the bounds.
  std::vector<Enqueued> enqueue(std::vector<NewJob>& jobs, bool force = false,
                                std::size_t* taken = nullptr);

  /// Settles, promotes what is due, reaps expired leases, and claims up to `want` jobs.
  StepResult step(const std::string& worker, const std::vector<Settlement>& settlements, int want);

  /// Renews the leases of `claims`. With `full`, whatever else this worker holds in Redis goes
  /// back, uncounted: claims whose reply was lost. `info` (JSON, at most 4 KiB) is stored when
  /// not empty.
  BeatResult beat(const std::string& worker, const std::vector<Claim>& claims,
                  const std::vector<Progress>& progress, const std::string& info, bool full);

  /// Gives jobs back at their old place. With `leave` the worker is forgotten: its last call.
  /// Answers how many were still ours.
  int release(const std::string& worker, const std::vector<Claim>& claims, ReleaseKind kind,
              bool leave);

  /// The worker's first call after each start. Writes `defaults` (with owner "standalone") when the
  /// queue has no configuration. Throws FormatError.
  RegisterResult register_worker(const std::string& worker, const std::string& info,
                                 const std::map<std::string, std::string>& defaults);

  /// The operator's write of T:cfg: replaces all fields of `fields`, hash, owner and term.
  ConfigWritten write_config(const std::map<std::string, std::string>& fields,
                             const std::string& hash, const std::string& owner, std::int64_t term);
  Config read_config();

  /// `terminating`: pod uids whose jobs do not count as serving. Reads only.
  Counts counts(Millis horizon, const std::vector<std::string>& terminating, bool worker_info);
  /// The same for pipelines over several queues: the call, and the reading of its reply.
  static redis::ScriptCall counts_call(std::string_view queue, Millis horizon,
                                       const std::vector<std::string>& terminating,
                                       bool worker_info);
  static Counts parse_counts(const redis::Reply& reply);

  JobView job(const std::string& id);

  /// Asserts the queue's invariants; each violation is one line. O(n): for tests and doctor only.
  std::vector<std::string> check();

  /// The list that a worker blocks on, and the channel that announces work.
  std::string wake_key() const { return key_name(name_, "wake"); }
  std::string events_channel() const { return key_name(name_, "events"); }

 private:
  redis::ScriptCall call(const redis::Script& script) const;

  redis::Connection& connection_;
  std::string name_;
};

}  // namespace wp::queue
