// The measurements by name. Each starts what it needs, adds its figures to the report, and leaves
// nothing behind. Goals are figures for people: nothing fails.
#pragma once

#include <cstdint>
#include <string>

#include "bench/report.h"

namespace wp::bench {

struct Effort {
  int rounds = 3;                // of each side, in turns
  std::int64_t jobs = 60000;     // of a round, at batches of 32 and more
  std::int64_t depth = 1000000;  // the deepest queue
  int idle_seconds = 20;
  int tries = 200;    // of the pickup, of the reaction
  int workers = 100;  // of the large idle pool
  int pools = 1000;   // of one operator
  // The programs; empty: not there.
  std::string runner = {};
  std::string operator_program = {};
};

// Of the queue.

/// Jobs a second of one worker at batches of 1, 8, 32 and 128, beside the ceiling.
void measure_step(const Effort& effort, Report& report);
/// The same of 1, 4 and 16 workers at batch 32.
void measure_workers(const Effort& effort, Report& report);
/// Time of a job with 100, 10,000 and a million waiting; and the memory of a waiting job.
void measure_depth(const Effort& effort, Report& report);
/// Jobs a second of one and of four producers at batches of 500, beside the ceiling.
void measure_enqueue(const Effort& effort, Report& report);

// Of the runner.

/// Jobs a second of each handler, beside the ceiling or a bare loop.
void measure_throughput(const Effort& effort, Report& report);
/// Memory, processor time and commands of a runner without work.
void measure_idle(const Effort& effort, Report& report);
/// From an enqueue on an idle queue until a runner has the job, beside a bare BRPOP.
void measure_pickup(const Effort& effort, Report& report);
/// The longest time between two beats while every core is busy.
void measure_beats(const Effort& effort, Report& report);

// Of the operator.

/// Time and allocations of a decision, for each policy; and of all pools' in turn.
void measure_decisions(const Effort& effort, Report& report);
/// Processor time of a whole reconcile of a pool at rest, without the API server.
void measure_reconcile(const Effort& effort, Report& report);
/// On a real control plane with 1, 100 and all pools: what the operator uses at rest, and how long
/// it takes from an enqueue on a pool at zero to the acknowledged write of its replicas.
void measure_control_plane(const Effort& effort, Report& report);

}  // namespace wp::bench
