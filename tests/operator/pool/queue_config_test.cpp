#include "operator/pool/queue_config.h"

#include <set>

#include "tests/operator/pool/support.h"

using namespace wp::pool;

TEST_CASE("the defaults of a pool as its queue sees them") {
  const QueueFields expected = {{"lease_ms", "15000"},
                                {"timeout_ms", "0"},
                                {"max_attempts", "5"},
                                {"max_crashes", "3"},
                                {"max_losses", "20"},
                                {"backoff_initial_ms", "1000"},
                                {"backoff_factor", "2"},
                                {"backoff_max_ms", "600000"},
                                {"backoff_jitter_percent", "20"},
                                {"max_active", "0"},
                                {"rate_jobs", "0"},
                                {"rate_per_ms", "1000"},
                                {"max_depth", "1000000"},
                                {"max_bytes", "268435456"},
                                {"max_payload", "65536"},
                                {"keep_done_count", "1000"},
                                {"keep_done_age_ms", "86400000"},
                                {"keep_dead_count", "10000"},
                                {"keep_dead_age_ms", "15552000000"},
                                {"keep_dead_bytes", "67108864"},
                                {"keep_payloads", "0"},
                                {"stall_ms", "600000"},
                                {"check_ms", "30000"},
                                {"drain_ms", "300000"},
                                {"on_partition", "kill"},
                                {"paused", "0"},
                                {"max_jobs_per_worker", "0"},
                                {"max_memory", "0"},
                                {"session_max_bytes", "1048576"},
                                {"session_ttl_ms", "86400000"},
                                {"schema", ""},
                                {"concurrency", "1"}};
  CHECK(queue_config(pool_with("{}")) == expected);
}

TEST_CASE("what the spec says reaches the queue") {
  const QueueFields fields = queue_config(pool_with(R"({
    "pause": "Claims", "workers": {"maxMemory": "1Gi", "concurrency": 8},
    "jobs": {"onPartition": "Continue", "retention": {"payloads": true},
             "schema": {"type": "object"}}})"));
  CHECK(fields.at("paused") == "1");
  CHECK(fields.at("on_partition") == "continue");
  CHECK(fields.at("keep_payloads") == "1");
  CHECK(fields.at("max_memory") == "1073741824");
  CHECK(fields.at("concurrency") == "8");
  CHECK(fields.at("schema") == R"({"type":"object"})");
}

TEST_CASE("the hash is the same in every process and moves with every field") {
  const QueueFields fields = queue_config(pool_with("{}"));
  // Fixed: an operator that computes another value rewrites the configuration of every queue.
  CHECK(queue_config_hash(fields) == "24068698153c2c38");
  std::set<std::string> hashes = {queue_config_hash(fields)};
  for (const auto& [name, value] : fields) {
    QueueFields changed = fields;
    changed[name] += "1";
    hashes.insert(queue_config_hash(changed));
  }
  CHECK(hashes.size() == fields.size() + 1);
  CHECK(queue_config_hash({{"ab", "c"}}) != queue_config_hash({{"a", "bc"}}));
  CHECK(queue_config_hash({}).size() == 16);
}
