// From what a pool declares to what the scaling decides with: the fields with their meaning now,
// the floor of the schedules at this time, and how many pods the budget fits. Pure but for what it
// keeps between calls; one pool, one thread at a time.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "operator/pool/pool.h"
#include "operator/scaling/budget.h"
#include "operator/scaling/params.h"
#include "operator/scaling/ramp.h"
#include "operator/scaling/schedule.h"

namespace wp::controller {

class ScalingParams {
 public:
  /// At `wall`. `ramp`: what it allows (absent: there is none, or it is complete). `live`: what a
  /// pod of the Deployment requests, for the budget of a pool that names one (absent: not seen yet,
  /// and the budget bounds nothing); any other pool's own template says it.
  scaling::Params at(const pool::Pool& pool, const std::optional<scaling::RampBounds>& ramp,
                     Millis wall, const std::optional<scaling::PodRequest>& live = {});

  /// Of the last call: when the schedules change next, counted from then.
  const std::optional<Millis>& next_edge() const { return next_edge_; }
  /// Of the last call: what is declared and cannot be counted; empty: all is.
  const std::string& problem() const { return problem_; }

 private:
  void read_schedules(const pool::Pool& pool);
  void add_budget(scaling::Params& params, const pool::Pool& pool,
                  const std::optional<scaling::PodRequest>& live);

  std::vector<scaling::Schedule> declared_;
  scaling::Schedules schedules_;
  std::string schedule_problem_;
  std::optional<Millis> next_edge_;
  std::string problem_;
};

}  // namespace wp::controller
