// What a pool declares about its size, in plain numbers: the resource's fields with their defaults
// applied, and what the ramp, the schedules and the budget make of them at this moment.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.h"

namespace wp::scaling {

enum class Policy { look_ahead, slot_per_job, threshold, target_depth };
enum class Pause { none, scale_in, scale_out, scaling, claims };

/// Of square-root staffing: β = 0, 0.5, 1.
enum class Headroom { low, normal, high };

struct LookAheadParams {
  Millis target_wait{2000};
  Headroom headroom = Headroom::normal;
  Millis expected_duration{10000};
};

struct ThresholdParams {
  int up_at_percent = 200;  // waiting jobs per worker
  int down_at_percent = 50;
  int step = 0;                   // 0: jump
  std::int64_t target_depth = 0;  // 0: unused
  Millis cooldown{60000};
};

/// What a ramp allows at its present step.
struct RampBounds {
  int step = 1;   // from 1
  int steps = 1;  // of so many
  int max_replicas = 0;
  int min_replicas = 0;
  bool rolled_back = false;
};

/// A schedule that raises the floor now.
struct ScheduleFloor {
  std::string name;
  int min_replicas = 0;
};

struct Params {
  Policy policy = Policy::look_ahead;
  LookAheadParams look_ahead;
  ThresholdParams threshold;
  std::int64_t jobs_per_worker = 10;  // TargetDepth

  int concurrency = 1;  // jobs at once per worker, >= 1
  int min_replicas = 0;
  int max_replicas = 10;
  int spare_workers = 0;
  Pause pause = Pause::none;
  std::optional<int> fixed;               // spec.replicas
  std::optional<RampBounds> ramp;         // absent: none, or past its last step
  std::optional<ScheduleFloor> schedule;  // the highest of those that hold now
  std::optional<int> budget;              // so many pods fit into it
  std::int64_t max_active = 0;            // jobs at once over all workers; 0: no limit

  Millis scale_to_zero_after{60000};
  std::optional<Millis> scale_down_window;  // absent: 3 × measured pod start, 10..60 s
  int up_workers = 20;                      // at most max(workers, percent of current) new ones …
  int up_percent = 100;
  Millis up_period{5000};  // … per period

  int fallback_replicas = 0;
  Millis fallback_after{30000};

  bool foreign = false;            // workers can't be seen: the floor is ceil(active / concurrency)
  bool hold_while_active = false;  // foreign, whileActive: Hold
};

}  // namespace wp::scaling
