// What a run of local mode came to. Built from two readings of the queue, at the start and at the
// end, and from what was seen in between. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "operator/local/display_text.h"
#include "queue/queue.h"

namespace wp::local {

/// What was seen while it ran.
struct Seen {
  Millis busy_for{0};  // from the first job seen to the last one's end
  int peak_workers = 0;
  std::vector<int> sizes = {0};  // the decisions' numbers, in order
  std::int64_t scale_operations = 0;
  std::map<std::string, std::int64_t> executions;  // by worker; empty: not known
  int unexpected_ends = 0;                         // of workers
};

struct Report {
  std::int64_t completed = 0;
  std::int64_t failed_attempts = 0;
  std::int64_t dead = 0;
  std::int64_t left = 0;                     // waiting, delayed or active at the end
  std::optional<std::int64_t> average_ms;    // of the handler, per execution
  std::optional<std::int64_t> p95_below_ms;  // a power of two: 95 % took less than this
  std::vector<std::string> violations;       // of the queue's invariants
  Seen seen;

  /// Nothing is dead, and the queue is what it should be.
  bool good() const { return dead == 0 && violations.empty(); }
};

Report make_report(const queue::Counts& before, const queue::Counts& after, Seen seen,
                   std::vector<std::string> violations);

/// Several lines.
std::string report_text(const Report& report, const Style& style);

/// The same for programs: counts, durations in ms, "sizes" a list, "violations" a list.
nlohmann::json report_json(const Report& report);

/// A monotonic counter's growth; 0 when it is not there.
std::int64_t growth(const queue::Counts& before, const queue::Counts& after,
                    const std::string& counter);

}  // namespace wp::local
