// The environment of a handler: ours without what is not its business, and the facts of its job.
// Pure but for inherited_environment().
#pragma once

#include <string>
#include <vector>

#include "runner/handlers/handler.h"

namespace wp::runner {

/// NAME=value of this process without WP_REDIS_*: a handler has no use for the queue's password.
std::vector<std::string> inherited_environment();

/// Overwrites the password in this process's own environment, where /proc/<pid>/environ shows it to
/// every process of the same user, handlers included. Before the first thread.
void forget_secret_environment();

struct JobFacts {
  std::string queue;
  std::string scratch;  // WP_JOB_DIR
  Millis deadline{0};   // wall clock; 0: none
};

/// WP_JOB_ID, WP_JOB_TYPE, WP_QUEUE, WP_ATTEMPT, WP_MAX_ATTEMPTS, WP_EPOCH, WP_DEADLINE (RFC 3339,
/// empty when there is none), WP_SESSION (empty), WP_JOB_DIR, WP_PROGRESS_FD, behind `base`, which
/// holds none of them afterwards.
std::vector<std::string> job_environment(const std::vector<std::string>& base, const Task& task,
                                         const JobFacts& facts);

}  // namespace wp::runner
