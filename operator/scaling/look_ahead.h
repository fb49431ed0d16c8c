// Sizes for the queue as it will be when a pod started now is ready: by the arrival rate while jobs
// are short, by the number of jobs while they are long, and never below what runs. The formula
// stands here, in slots and seconds; the estimators fill it. Source: square-root staffing (Halfin
// and Whitt) on top of the backlog that a new pod would still find. Pure.
//
//   Q'    = cap > 0 ? max(0, Q + λ·Ts − max(0, cap − F) − cap·Ts/S) : Q
//   burst = Q' > 0.5 ? (min(cap, F + Q) + Q' + λ·T) · S/(S + T) : 0
//   R     = min(λ·S, F + Q)       λ is stale after a burst, and long jobs then read as λ·S
//   base  = R > 0.5 ? R + β·√R : 0
//   need  = max(burst, base, F)
//   want  = (Q + F = 0 and need < 0.5) ? 0 : max(1, ceil(need / concurrency))
#pragma once

#include <cstdint>

#include "operator/scaling/estimators.h"
#include "operator/scaling/params.h"
#include "operator/scaling/snapshot.h"
#include "operator/scaling/want.h"

namespace wp::scaling {

struct LookAheadInput {
  double slots = 0;     // cap: of workers that serve
  double waiting = 0;   // Q: due within a pod start included
  double running = 0;   // F
  double arrivals = 0;  // λ per second
  double service = 10;  // S seconds, > 0
  double start = 5;     // Ts seconds
  double target = 2;    // T seconds
  double beta = 0.5;
};

struct LookAheadNeed {
  double left = 0;   // Q'
  double burst = 0;  // slots
  double rate = 0;   // R
  double base = 0;
  double need = 0;  // the highest of burst, base and what runs
};
LookAheadNeed look_ahead_need(const LookAheadInput& in);

/// β of square-root staffing: 0, 0.5, 1.
double beta_of(Headroom headroom);

Want look_ahead(const Params& params, const Demand& demand, const Workers& workers,
                const Estimators& estimators);

}  // namespace wp::scaling
