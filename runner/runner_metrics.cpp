#include "runner/runner_metrics.h"

namespace wp::runner {
namespace {

constexpr std::size_t kMaxTypes = 32;

const std::vector<double> kLatencyBuckets = {0.0005, 0.001, 0.002, 0.005, 0.01, 0.025,
                                             0.05,   0.1,   0.25,  0.5,   1,    2.5,
                                             5,      10,    30,    60,    300,  1800};

double seconds(Millis value) {
  return static_cast<double>(value.count()) / 1000;
}

}  // namespace

std::string BoundedNames::bounded(const std::string& name) {
  if (names_.contains(name)) return name;
  if (names_.size() >= kMaxTypes) return "other";
  names_.insert(name);
  return name;
}

RunnerMetrics::RunnerMetrics()
    : pickup_(registry_.histogram("workerpool_runner_pickup_latency_seconds",
                                  "From ready to claimed, by Redis's clock", kLatencyBuckets)),
      round_trip_(registry_.histogram("workerpool_runner_redis_roundtrip_seconds",
                                      "STEP and BEAT, from sending to the answer",
                                      kLatencyBuckets)),
      busy_slots_(registry_.gauge("workerpool_runner_busy_slots", "Slots that run a job")),
      all_slots_(registry_.gauge("workerpool_runner_slots", "Jobs that may run at once")),
      lease_lost_(registry_.counter("workerpool_runner_lease_lost_total",
                                    "Jobs that were taken from this worker while they ran")),
      stale_(registry_.counter("workerpool_runner_stale_settlements_total",
                               "Ends of jobs that the queue refused", {{"kind", "stale"}})),
      unknown_(registry_.counter("workerpool_runner_stale_settlements_total",
                                 "Ends of jobs that the queue refused", {{"kind", "unknown"}})),
      connected_(registry_.gauge("workerpool_runner_redis_connected",
                                 "1 while the queue is reached and this worker is registered")),
      broken_(registry_.gauge("workerpool_runner_handler_broken",
                              "1 while the handler cannot run and claims pause")),
      handler_memory_(registry_.gauge("workerpool_runner_handler_memory_bytes",
                                      "Anonymous and shared memory of the handlers' processes")) {}

void RunnerMetrics::job_ended(const Counted& counted) {
  const std::string type = types_.bounded(counted.type);
  registry_
      .counter("workerpool_runner_jobs_total", "Runs of jobs that ended, by result",
               {{"result", counted.result}, {"type", type}})
      .Increment();
  registry_
      .histogram("workerpool_runner_job_duration_seconds", "How long runs of jobs took",
                 metrics::duration_buckets(), {{"type", type}})
      .Observe(seconds(counted.duration));
}

void RunnerMetrics::picked_up(Millis waited) {
  pickup_.Observe(seconds(waited));
}

void RunnerMetrics::slots(int busy, int all) {
  busy_slots_.Set(busy);
  all_slots_.Set(all);
}

void RunnerMetrics::leases_lost(int count) {
  lease_lost_.Increment(count);
}

void RunnerMetrics::stale_settlements(int stale, int unknown) {
  stale_.Increment(stale);
  unknown_.Increment(unknown);
}

void RunnerMetrics::round_trip(Millis took) {
  round_trip_.Observe(seconds(took));
}

void RunnerMetrics::redis_error(std::string_view error_class) {
  registry_
      .counter("workerpool_runner_redis_errors_total", "Failed exchanges with Redis, by class",
               {{"class", std::string(error_class)}})
      .Increment();
}

void RunnerMetrics::redis_connected(bool connected) {
  connected_.Set(connected ? 1 : 0);
}
void RunnerMetrics::broken(bool broken) {
  broken_.Set(broken ? 1 : 0);
}

void RunnerMetrics::sessions(int conflicts, int failures) {
  const auto count = [this](const char* result, int by) {
    if (by == 0) return;
    registry_
        .counter("workerpool_runner_session_settlements_total",
                 "Completions that their session's document was in the way of",
                 {{"result", result}})
        .Increment(by);
  };
  count("conflict", conflicts);
  count("failed", failures);
}

void RunnerMetrics::handler_restarted(const std::string& reason) {
  registry_
      .counter("workerpool_runner_handler_restarts_total", "Handlers that were replaced, by reason",
               {{"reason", reason}})
      .Increment();
}

void RunnerMetrics::handler_memory(std::int64_t bytes) {
  handler_memory_.Set(static_cast<double>(bytes));
}

}  // namespace wp::runner
