// The words of the job queue as values: what a producer hands in, what a worker gets, and how it
// reports back. Pure data.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace wp::queue {

inline constexpr int kDefaultPriority = 100;  // 0..255, 255 first
inline constexpr std::size_t kMaxResultBytes = 16 * 1024;
inline constexpr std::size_t kMaxErrorBytes = 2 * 1024;
inline constexpr std::size_t kMaxUniqueBytes = 256;
inline constexpr std::size_t kMaxChainSteps = 32;
inline constexpr std::size_t kMaxJobsPerCall = 500;
inline constexpr std::size_t kMaxBytesPerCall = 1024 * 1024;
inline constexpr Millis kMaxJobTimeout = std::chrono::hours{24 * 30};

/// A later step of a chain: enqueued when the one before it completes, with that one's result.
struct ChainStep {
  std::string id;  // empty: one is made when the chain is enqueued
  std::string type = "default";
  std::string payload;
  int priority = kDefaultPriority;
  Millis timeout{0};  // as NewJob's
};

/// A job as a producer describes it.
struct NewJob {
  std::string id;                // empty: one is made. Else 1..64 of A-Za-z0-9._:-
  std::string type = "default";  // 1..64 of A-Za-z0-9._:-
  std::string payload;           // any bytes; reaches the handler as they are
  int priority = kDefaultPriority;
  Millis delay{0};     // not before now + delay
  Millis timeout{0};   // of one attempt: 1 ms to 30 days, and never longer than the pool's; 0: none
  std::string unique;  // deduplication key, at most 256 bytes; empty: none
  Millis unique_for{0};          // how long the key is held; 0: while the job lives
  std::string session;           // name of the document that this job shares; empty: none
  std::vector<ChainStep> chain;  // of the same queue, one after the other; they share the session
  std::string previous;          // of a later step of a chain: the result of the one before
};

/// One line that names what is wrong with the job and what is allowed; empty when it is fine.
std::string problem_with(const NewJob& job, std::int64_t max_payload);

enum class JobState { unknown, ready, alone, delayed, active, done, dead };
std::string_view to_string(JobState state);
JobState parse_job_state(std::string_view text);

/// What became of one job of an ENQUEUE.
struct Enqueued {
  std::string id;                    // of a duplicate by its unique key: the id of the other job
  bool duplicate = false;            // the id lives already (or an unsure first try took effect)
  JobState state = JobState::ready;  // where it is now
};

/// A claimed job: what a runner needs to execute it.
struct ClaimedJob {
  std::string id;
  std::int64_t epoch = 0;  // the fence: names this claim in every settlement
  std::string type;
  std::string payload;
  int failures = 0;  // WP_ATTEMPT = failures + 1
  int crashes = 0;
  int losses = 0;
  Millis waited{0};    // since it became ready
  bool alone = false;  // a suspect: nothing else runs on this worker meanwhile
  int priority = kDefaultPriority;
  std::string session;                // name; empty: none
  std::int64_t session_version = -1;  // of the document as read at the claim; -1: it is gone
  std::string session_document;
  std::vector<ChainStep> chain;  // what follows when this one completes
  std::string previous;          // the result of the chain's step before this one
  Millis timeout{0};             // its own, of one attempt; 0: none
};

/// The job to enqueue when one with this session and chain completes with `result`: the chain's
/// next step. Nothing at its end.
std::optional<NewJob> next_in_chain(const std::string& session, const std::vector<ChainStep>& chain,
                                    std::string_view result);

enum class Outcome {
  complete,  // result is kept
  fail,      // the handler failed: retried with backoff, or dead
  stall,     // a failure: it made no progress for too long and was killed
  crash,     // the handler's process died of a signal we did not send, or took the worker along
  defer,     // later, not counted (at most 100 times)
  bury,      // dead at once
};

/// A session's new document, by compare-and-set.
struct SessionWrite {
  std::int64_t version = 0;  // as read
  std::string document;
};

/// How a worker reports a claimed job's end.
struct Settlement {
  std::string id;
  std::int64_t epoch = 0;
  Outcome outcome = Outcome::complete;
  std::string text;    // result or error; cut to the bounds above by the sender
  Millis duration{0};  // of the handler, for the statistics
  Millis delay{0};     // defer: not before now + delay
  // Of a completion:
  std::optional<SessionWrite> session{};  // refused with `conflict` when another was faster
  std::optional<NewJob> next{};           // enqueued in the same step, exempt from maxDepth
};

/// What the queue made of a settlement.
enum class Settled {
  done,     // completed
  retried,  // fails again later
  deferred,
  dead,
  stale,  // the fence did not match: nothing was changed
  // The job is still active, and its worker decides what to do:
  conflict,         // the session's document is another one by now; it comes with the answer
  session_gone,     // expired
  session_too_big,  // beyond jobs.session.maxBytes
};
std::string_view to_string(Settled settled);

/// What jobs given back are. None of these counts anything against the job.
enum class ReleaseKind {
  unstarted,    // back to its old place
  interrupted,  // stopped by us: back to its old place, and noted
  aside,        // could not run here: after half a minute, at the end of its priority, so that it
                // holds up no other at the head
};

/// Progress of a running job, visible to anyone.
struct Progress {
  std::string id;
  int percent = 0;      // 0..100
  std::string message;  // at most 200 bytes
};

/// id and epoch: the fence of one claim.
struct Claim {
  std::string id;
  std::int64_t epoch = 0;
};

}  // namespace wp::queue
