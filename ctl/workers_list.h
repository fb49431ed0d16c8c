// `workerpoolctl workers list`: who beats on a queue, what each runs and has done. What a worker
// tells of itself is JSON from outside: absent or odd fields are shown as "-" and never fail.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ctl/connect.h"
#include "ctl/output/document.h"

namespace wp::ctl {

/// One worker as it is shown; absent is what nobody told.
struct WorkerRow {
  std::string worker;
  std::int64_t busy = 0;  // jobs it holds, by Redis's account
  Millis beat_age{0};
  bool retired = false;
  bool silent = false;  // for a lease: it has lost its jobs, and what it told is out of date
  std::optional<bool> broken;
  std::string trouble;    // why its handler cannot run
  bool draining = false;  // told to stop: it finishes what it runs
  std::optional<std::int64_t> slots;
  std::optional<std::vector<std::string>> running;
  std::optional<std::int64_t> executed;
  std::optional<std::int64_t> failed;
  std::optional<double> share;               // of all executed jobs, percent
  std::optional<std::int64_t> rss;           // of the runner, bytes
  std::optional<std::int64_t> handlers_rss;  // of its handlers
  std::optional<std::int64_t> container_memory;
  std::optional<Millis> uptime;
  std::string version;
  std::string pod;
  std::string node;
};

/// How long a worker may be silent before its jobs are others': of the queue, or the default where
/// this user may not read it. Throws redis::Error.
Millis lease_of(Session& session);

/// Pure. Sorted by name.
std::vector<WorkerRow> worker_rows(const queue::Counts& counts, Millis lease);

/// Of the workers that beat: how many say that their handler cannot run. Some of them may run jobs
/// all the same, by processes that they started before.
struct BrokenHandlers {
  std::size_t broken = 0;
  std::size_t running = 0;  // broken ones that run jobs
  std::size_t beating = 0;
  std::string why;  // as the first of them says it

  /// No worker is well, and none runs a job.
  bool all() const { return broken > 0 && broken == beating && running == 0; }
  /// One line; empty when all can.
  std::string text() const;
};
BrokenHandlers broken_handlers(const std::vector<WorkerRow>& rows);  // pure

/// Answers the exit code. Throws CommandError (4: unknown queue), redis::Error.
int workers_list(Session& session, bool wide, Format format);

}  // namespace wp::ctl
