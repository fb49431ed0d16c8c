// What the queue's operations answer. Pure data.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "queue/job.h"

namespace wp::queue {

/// Who retires a pod: the operator, for a while that it renews; or a person, until it is undone.
enum class RetiredBy { controller, person };

/// T:cfg as a runner sees it: the fields as text, by name; the named ones parsed.
struct Config {
  bool present = false;
  std::string hash;
  std::string owner;  // pool uid, "standalone", or empty
  std::map<std::string, std::string> fields;

  std::int64_t number(std::string_view field, std::int64_t fallback) const;
  std::string text(std::string_view field, std::string_view fallback) const;
};

/// A session's document as it is now.
struct SessionState {
  std::int64_t version = 0;
  std::string document;
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
  std::vector<Settled> settled;                  // one per settlement, in order
  std::map<std::size_t, SessionState> sessions;  // of settlements in conflict, by their place
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
  int taken_back = 0;  // jobs that earlier incarnations of this pod held
};

struct WorkerCounts {
  std::string worker;
  Millis last_beat{0};  // Redis's clock
  int held = 0;         // jobs it holds
  bool retired = false;
  std::string info;     // JSON as the worker wrote it; empty unless asked for
  bool broken = false;  // its handler cannot run, says the info
};

/// A pod that may claim no more.
struct Retirement {
  std::string pod;
  RetiredBy by = RetiredBy::controller;
  Millis until{0};  // Redis's clock; a person's has no end
  int held = 0;     // jobs that its workers hold, known to Counts::workers or not
};

/// One entry of the newest failures.
struct Failure {
  std::string id;
  Millis at{0};       // Redis's clock
  std::string kind;   // failed, dead, crash, loss, interrupted, stalled, cancelled
  std::string error;  // its first 200 bytes
};

/// The queue at one moment (one script: the numbers belong together).
struct Counts {
  Millis now{0};              // Redis's clock
  std::int64_t waiting = 0;   // ready and alone
  std::int64_t alone = 0;     // suspects among them
  std::int64_t due = 0;       // delayed, due already
  std::int64_t due_soon = 0;  // delayed, due within the horizon (includes due)
  std::int64_t delayed = 0;   // all delayed
  std::int64_t active = 0;
  std::int64_t active_serving = 0;  // without those on retired or terminating pods
  std::int64_t dead = 0;
  std::int64_t done = 0;        // kept
  std::int64_t bytes = 0;       // of payloads and sessions; dead jobs apart
  std::int64_t dead_bytes = 0;  // of the dead jobs' payloads
  std::optional<Millis> next_due;
  std::optional<Millis> oldest_wait;  // of the longest waiting head
  bool paused = false;                // by the pool or a person
  std::string paused_by;              // the person
  bool config_present = false;
  std::string config_hash;
  std::string config_owner;
  std::int64_t config_term = 0;
  std::map<std::string, std::int64_t> stat;   // monotonic counters
  std::map<std::string, std::int64_t> types;  // job type → waiting
  std::vector<WorkerCounts> workers;  // 2000 at most, those first that were silent for longest
  std::vector<Retirement> retired;
  std::vector<Failure> failures;  // newest first, when asked for
};

struct CountsOptions {
  Millis horizon{0};                       // for due_soon
  std::vector<std::string> terminating{};  // pods whose jobs do not count as serving
  bool worker_info = false;
  std::optional<Millis> failures_since{};  // those newer than this; none when absent
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
  bool cancelled = false;  // active: its worker was told
  Millis lease_until{0};   // active
  Millis timeout{0};       // its own, of one attempt, while the payload is there; 0: none
  std::string session;
  std::string unique;  // the key that it holds while it lives
  std::string result;  // JSON document: result or error, history, progress
};

enum class ConfigWritten { written, unchanged, stale_term, other_owner };

/// Why workers are gone: of a crash their job may be the cause, of a loss never.
enum class LossCause { crash, loss };

/// What a page of taken back jobs leaves: call again while `left` is not 0.
struct Reclaimed {
  int taken = 0;
  int left = 0;
};

struct Trimmed {
  int promoted = 0;
  int reaped = 0;
  int dropped = 0;  // of the finished jobs kept
};

/// What a person's operation found: the job's state then, and whether it was changed.
struct Managed {
  std::string id;
  JobState state = JobState::unknown;
  bool changed = false;
};

struct Purged {
  std::int64_t dropped = 0;
  std::int64_t left = 0;
};

/// Ids of one state: what runs next, or what finished last, first.
struct JobPage {
  std::int64_t total = 0;
  std::vector<std::pair<std::string, Millis>> jobs;  // the time: due, lease's end, finished; else 0
};

}  // namespace wp::queue
