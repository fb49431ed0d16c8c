// The environment of a handler: ours without what is not its business, and the facts of its job.
// Pure but for inherited_environment().
#pragma once

#include <string>
#include <vector>

#include "runner/handlers/handler.h"

namespace wp::runner {

/// NAME=value of this process without WP_REDIS_*: a handler has no use for the queue's password.
/// What was put aside before this process started (LD_PRELOAD and its like, see
/// runner/launcher.cpp) is there under its own name.
std::vector<std::string> inherited_environment();

/// Overwrites the password in this process's own environment, where /proc/<pid>/environ shows it to
/// every process of the same user, handlers included. Before the first thread.
void forget_secret_environment();

/// The files in a job's scratch folder through which a program shares more than its payload.
inline constexpr const char* kSessionFile = "session.json";      // the document as it is
inline constexpr const char* kPatchFile = "session.patch.json";  // what the program changes of it
inline constexpr const char* kPreviousFile = "previous.json";    // the result of the step before

struct JobFacts {
  std::string queue;
  std::string scratch;  // WP_JOB_DIR
  Millis deadline{0};   // wall clock; 0: none
};

/// The environment of a process that outlives its jobs: `base` without what is said of one job,
/// with WP_QUEUE and `marker` (NAME=value).
std::vector<std::string> process_environment(const std::vector<std::string>& base,
                                             const std::string& queue, const std::string& marker);

/// WP_JOB_ID, WP_JOB_TYPE, WP_QUEUE, WP_ATTEMPT, WP_MAX_ATTEMPTS, WP_EPOCH, WP_DEADLINE (RFC 3339),
/// WP_SESSION, WP_SESSION_FILE, WP_SESSION_PATCH_FILE, WP_PREVIOUS_FILE, WP_JOB_DIR and
/// WP_PROGRESS_FD (empty: there is none), behind `base`, which holds none of them afterwards.
std::vector<std::string> job_environment(const std::vector<std::string>& base, const Task& task,
                                         const JobFacts& facts);

}  // namespace wp::runner
