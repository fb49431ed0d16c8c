// One line of a batch file (JSON Lines) as a job. Pure.
//
//   {"type":"thumbnail","payload":{"file":"a.png"},"id":"a","priority":200,"delay":"5m"}
//
// Further keys: timeout, unique, unique_for, session, chain (a list of objects with type, payload,
// id, priority and timeout). Every key may be absent. A payload that is a string is the job's bytes
// as they are; any other JSON is passed on as its text without the blanks, digit for digit and in
// its own order.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

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

/// The later steps of a chain: a JSON list of objects as above with type, payload, id, priority,
/// timeout.
/// Throws BadLine.
std::vector<queue::ChainStep> parse_chain(std::string_view list, std::int64_t max_payload);

/// Nothing but blanks: skipped.
bool is_blank(std::string_view line);

}  // namespace wp::ctl
