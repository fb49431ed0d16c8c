// The job queue's operations on one connection. Each is one round trip and one Lua script
// (lua/*.lua), atomic in Redis, on Redis's own time.
//
// Owned by one thread, like its Connection. Every call throws redis::Error; after one with
// connection_lost() the operation may or may not have taken effect. Safe to repeat then: enqueue
// (with the same ids), step's settlements (answered `stale`), beat, release, register_worker,
// write_config, counts. A repeated step may claim more jobs; beat with `full` gives back those
// whose claim was answered to nobody.
#pragma once

#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "queue/redis/connection.h"
#include "queue/views.h"

namespace wp::queue {

inline constexpr int kFormat = 1;  // of the keys and values; written to T:cfg

/// The field `about` of T:cfg, for whoever looks at it in Redis. It is long for a reason: one value
/// beyond hash-max-listpack-value (64 bytes) makes the hash a real table in Redis, in which reading
/// a field, as every script does, is no walk over all of them.
inline constexpr std::string_view kAbout =
    "written by the WorkerPool operator or the first worker; see docs/protocol.md";
static_assert(kAbout.size() > 64);

/// The last part of a key's name → the whole: `wp:{<queue>}:<part>`.
std::string key_name(std::string_view queue, std::string_view part);

/// Who writes a queue's T:cfg: `<uid>@<namespace>/<name>` of the pool.
std::string owner_of(std::string_view uid, std::string_view pool_key);
/// Whether `owner` may be replaced by `mine`: nobody's, or a pool of the same name (deleted, and
/// made again) whose term is older.
bool owner_gives_way(std::string_view owner, std::string_view mine);
/// For people: the pool's `<namespace>/<name>`, or the word that stands in its place. What anybody
/// with a way to that Redis may have written there is not repeated unless it looks like a name.
std::string shown_owner(std::string_view owner);

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

  /// Gives jobs back, as `kind` says; one that was cancelled is dead. With `leave` the worker is
  /// forgotten: its last call. Answers how many were still ours.
  int release(const std::string& worker, const std::vector<Claim>& claims, ReleaseKind kind,
              bool leave);

  /// The worker's first call after each start: takes back what earlier incarnations of its pod
  /// hold, at most 500 jobs a script, repeated until none is left. Writes `defaults` (with owner
  /// "standalone") when the queue has no configuration. Throws FormatError.
  RegisterResult register_worker(const std::string& worker, const std::string& info,
                                 const std::map<std::string, std::string>& defaults);

  // --- The operator's ---

  /// Its write of T:cfg: replaces all fields of `fields`, hash, owner and term; says `about`, too.
  ConfigWritten write_config(const std::map<std::string, std::string>& fields,
                             const std::string& hash, const std::string& owner, std::int64_t term);
  Config read_config();
  /// The pool is deleted: producers are told that nobody serves the queue. Its jobs stay.
  ConfigWritten orphan(const std::string& owner, std::int64_t term);

  /// Reads only.
  Counts counts(const CountsOptions& options = {});
  /// The same for pipelines over several queues: the call, and the reading of its reply.
  static redis::ScriptCall counts_call(std::string_view queue, const CountsOptions& options);
  static Counts parse_counts(const redis::Reply& reply);

  /// From now on these pods claim nothing: also one that has not registered yet, and the next
  /// incarnation of one that restarts. The controller's lapses after `lapse` unless renewed.
  /// Answers how many jobs each still holds; 0: it is retired. Nothing: the term is out of date.
  std::optional<std::vector<int>> retire(const std::vector<std::string>& pods, RetiredBy by,
                                         std::int64_t term, Millis lapse = Millis{60000});
  /// The controller takes back its own, a person any. Answers how many; nothing: stale term.
  std::optional<int> unretire(const std::vector<std::string>& pods, RetiredBy by,
                              std::int64_t term);
  /// These pods (by uid) or workers are gone: what they hold goes back, at most 500 jobs a call.
  /// `except`: the living worker of such a pod. Harmless to the queue if wrong: claims are fenced;
  /// yet who has been replaced (`term`) knows too little of who lives. Nothing: stale term.
  std::optional<Reclaimed> reclaim(const std::vector<std::string>& gone, LossCause cause,
                                   const std::string& reason, std::int64_t term,
                                   const std::string& except = "");
  // The same for pipelines: the calls, and the readings of their replies.
  static redis::ScriptCall retire_call(std::string_view queue, const std::vector<std::string>& pods,
                                       RetiredBy by, std::int64_t term,
                                       Millis lapse = Millis{60000});
  static std::optional<std::vector<int>> parse_retired(const redis::Reply& reply);
  static redis::ScriptCall unretire_call(std::string_view queue,
                                         const std::vector<std::string>& pods, RetiredBy by,
                                         std::int64_t term);
  static std::optional<int> parse_unretired(const redis::Reply& reply);
  static redis::ScriptCall reclaim_call(std::string_view queue,
                                        const std::vector<std::string>& gone, LossCause cause,
                                        const std::string& reason, std::int64_t term,
                                        const std::string& except);
  static std::optional<Reclaimed> parse_reclaimed(const redis::Reply& reply);

  /// What STEP does in passing, for a queue that no worker serves: promote, reap, drop old jobs.
  /// At least once in lease/2 while jobs are active, or each call begins a new hold.
  Trimmed trim();
  static redis::ScriptCall trim_call(std::string_view queue);  // for pipelines over several queues
  static Trimmed parse_trimmed(const redis::Reply& reply);

  // --- A person's: by id, at most 1000 a call; each answers what it found ---

  /// A waiting job is dead at once; a running one is stopped by its worker within a beat.
  std::vector<Managed> cancel(const std::vector<std::string>& ids);
  std::vector<Managed> promote(const std::vector<std::string>& ids);  // delayed → ready
  std::vector<Managed> reprioritise(const std::vector<std::string>& ids, int priority);
  std::vector<Managed> redrive(const std::vector<std::string>& ids);  // dead → ready, anew
  std::vector<Managed> redrive_oldest(int limit);
  std::vector<Managed> remove(const std::vector<std::string>& ids);  // any but active
  /// `state`: ready (with alone), delayed, done or dead. At most 1000 a call.
  Purged purge(JobState state, int limit);
  /// Claims stand still until resumed, beside the pool's own pause. Answers who held it before.
  std::string pause(const std::string& by);
  std::string resume();

  JobView job(const std::string& id);
  JobPage list(JobState state, int offset, int limit);

  /// Asserts the queue's invariants; each violation is one line. O(n): for tests and doctor only.
  std::vector<std::string> check();

  /// The list that a worker blocks on, and the channel that announces work.
  std::string wake_key() const { return key_name(name_, "wake"); }
  std::string events_channel() const { return key_name(name_, "events"); }

 private:
  redis::ScriptCall call(const redis::Script& script) const;
  std::vector<Managed> manage(const redis::Script& script, std::vector<std::string> args,
                              const std::vector<std::string>& ids,
                              const std::function<bool(JobState)>& changes);

  redis::Connection& connection_;
  std::string name_;
};

}  // namespace wp::queue
