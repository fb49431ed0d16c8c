// Writes what became of every finished job that the queue still knows: one JSON object a line,
//   {"id": …, "state": "done", "result": …, "duration_ms": 12}
//   {"id": …, "state": "dead", "error": "…"}
// oldest first, and "type" where the queue kept it. Reads in pages: the queue may be large.
#pragma once

#include <cstdint>
#include <string>

#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "queue/queue.h"

namespace wp::local {

/// Jobs finished since `since` (Redis's clock). Answers how many lines were written. Throws
/// std::runtime_error when the file can't be written.
std::int64_t write_results(redis::Connection& connection, const std::string& queue, Millis since,
                           const std::string& path);

/// One line's object. Pure.
nlohmann::json result_of(const queue::JobView& job);

}  // namespace wp::local
