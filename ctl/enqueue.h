// `workerpoolctl enqueue`: one job, or a batch from a file or a pipe. Whatever happens, it says how
// many jobs Redis has acknowledged, where, and how to go on.
#pragma once

#include <cstdint>
#include <string>

#include "base/clock.h"
#include "ctl/connect.h"
#include "ctl/output/document.h"
#include "queue/job.h"

namespace wp::ctl {

struct EnqueueRequest {
  std::string type;     // of the job; of a batch's lines that name none
  std::string payload;  // text, @file, @- for standard input, @@text for text that begins with @
  std::string id;
  std::int64_t priority = queue::kDefaultPriority;
  Millis delay{0};
  Millis timeout{0};  // of one attempt; 0: none
  std::string unique;
  Millis unique_for{0};
  std::string session;
  std::string chain;               // a JSON list, or the file that holds one; - standard input
  std::int64_t wait_replicas = 0;  // WAIT after each call
  std::int64_t wait_ms = 1000;
  std::string batch;  // file, - for standard input; empty: one job
  std::int64_t from_line = 1;
  bool force = false;
  bool wait = false;
};

/// Refuses combinations that mean nothing. Throws UsageError.
void check_request(const EnqueueRequest& request);

/// Answers the exit code. Throws CommandError, redis::Error.
int enqueue(const EnqueueRequest& request, const Target& target, const std::string& queue,
            Format format);

}  // namespace wp::ctl
