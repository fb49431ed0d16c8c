// What a pool tells its queue and, through it, its workers: the fields of `T:cfg`. All of them are
// always present, so that a field of an earlier spec never lingers. Times in ms, sizes in bytes,
// switches 0 or 1, "0" for "no limit". Pure; any thread.
//
//   lease_ms timeout_ms max_attempts max_crashes max_losses max_active rate_jobs rate_per_ms
//   backoff_initial_ms backoff_factor backoff_max_ms backoff_jitter_percent
//   max_depth max_bytes max_payload keep_payloads keep_done_count keep_done_age_ms
//   keep_dead_count keep_dead_age_ms keep_dead_bytes session_max_bytes session_ttl_ms
//   stall_ms check_ms drain_ms on_partition (kill|continue) paused concurrency
//   max_jobs_per_worker max_memory schema (JSON text, "" for none)
#pragma once

#include <map>
#include <string>

#include "operator/pool/pool.h"

namespace wp::pool {

using QueueFields = std::map<std::string, std::string>;

/// `pause_claims`: also for another reason than spec.pause.
QueueFields queue_config(const Pool& pool, bool pause_claims = false);

/// 16 hex digits of a SHA-256 over names and values: equal fields give an equal hash in every
/// process and version. Never empty.
std::string queue_config_hash(const QueueFields& fields);

}  // namespace wp::pool
