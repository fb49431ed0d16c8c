// One line of a batch file (JSON Lines) as a job. Pure.
//
//   {"type":"thumbnail","payload":{"file":"a.png"},"id":"a","priority":200,"delay":"5m"}
//
// Every key may be absent. A payload that is a string is the job's bytes as they are; any other
// JSON is passed on as its text without the blanks, digit for digit and in its own order.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

#include "queue/job.h"

namespace wp::ctl {

/// The line is no job. The message says what is wrong and what is allowed, without file and line.
class BadLine : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// `defaults` holds what keys that are absent mean; its id and payload are not used.
/// Throws BadLine, also for what breaks the queue's bounds (`max_payload` in bytes).
queue::NewJob parse_batch_line(std::string_view line, const queue::NewJob& defaults,
                               std::int64_t max_payload);

/// Nothing but blanks: skipped.
bool is_blank(std::string_view line);

}  // namespace wp::ctl
