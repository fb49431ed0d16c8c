// The metrics of one pool: a table of all of them, which docs/metrics.md is held against, the
// values that follow from what a reconcile found out, and the counters of what happens. Any thread.
#pragma once

#include <array>
#include <string_view>

#include "base/metrics.h"
#include "operator/controller/status_builder.h"
#include "queue/views.h"

namespace wp::controller {

/// All of them carry `namespace` and `pool`.
struct PoolMetric {
  std::string_view name;
  std::string_view type;   // counter, gauge, histogram
  std::string_view label;  // besides those two; empty: none
  std::string_view help;
};

namespace pool_metric {

// Of the queue, from its own counts: there without a worker, too.
inline constexpr PoolMetric kBacklog{"workerpool_backlog", "gauge", "state", "Jobs by state."};
inline constexpr PoolMetric kWaitingByType{"workerpool_waiting_by_type", "gauge", "type",
                                           "Waiting jobs by type, of the first 32 types."};
inline constexpr PoolMetric kBackpressure{"workerpool_backpressure", "gauge", "",
                                          "1 while enqueues are refused."};
inline constexpr PoolMetric kQueueReachable{"workerpool_queue_reachable", "gauge", "",
                                            "1 when the newest reading of the queue succeeded."};
inline constexpr PoolMetric kJobs{"workerpool_jobs_total", "counter", "result",
                                  "What became of runs and jobs, since the queue began."};
inline constexpr PoolMetric kJobsInterrupted{
    "workerpool_jobs_interrupted_total", "counter", "",
    "Runs that were given back half way: a worker left before they could end."};
inline constexpr PoolMetric kJobDuration{"workerpool_job_duration_seconds", "histogram", "",
                                         "How long runs took that completed or failed."};
inline constexpr PoolMetric kPickupLatency{
    "workerpool_pickup_latency_seconds", "histogram", "",
    "From the moment a job could run to its claim; the sum is estimated from the buckets."};

// Of the workers.
inline constexpr PoolMetric kReplicas{"workerpool_replicas", "gauge", "kind", "Workers by kind."};
inline constexpr PoolMetric kSlots{"workerpool_slots", "gauge", "",
                                   "Jobs that the serving workers may run at once."};
inline constexpr PoolMetric kConcurrency{"workerpool_concurrency", "gauge", "",
                                         "Jobs that one worker runs at once, as declared."};
inline constexpr PoolMetric kWorkerBeatAge{"workerpool_worker_beat_age_seconds", "gauge", "",
                                           "Since the last beat of the worker silent for longest."};
inline constexpr PoolMetric kWorkerMemory{"workerpool_worker_memory_bytes", "gauge", "stat",
                                          "Memory of the workers: of the largest, and of all."};
inline constexpr PoolMetric kHealth{"workerpool_health", "gauge", "",
                                    "0 Healthy, 1 Degraded, 2 Unhealthy."};

// What happens; PoolCounters counts it.
inline constexpr PoolMetric kScaleOperations{"workerpool_scale_operations_total", "counter",
                                             "direction", "Writes of the number of workers."};
inline constexpr PoolMetric kReaction{
    "workerpool_reaction_seconds", "histogram", "",
    "From the oldest waiting job's enqueue to the acknowledged write."};
inline constexpr PoolMetric kWorkersLost{"workerpool_workers_lost_total", "counter", "",
                                         "Workers that went away with jobs, or fell silent."};
inline constexpr PoolMetric kWorkerStalls{"workerpool_worker_stalls_total", "counter", "",
                                          "Times that a worker's job made no progress."};
inline constexpr PoolMetric kReclaimedJobs{"workerpool_reclaimed_jobs_total", "counter", "cause",
                                           "Jobs of workers that were gone, given back at once."};
inline constexpr PoolMetric kBacklogReadErrors{"workerpool_backlog_read_errors_total", "counter",
                                               "class",
                                               "Times that readings of the queue began to fail."};
inline constexpr PoolMetric kBackpressureActivations{"workerpool_backpressure_activations_total",
                                                     "counter", "",
                                                     "Times that enqueues began to be refused."};

inline constexpr std::array kAll = {kBacklog,
                                    kWaitingByType,
                                    kBackpressure,
                                    kQueueReachable,
                                    kJobs,
                                    kJobsInterrupted,
                                    kJobDuration,
                                    kPickupLatency,
                                    kReplicas,
                                    kSlots,
                                    kConcurrency,
                                    kWorkerBeatAge,
                                    kWorkerMemory,
                                    kHealth,
                                    kScaleOperations,
                                    kReaction,
                                    kWorkersLost,
                                    kWorkerStalls,
                                    kReclaimedJobs,
                                    kBacklogReadErrors,
                                    kBackpressureActivations};

}  // namespace pool_metric

/// What follows from the findings. While the queue is not read its last numbers stay, and of the
/// workers there are no more than ready and desired. A job counter that is less than it was is
/// another queue's, and shown so.
void publish_metrics(metrics::Registry& metrics, const Findings& findings);

/// Counts what happens to a pool. Without a registry (nullptr) nothing is counted.
class PoolCounters {
 public:
  PoolCounters(metrics::Registry* registry, const pool::Metadata& meta);

  /// A write of the number of workers was acknowledged; nothing when the two are equal.
  void scaled(int before, int after);
  /// … and so long before it the oldest waiting job was enqueued.
  void reacted(Millis after);
  void workers_lost(int count = 1);
  void worker_stalled();
  void jobs_reclaimed(queue::LossCause cause, int jobs);
  void read_failed(redis::ErrorClass error);
  /// Enqueues are refused from now on.
  void backpressure_began();
  /// Every counter whose labels are known beforehand is there from the start, with 0: so that the
  /// first event is an increase.
  void begin();

 private:
  void add(const PoolMetric& metric, std::string_view label_value, double by);

  metrics::Registry* registry_;
  metrics::Labels labels_;
};

}  // namespace wp::controller
