#include "operator/pool/bind.h"

#include <cmath>
#include <utility>

#include "base/units.h"

namespace wp::pool {
namespace {

using nlohmann::json;

// Reads one normalized object; a field that has no default may be absent.
class Reader {
 public:
  explicit Reader(const json& value) : value_(value) {}

  const json* find(const char* name) const {
    const auto it = value_.find(name);
    return it == value_.end() ? nullptr : &*it;
  }
  bool has(const char* name) const { return find(name) != nullptr; }
  Reader at(const char* name) const { return Reader(value_.at(name)); }

  std::string text(const char* name) const { return value_.at(name).get<std::string>(); }
  bool truth(const char* name) const { return value_.at(name).get<bool>(); }
  int small(const char* name) const { return value_.at(name).get<int>(); }
  std::int64_t number(const char* name) const { return value_.at(name).get<std::int64_t>(); }
  Millis duration(const char* name) const { return parse_duration(text(name)).value_or(Millis{0}); }
  std::int64_t bytes(const char* name) const { return parse_bytes(text(name)).value_or(0); }
  std::vector<std::string> texts(const char* name) const {
    const json* list = find(name);
    return list ? list->get<std::vector<std::string>>() : std::vector<std::string>{};
  }

  // `read` of the field, or nothing when it is absent.
  template <typename Read>
  auto maybe(const char* name, Read read) const -> std::optional<decltype(read(*this, name))> {
    if (!has(name)) return std::nullopt;
    return read(*this, name);
  }
  std::optional<std::string> maybe_text(const char* name) const {
    return maybe(name, [](const Reader& r, const char* n) { return r.text(n); });
  }
  std::optional<std::int64_t> maybe_bytes(const char* name) const {
    return maybe(name, [](const Reader& r, const char* n) { return r.bytes(n); });
  }
  std::optional<std::int64_t> maybe_number(const char* name) const {
    return maybe(name, [](const Reader& r, const char* n) { return r.number(n); });
  }
  std::optional<int> maybe_small(const char* name) const {
    return maybe(name, [](const Reader& r, const char* n) { return r.small(n); });
  }
  std::optional<Millis> maybe_duration(const char* name) const {
    return maybe(name, [](const Reader& r, const char* n) { return r.duration(n); });
  }
  // The struct that `bind` makes of an object, or nothing.
  template <typename T>
  std::optional<T> maybe_object(const char* name, T (*bind)(const Reader&)) const {
    if (!has(name)) return std::nullopt;
    return bind(at(name));
  }

 private:
  const json& value_;
};

// The position of `word` in `words`: enums stand in the order of their words.
template <typename E, std::size_t N>
E choice(const std::string& word, const char* const (&words)[N]) {
  for (std::size_t i = 0; i < N; ++i) {
    if (word == words[i]) return static_cast<E>(i);
  }
  return E{};
}

constexpr const char* kTypes[] = {"Jobs",    "List",   "Stream", "Bull",  "BullMQ",
                                  "Sidekiq", "Celery", "RQ",     "Asynq", "Http"};
constexpr const char* kPolicies[] = {"LookAhead", "SlotPerJob", "Threshold", "TargetDepth"};
constexpr const char* kPauses[] = {"None", "ScaleIn", "ScaleOut", "Scaling", "Claims"};

SecretKey secret_key(const Reader& in) {
  return {in.text("name"), in.text("key")};
}

Credentials credentials(const Reader& in) {
  return {in.text("name"), in.text("usernameKey"), in.text("passwordKey")};
}

Tls tls(const Reader& in) {
  Tls out;
  out.ca = in.maybe_object("caSecretRef", secret_key);
  if (in.has("certSecretRef")) out.cert_secret = in.at("certSecretRef").text("name");
  out.server_name = in.maybe_text("serverName");
  out.insecure_skip_verify = in.truth("insecureSkipVerify");
  return out;
}

Sentinel sentinel(const Reader& in) {
  return {in.text("masterName"), in.texts("nodes"), in.maybe_object("secretRef", credentials),
          in.maybe_object("tls", tls)};
}

Redis redis(const Reader& in) {
  return {in.maybe_text("url"), in.maybe_object("urlSecretRef", secret_key),
          in.maybe_object("secretRef", credentials), in.maybe_object("tls", tls),
          in.maybe_object("sentinel", sentinel)};
}

HttpQueue http_queue(const Reader& in) {
  return {in.text("url"), in.text("waitingPointer"), in.maybe_text("activePointer"),
          in.maybe_object("headerSecretRef", secret_key), in.duration("timeout")};
}

Queue queue(const Metadata& meta, const Reader& in) {
  Queue out;
  out.type = choice<QueueType>(in.text("type"), kTypes);
  out.name = in.maybe_text("name").value_or(meta.ns + "/" + meta.name);
  out.redis = in.maybe_object("redis", redis);
  if (in.has("list")) out.list.processing = in.at("list").maybe_text("processing");
  if (in.has("stream")) out.stream.group = in.at("stream").maybe_text("group");
  if (in.has("bull")) {
    out.bull = {in.at("bull").text("prefix"), in.at("bull").maybe_text("version")};
  }
  if (in.has("celery")) {
    const Reader celery = in.at("celery");
    out.celery = {celery.text("keyPrefix"), celery.text("separator"),
                  celery.find("prioritySteps")->get<std::vector<std::int64_t>>()};
  }
  out.http = in.maybe_object("http", http_queue);
  out.max_depth = in.number("maxDepth");
  out.max_bytes = in.bytes("maxBytes");
  out.on_delete = choice<OnDelete>(in.text("onDelete"), {"Retain", "Purge"});
  return out;
}

Handler handler(const Reader& in) {
  Handler out;
  if (in.has("exec")) {
    const Reader exec = in.at("exec");
    out.exec = {exec.texts("command"), exec.small("deferExitCode"), exec.small("deadExitCode")};
  }
  if (in.has("stdio")) {
    const Reader stdio = in.at("stdio");
    out.stdio = {stdio.texts("command"), stdio.truth("ready"), stdio.duration("startupTimeout")};
  }
  if (in.has("http")) {
    out.http = {in.at("http").text("url"), in.at("http").maybe_text("readyPath")};
  }
  return out;
}

IntOrPercent int_or_percent(const json& value) {
  if (value.is_number()) return {value.get<std::int64_t>(), false};
  const std::string& text = value.get_ref<const std::string&>();
  return {std::stoll(text), text.ends_with('%')};
}

Workers workers(const Reader& in) {
  Workers out;
  out.concurrency = in.small("concurrency");
  if (const json* pod = in.find("template")) out.pod_template = *pod;
  if (in.has("deploymentRef")) out.deployment_ref = in.at("deploymentRef").text("name");
  out.container = in.maybe_text("container");
  if (in.has("handler")) out.handler = handler(in.at("handler"));
  out.drain_timeout = in.duration("drainTimeout");
  out.max_jobs_per_worker = in.number("maxJobsPerWorker");
  out.max_memory = in.maybe_bytes("maxMemory");
  const Reader rollout = in.at("rollout");
  out.rollout = {int_or_percent(*rollout.find("maxSurge")),
                 int_or_percent(*rollout.find("maxUnavailable"))};
  out.runner_image = in.maybe_text("runnerImage");
  return out;
}

std::int64_t cpu_millis(const std::string& text) {
  if (text.ends_with('m')) return std::stoll(text);
  return std::llround(std::stod(text) * 1000);
}

Ramp ramp(const Reader& in) {
  Ramp out;
  for (const json& item : *in.find("steps")) {
    const Reader step(item);
    out.steps.push_back(
        {step.small("maxReplicas"), step.small("minReplicas"), step.duration("stableFor")});
  }
  out.rollback_to = in.small("rollbackTo");
  out.on_rollback = choice<OnRollback>(in.text("onRollback"), {"Continue", "PauseClaims"});
  if (in.has("rollbackWhen")) {
    const Reader when = in.at("rollbackWhen");
    out.rollback_when = {when.maybe_small("failurePercent"), when.maybe_number("lostJobs"),
                         when.maybe_number("interruptedJobs"), when.maybe_number("stalledWorkers"),
                         when.texts("errorContains")};
  }
  return out;
}

// Workers of these queues can't be told apart from outside, and their SIGTERM handling is unknown.
WhileActive default_while_active(QueueType type) {
  return type == QueueType::list || type == QueueType::stream || type == QueueType::http
             ? WhileActive::hold
             : WhileActive::drain;
}

Scaling scaling(QueueType type, const Reader& in) {
  Scaling out;
  out.min_replicas = in.small("minReplicas");
  out.max_replicas = in.small("maxReplicas");
  out.policy = choice<Policy>(in.text("policy"), kPolicies);
  const Reader ahead = in.at("lookAhead");
  out.look_ahead = {ahead.duration("targetWait"),
                    choice<Headroom>(ahead.text("headroom"), {"Low", "Normal", "High"}),
                    ahead.duration("expectedDuration")};
  const Reader threshold = in.at("threshold");
  out.threshold = {threshold.small("upAtPercent"), threshold.small("downAtPercent"),
                   threshold.small("step"), threshold.number("targetDepth"),
                   threshold.duration("cooldown")};
  out.jobs_per_worker = in.at("targetDepth").number("jobsPerWorker");
  out.while_active = in.has("whileActive")
                         ? choice<WhileActive>(in.text("whileActive"), {"Drain", "Hold"})
                         : default_while_active(type);
  out.spare_workers = in.small("spareWorkers");
  out.scale_down_window = in.maybe_duration("scaleDownWindow");
  out.scale_to_zero_after = in.duration("scaleToZeroAfter");
  const Reader up = in.at("maxScaleUp");
  out.max_scale_up = {up.small("workers"), up.small("percent"), up.duration("period")};
  out.fallback = {in.at("fallback").small("replicas"), in.at("fallback").duration("after")};
  const Reader budget = in.at("budget");
  if (budget.has("cpu")) out.budget.cpu_millis = cpu_millis(budget.text("cpu"));
  out.budget.memory = budget.maybe_bytes("memory");
  for (const json& item : *in.find("schedules")) {
    const Reader schedule(item);
    out.schedules.push_back({schedule.text("name"), schedule.text("timeZone"),
                             schedule.text("start"), schedule.text("end"),
                             schedule.small("minReplicas")});
  }
  out.ramp = in.maybe_object("ramp", ramp);
  return out;
}

Jobs jobs(const Reader& in) {
  Jobs out;
  out.lease = in.duration("lease");
  out.on_partition = choice<OnPartition>(in.text("onPartition"), {"Kill", "Continue"});
  out.timeout = in.duration("timeout");
  out.max_attempts = in.small("maxAttempts");
  out.max_crashes = in.small("maxCrashes");
  out.max_losses = in.small("maxLosses");
  out.max_active = in.number("maxActive");
  out.rate = {in.at("rate").number("jobs"), in.at("rate").duration("per")};
  const Reader backoff = in.at("backoff");
  out.backoff = {backoff.duration("initial"), backoff.small("factor"), backoff.duration("max"),
                 backoff.small("jitterPercent")};
  const Reader retention = in.at("retention");
  const Reader completed = retention.at("completed");
  const Reader dead = retention.at("dead");
  out.retention = {completed.number("count"), completed.duration("age"),
                   dead.number("count"),      dead.duration("age"),
                   dead.bytes("bytes"),       retention.truth("payloads")};
  out.max_payload = in.bytes("maxPayload");
  out.session = {in.at("session").bytes("maxBytes"), in.at("session").duration("ttl")};
  if (const json* schema = in.find("schema"); schema && !schema->empty()) out.schema = *schema;
  return out;
}

}  // namespace

PoolSpec bind_spec(const Metadata& meta, const json& spec) {
  const Reader in(spec);
  PoolSpec out;
  out.queue = queue(meta, in.at("queue"));
  out.workers = workers(in.at("workers"));
  out.scaling = scaling(out.queue.type, in.at("scaling"));
  out.jobs = jobs(in.at("jobs"));
  const Reader health = in.at("health");
  out.health = {health.duration("stallTimeout"), health.duration("checkInterval")};
  out.pause = choice<Pause>(in.text("pause"), kPauses);
  out.replicas = in.maybe_small("replicas");
  return out;
}

json IntOrPercent::to_json() const {
  return percent ? json(std::to_string(value) + "%") : json(value);
}

std::string_view to_string(QueueType type) {
  return kTypes[static_cast<std::size_t>(type)];
}
std::string_view to_string(Policy policy) {
  return kPolicies[static_cast<std::size_t>(policy)];
}
std::string_view to_string(Pause pause) {
  return kPauses[static_cast<std::size_t>(pause)];
}

}  // namespace wp::pool
