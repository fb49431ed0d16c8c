// A WorkerPool as the operator uses it: what the user declared, with every default applied, and the
// metadata that the controller needs. Plain values, immutable once parsed (parse.h fills them);
// copies may be read from any thread.
//
// An absent field without a default is std::nullopt, never zero or "": the two mean different
// things. Where the declaration says that "" stands for the default, "" is absent here too.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/clock.h"

namespace wp::pool {

inline constexpr std::string_view kApiVersion = "workerpool.dev/v1alpha1";
inline constexpr std::string_view kKind = "WorkerPool";
inline constexpr std::string_view kPlural = "workerpools";
/// So that `<name>-worker`, and the pods named after it, stay below 63 characters.
inline constexpr std::size_t kMaxNameLength = 52;

struct Metadata {
  std::string ns;  // local pools without one: "default"
  std::string name;
  std::string uid;
  std::int64_t generation = 0;
  std::string resource_version;
  std::string created;    // RFC 3339 in UTC, so that the order is that of the text; local: empty
  bool deleting = false;  // a deletionTimestamp is set
  std::map<std::string, std::string> labels;
  std::map<std::string, std::string> annotations;
  std::vector<std::string> finalizers;
};

/// One key of a Secret in the pool's namespace.
struct SecretKey {
  std::string name;
  std::string key;
};

// ---------------------------------------------------------------------------------- spec.queue

enum class QueueType { jobs, list, stream, bull, bullmq, sidekiq, celery, rq, asynq, http };
enum class OnDelete { retain, purge };

struct Tls {
  std::optional<SecretKey> ca;
  std::optional<std::string> cert_secret;  // a Secret of type kubernetes.io/tls
  std::optional<std::string> server_name;
  bool insecure_skip_verify = false;
};

/// User name and password, each a key of one Secret. A user name that the Secret lacks is none.
struct Credentials {
  std::string secret;
  std::string username_key = "username";
  std::string password_key = "password";
};

struct Sentinel {
  std::string master_name;
  std::vector<std::string> nodes;  // host:port
  std::optional<Credentials> credentials;
  std::optional<Tls> tls;
};

/// Exactly one of url and url_secret is set (a local pool may have neither).
struct Redis {
  std::optional<std::string> url;
  std::optional<SecretKey> url_secret;
  std::optional<Credentials> credentials;
  std::optional<Tls> tls;
  std::optional<Sentinel> sentinel;
};

struct ListQueue {
  std::optional<std::string> processing;
};
struct StreamQueue {
  std::optional<std::string> group;
};
struct BullQueue {
  std::string prefix = "bull";
  std::optional<std::string> version;  // absent: recognised
};
struct CeleryQueue {
  std::string key_prefix;
  std::string separator = "\x06\x16";
  std::vector<std::int64_t> priority_steps = {0, 3, 6, 9};
};
struct HttpQueue {
  std::string url;
  std::string waiting_pointer = "/waiting";
  std::optional<std::string> active_pointer;
  std::optional<SecretKey> header_secret;
  Millis timeout{5000};
};

struct Queue {
  QueueType type = QueueType::jobs;
  std::string name;            // never empty: <namespace>/<name> by default
  std::optional<Redis> redis;  // absent: type Http, or a local pool that brings its own
  ListQueue list;
  StreamQueue stream;
  BullQueue bull;
  CeleryQueue celery;
  std::optional<HttpQueue> http;
  std::int64_t max_depth = 1000000;                  // 0: no limit
  std::int64_t max_bytes = std::int64_t{256} << 20;  // 0: no limit
  OnDelete on_delete = OnDelete::retain;
};

// -------------------------------------------------------------------------------- spec.workers

struct ExecHandler {
  std::vector<std::string> command;
  int defer_exit_code = 75;
  int dead_exit_code = 65;
};
struct StdioHandler {
  std::vector<std::string> command;
  bool ready = false;
  Millis startup_timeout{60000};
};
struct HttpHandler {
  std::string url;
  std::optional<std::string> ready_path;
};
/// At most one is set. None: the image brings its own runner, or the queue is a foreign one.
struct Handler {
  std::optional<ExecHandler> exec;
  std::optional<StdioHandler> stdio;
  std::optional<HttpHandler> http;
  bool none() const { return !exec && !stdio && !http; }
  /// The program of exec or stdio, and its words; empty for the others.
  std::vector<std::string> command() const {
    return exec ? exec->command : stdio ? stdio->command : std::vector<std::string>();
  }
};

/// A Deployment's maxSurge or maxUnavailable.
struct IntOrPercent {
  std::int64_t value = 0;
  bool percent = false;
  /// 3 or "25%", as a Deployment wants it.
  nlohmann::json to_json() const;
  bool operator==(const IntOrPercent&) const = default;
};

struct Rollout {
  IntOrPercent max_surge{25, true};
  IntOrPercent max_unavailable{0, false};
};

struct Workers {
  int concurrency = 1;
  nlohmann::json pod_template;  // null: deployment_ref, or a local pool
  std::optional<std::string> deployment_ref;
  std::optional<std::string> container;  // absent: the template's first
  Handler handler;
  Millis drain_timeout{300000};
  std::int64_t max_jobs_per_worker = 0;    // 0: never replaced
  std::optional<std::int64_t> max_memory;  // bytes
  Rollout rollout;
  std::optional<std::string> runner_image;
};

// -------------------------------------------------------------------------------- spec.scaling

enum class Policy { look_ahead, slot_per_job, threshold, target_depth };
enum class Headroom { low, normal, high };
enum class WhileActive { drain, hold };
enum class OnRollback { continue_claims, pause_claims };

struct LookAhead {
  Millis target_wait{2000};
  Headroom headroom = Headroom::normal;
  Millis expected_duration{10000};
};
struct Threshold {
  int up_at_percent = 200;
  int down_at_percent = 50;
  int step = 0;                   // 0: jump
  std::int64_t target_depth = 0;  // 0: unused
  Millis cooldown{60000};
};
struct MaxScaleUp {
  int workers = 20;
  int percent = 100;
  Millis period{5000};
};
struct Fallback {
  int replicas = 0;
  Millis after{30000};
};
struct Budget {
  std::optional<std::int64_t> cpu_millis;
  std::optional<std::int64_t> memory;  // bytes
};
struct Schedule {
  std::string name;
  std::string time_zone;
  std::string start;  // five cron fields
  std::string end;
  int min_replicas = 0;
};
struct RampStep {
  int max_replicas = 0;
  int min_replicas = 0;
  Millis stable_for{0};
};
/// A trigger that is absent never fires.
struct RollbackWhen {
  std::optional<int> failure_percent;
  std::optional<std::int64_t> lost_jobs;
  std::optional<std::int64_t> interrupted_jobs;
  std::optional<std::int64_t> stalled_workers;
  std::vector<std::string> error_contains;
};
struct Ramp {
  std::vector<RampStep> steps;
  int rollback_to = 1;
  OnRollback on_rollback = OnRollback::continue_claims;
  RollbackWhen rollback_when;
};

struct Scaling {
  int min_replicas = 0;
  int max_replicas = 10;
  Policy policy = Policy::look_ahead;
  LookAhead look_ahead;
  Threshold threshold;
  std::int64_t jobs_per_worker = 10;              // policy TargetDepth
  WhileActive while_active = WhileActive::drain;  // Hold by default for List, Stream, Http
  int spare_workers = 0;
  std::optional<Millis> scale_down_window;  // absent: 3 × measured pod start, 10..60 s
  Millis scale_to_zero_after{60000};
  MaxScaleUp max_scale_up;
  Fallback fallback;
  Budget budget;
  std::vector<Schedule> schedules;
  std::optional<Ramp> ramp;
};

// ----------------------------------------------------------------------------------- spec.jobs

enum class OnPartition { kill, continue_jobs };

struct Rate {
  std::int64_t jobs = 0;  // 0: no limit
  Millis per{1000};
};
struct Backoff {
  Millis initial{1000};
  int factor = 2;
  Millis max{600000};
  int jitter_percent = 20;
};
struct Retention {
  std::int64_t completed_count = 1000;
  Millis completed_age{24 * 3600 * 1000};
  std::int64_t dead_count = 10000;
  Millis dead_age{std::int64_t{4320} * 3600 * 1000};
  std::int64_t dead_bytes = std::int64_t{64} << 20;
  bool payloads = false;
};
struct Session {
  std::int64_t max_bytes = std::int64_t{1} << 20;
  Millis ttl{24 * 3600 * 1000};
};
struct Jobs {
  Millis lease{15000};
  OnPartition on_partition = OnPartition::kill;
  Millis timeout{0};  // 0: none
  int max_attempts = 5;
  int max_crashes = 3;
  int max_losses = 20;
  std::int64_t max_active = 0;  // 0: no limit
  Rate rate;
  Backoff backoff;
  Retention retention;
  std::int64_t max_payload = std::int64_t{64} << 10;
  Session session;
  nlohmann::json schema;  // null: none
};

struct Health {
  Millis stall_timeout{600000};
  Millis check_interval{30000};
};

enum class Pause { none, scale_in, scale_out, scaling, claims };

struct PoolSpec {
  Queue queue;
  Workers workers;
  Scaling scaling;
  Jobs jobs;
  Health health;
  Pause pause = Pause::none;
  std::optional<int> replicas;  // absent: automatic
};

struct Pool {
  Metadata meta;
  PoolSpec spec;

  /// "namespace/name": the key of stores and work queues.
  std::string key() const { return meta.ns + "/" + meta.name; }
};

/// The words of the resource: "Jobs", "LookAhead", "ScaleIn", …
std::string_view to_string(QueueType type);
std::string_view to_string(Policy policy);
std::string_view to_string(Pause pause);

}  // namespace wp::pool
