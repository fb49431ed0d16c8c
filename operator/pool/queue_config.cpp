#include "operator/pool/queue_config.h"

#include "base/digest.h"

namespace wp::pool {
namespace {

std::string ms(Millis value) {
  return std::to_string(value.count());
}
std::string flag(bool value) {
  return value ? "1" : "0";
}

}  // namespace

QueueFields queue_config(const Pool& pool, bool pause_claims) {
  const Jobs& jobs = pool.spec.jobs;
  const Workers& workers = pool.spec.workers;
  const Retention& keep = jobs.retention;
  return {
      {"lease_ms", ms(jobs.lease)},
      {"timeout_ms", ms(jobs.timeout)},
      {"max_attempts", std::to_string(jobs.max_attempts)},
      {"max_crashes", std::to_string(jobs.max_crashes)},
      {"max_losses", std::to_string(jobs.max_losses)},
      {"backoff_initial_ms", ms(jobs.backoff.initial)},
      {"backoff_factor", std::to_string(jobs.backoff.factor)},
      {"backoff_max_ms", ms(jobs.backoff.max)},
      {"backoff_jitter_percent", std::to_string(jobs.backoff.jitter_percent)},
      {"max_active", std::to_string(jobs.max_active)},
      {"rate_jobs", std::to_string(jobs.rate.jobs)},
      {"rate_per_ms", ms(jobs.rate.per)},
      {"max_depth", std::to_string(pool.spec.queue.max_depth)},
      {"max_bytes", std::to_string(pool.spec.queue.max_bytes)},
      {"max_payload", std::to_string(jobs.max_payload)},
      {"keep_done_count", std::to_string(keep.completed_count)},
      {"keep_done_age_ms", ms(keep.completed_age)},
      {"keep_dead_count", std::to_string(keep.dead_count)},
      {"keep_dead_age_ms", ms(keep.dead_age)},
      {"keep_dead_bytes", std::to_string(keep.dead_bytes)},
      {"keep_payloads", flag(keep.payloads)},
      {"stall_ms", ms(pool.spec.health.stall_timeout)},
      {"check_ms", ms(pool.spec.health.check_interval)},
      {"drain_ms", ms(workers.drain_timeout)},
      {"on_partition", jobs.on_partition == OnPartition::kill ? "kill" : "continue"},
      {"paused", flag(pause_claims || pool.spec.pause == Pause::claims)},
      {"max_jobs_per_worker", std::to_string(workers.max_jobs_per_worker)},
      {"max_memory", std::to_string(workers.max_memory.value_or(0))},
      {"session_max_bytes", std::to_string(jobs.session.max_bytes)},
      {"session_ttl_ms", ms(jobs.session.ttl)},
      {"schema", jobs.schema.is_null() ? "" : jobs.schema.dump()},
      {"concurrency", std::to_string(workers.concurrency)},
  };
}

std::string queue_config_hash(const QueueFields& fields) {
  std::string text;
  for (const auto& [name, value] : fields) {
    // Lengths first: no two different sets of fields give the same text.
    text += std::to_string(name.size()) + ":" + name + std::to_string(value.size()) + ":" + value;
  }
  return short_digest(text);
}

}  // namespace wp::pool
