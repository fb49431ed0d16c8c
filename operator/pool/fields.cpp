#include "operator/pool/fields.h"

namespace wp::pool {
namespace {

constexpr std::int64_t kSecond = 1000;
constexpr std::int64_t kHour = 3600 * kSecond;
constexpr std::int64_t kWeek = 168 * kHour;
constexpr std::int64_t kYear = 8760 * kHour;
constexpr std::int64_t kKi = 1024;
constexpr std::int64_t kMi = kKi * 1024;
constexpr std::int64_t kTi = kMi * kMi;
constexpr std::int64_t kMaxWorkers = 10000;
constexpr std::int64_t kMaxCount = 1000000000;

constexpr std::string_view kObjectName = "^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$";
constexpr std::string_view kObjectNameWords = "lower-case letters, digits, '-' and '.'";
constexpr std::string_view kLabel = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$";
constexpr std::string_view kLabelWords = "lower-case letters, digits and '-'";
constexpr std::string_view kSecretKey = "^[-._a-zA-Z0-9]+$";
constexpr std::string_view kSecretKeyWords = "letters, digits, '-', '_' and '.'";
constexpr std::string_view kNode = R"(^[0-9A-Za-z.:_\[\]-]+$)";
constexpr std::string_view kPointer = "^(/.*)?$";
constexpr std::string_view kCron = "^[0-9A-Za-z*/,-]+( +[0-9A-Za-z*/,-]+){4}$";
constexpr std::string_view kCronWords = "five fields of a crontab, such as \"0 8 * * 1-5\"";
constexpr std::string_view kZone = "^[A-Za-z0-9_+/-]+$";
constexpr std::string_view kZoneWords = "a name of the time zone database, such as Europe/Berlin";
// What problem_with_http_path() of base/loopback_url.h lets through.
constexpr std::string_view kPath = "^/[!-\"$-~]*$";
constexpr std::string_view kPathWords = "a path that begins with '/', of visible ASCII without '#'";

constexpr Field object(std::string_view path, const char* preset = nullptr, unsigned flags = 0) {
  return {.path = path, .kind = Kind::object, .preset = preset, .flags = flags};
}
constexpr Field list(std::string_view path, std::int64_t min, std::int64_t max,
                     const char* preset = nullptr, unsigned flags = 0) {
  return {
      .path = path, .kind = Kind::list, .preset = preset, .min = min, .max = max, .flags = flags};
}
constexpr Field text(std::string_view path, std::int64_t min, std::int64_t max, unsigned flags = 0,
                     std::string_view form = {}, std::string_view allowed = {},
                     const char* preset = nullptr) {
  return {path, Kind::text, preset, min, max, form, allowed, flags};
}
constexpr Field object_name(std::string_view path, unsigned flags = kRequired) {
  return text(path, 1, 253, flags, kObjectName, kObjectNameWords);
}
constexpr Field secret_key(std::string_view path, const char* preset = nullptr) {
  return text(path, 1, 253, preset == nullptr ? kRequired : 0U, kSecretKey, kSecretKeyWords,
              preset);
}
constexpr Field integer(std::string_view path, const char* preset, std::int64_t min,
                        std::int64_t max, unsigned flags = 0) {
  return {.path = path,
          .kind = Kind::integer,
          .preset = preset,
          .min = min,
          .max = max,
          .flags = flags};
}
constexpr Field boolean(std::string_view path, const char* preset) {
  return {.path = path, .kind = Kind::boolean, .preset = preset};
}
constexpr Field duration(std::string_view path, const char* preset, std::int64_t min,
                         std::int64_t max, unsigned flags = 0) {
  return {.path = path,
          .kind = Kind::duration,
          .preset = preset,
          .min = min,
          .max = max,
          .flags = flags};
}
constexpr Field bytes(std::string_view path, const char* preset, std::int64_t min, std::int64_t max,
                      unsigned flags = 0) {
  return {
      .path = path, .kind = Kind::bytes, .preset = preset, .min = min, .max = max, .flags = flags};
}
constexpr Field choice(std::string_view path, const char* preset, std::string_view words,
                       unsigned flags = 0) {
  return {.path = path, .kind = Kind::choice, .preset = preset, .form = words, .flags = flags};
}

constexpr Field kFields[] = {
    object("spec", nullptr, kRequired),

    object("spec.queue", nullptr, kRequired),
    choice("spec.queue.type", "Jobs", "Jobs|List|Stream|Bull|BullMQ|Sidekiq|Celery|RQ|Asynq|Http"),
    text("spec.queue.name", 1, 256),
    object("spec.queue.redis"),
    text("spec.queue.redis.url", 1, 1024, kQuiet),
    object("spec.queue.redis.urlSecretRef"),
    object_name("spec.queue.redis.urlSecretRef.name"),
    secret_key("spec.queue.redis.urlSecretRef.key"),
    object("spec.queue.redis.secretRef"),
    object_name("spec.queue.redis.secretRef.name"),
    secret_key("spec.queue.redis.secretRef.usernameKey", "username"),
    secret_key("spec.queue.redis.secretRef.passwordKey", "password"),
    object("spec.queue.redis.tls"),
    object("spec.queue.redis.tls.caSecretRef"),
    object_name("spec.queue.redis.tls.caSecretRef.name"),
    secret_key("spec.queue.redis.tls.caSecretRef.key"),
    object("spec.queue.redis.tls.certSecretRef"),
    object_name("spec.queue.redis.tls.certSecretRef.name"),
    text("spec.queue.redis.tls.serverName", 0, 253, kBlank),
    boolean("spec.queue.redis.tls.insecureSkipVerify", "false"),
    object("spec.queue.redis.sentinel"),
    text("spec.queue.redis.sentinel.masterName", 1, 128, kRequired),
    list("spec.queue.redis.sentinel.nodes", 1, 15, nullptr, kRequired),
    text("spec.queue.redis.sentinel.nodes[]", 1, 260, 0, kNode, "host or host:port"),
    object("spec.queue.redis.sentinel.secretRef"),
    object_name("spec.queue.redis.sentinel.secretRef.name"),
    secret_key("spec.queue.redis.sentinel.secretRef.usernameKey", "username"),
    secret_key("spec.queue.redis.sentinel.secretRef.passwordKey", "password"),
    object("spec.queue.redis.sentinel.tls"),
    object("spec.queue.redis.sentinel.tls.caSecretRef"),
    object_name("spec.queue.redis.sentinel.tls.caSecretRef.name"),
    secret_key("spec.queue.redis.sentinel.tls.caSecretRef.key"),
    object("spec.queue.redis.sentinel.tls.certSecretRef"),
    object_name("spec.queue.redis.sentinel.tls.certSecretRef.name"),
    text("spec.queue.redis.sentinel.tls.serverName", 0, 253, kBlank),
    boolean("spec.queue.redis.sentinel.tls.insecureSkipVerify", "false"),
    object("spec.queue.list"),
    text("spec.queue.list.processing", 0, 256, kBlank),
    object("spec.queue.stream"),
    text("spec.queue.stream.group", 0, 256, kBlank),
    object("spec.queue.bull"),
    text("spec.queue.bull.prefix", 1, 128, 0, {}, {}, "bull"),
    text("spec.queue.bull.version", 0, 16, kBlank),
    object("spec.queue.celery"),
    text("spec.queue.celery.keyPrefix", 0, 128, 0, {}, {}, ""),
    text("spec.queue.celery.separator", 0, 16, 0, {}, {}, "\x06\x16"),
    list("spec.queue.celery.prioritySteps", 1, 20, "[0,3,6,9]"),
    integer("spec.queue.celery.prioritySteps[]", nullptr, 0, 255),
    object("spec.queue.http"),
    text("spec.queue.http.url", 1, 1024, kRequired | kQuiet, "^https?://[^/?#@]+([/?#].*)?$",
         "http:// or https:// without user name and password"),
    text("spec.queue.http.waitingPointer", 0, 256, 0, kPointer, "a JSON pointer", "/waiting"),
    text("spec.queue.http.activePointer", 0, 256, kBlank, kPointer, "a JSON pointer"),
    object("spec.queue.http.headerSecretRef"),
    object_name("spec.queue.http.headerSecretRef.name"),
    secret_key("spec.queue.http.headerSecretRef.key"),
    duration("spec.queue.http.timeout", "5s", 100, 60 * kSecond),
    integer("spec.queue.maxDepth", "1000000", 0, kMaxCount),
    bytes("spec.queue.maxBytes", "256Mi", 0, kTi),
    choice("spec.queue.onDelete", "Retain", "Retain|Purge"),

    object("spec.workers", nullptr, kRequired),
    integer("spec.workers.concurrency", "1", 1, 1000),
    {.path = "spec.workers.template", .kind = Kind::free},
    object("spec.workers.deploymentRef"),
    object_name("spec.workers.deploymentRef.name"),
    text("spec.workers.container", 0, 63, kBlank, kLabel, kLabelWords),
    object("spec.workers.handler"),
    object("spec.workers.handler.exec"),
    list("spec.workers.handler.exec.command", 1, 64, nullptr, kRequired),
    text("spec.workers.handler.exec.command[]", 0, 4096),
    integer("spec.workers.handler.exec.deferExitCode", "75", 1, 125),
    integer("spec.workers.handler.exec.deadExitCode", "65", 1, 125),
    object("spec.workers.handler.stdio"),
    list("spec.workers.handler.stdio.command", 1, 64, nullptr, kRequired),
    text("spec.workers.handler.stdio.command[]", 0, 4096),
    boolean("spec.workers.handler.stdio.ready", "false"),
    duration("spec.workers.handler.stdio.startupTimeout", "60s", kSecond, kHour),
    object("spec.workers.handler.http"),
    text("spec.workers.handler.http.url", 1, 1024, kRequired),
    text("spec.workers.handler.http.readyPath", 0, 256, kBlank, kPath, kPathWords),
    duration("spec.workers.drainTimeout", "5m", 0, kWeek),
    integer("spec.workers.maxJobsPerWorker", "0", 0, kMaxCount),
    bytes("spec.workers.maxMemory", nullptr, kMi, 16 * kTi, kBlank),
    object("spec.workers.rollout", "{}"),
    {.path = "spec.workers.rollout.maxSurge", .kind = Kind::int_or_percent, .preset = "25%"},
    {.path = "spec.workers.rollout.maxUnavailable", .kind = Kind::int_or_percent, .preset = "0"},
    text("spec.workers.runnerImage", 0, 512, kBlank),

    object("spec.scaling", "{}"),
    integer("spec.scaling.minReplicas", "0", 0, kMaxWorkers),
    integer("spec.scaling.maxReplicas", "10", 0, kMaxWorkers),
    choice("spec.scaling.policy", "LookAhead", "LookAhead|SlotPerJob|Threshold|TargetDepth"),
    object("spec.scaling.lookAhead", "{}", kTuning),
    duration("spec.scaling.lookAhead.targetWait", "2s", 0, kHour, kTuning),
    choice("spec.scaling.lookAhead.headroom", "Normal", "Low|Normal|High", kTuning),
    duration("spec.scaling.lookAhead.expectedDuration", "10s", 1, kWeek, kTuning),
    object("spec.scaling.threshold", "{}", kTuning),
    integer("spec.scaling.threshold.upAtPercent", "200", 1, 1000000, kTuning),
    integer("spec.scaling.threshold.downAtPercent", "50", 0, 1000000, kTuning),
    integer("spec.scaling.threshold.step", "0", 0, kMaxWorkers, kTuning),
    integer("spec.scaling.threshold.targetDepth", "0", 0, kMaxCount, kTuning),
    duration("spec.scaling.threshold.cooldown", "60s", 0, kHour, kTuning),
    object("spec.scaling.targetDepth", "{}", kTuning),
    integer("spec.scaling.targetDepth.jobsPerWorker", "10", 1, kMaxCount, kTuning),
    choice("spec.scaling.whileActive", nullptr, "Drain|Hold"),
    integer("spec.scaling.spareWorkers", "0", 0, kMaxWorkers),
    duration("spec.scaling.scaleDownWindow", nullptr, 0, kHour, kBlank),
    duration("spec.scaling.scaleToZeroAfter", "60s", 0, kWeek, kTuning),
    object("spec.scaling.maxScaleUp", "{}", kTuning),
    integer("spec.scaling.maxScaleUp.workers", "20", 1, kMaxWorkers, kTuning),
    integer("spec.scaling.maxScaleUp.percent", "100", 0, 10000, kTuning),
    duration("spec.scaling.maxScaleUp.period", "5s", kSecond, kHour, kTuning),
    object("spec.scaling.fallback", "{}", kTuning),
    integer("spec.scaling.fallback.replicas", "0", 0, kMaxWorkers, kTuning),
    duration("spec.scaling.fallback.after", "30s", kSecond, 24 * kHour, kTuning),
    object("spec.scaling.budget", "{}", kTuning),
    {.path = "spec.scaling.budget.cpu", .kind = Kind::cpu, .max = 1000000000, .flags = kBlank},
    bytes("spec.scaling.budget.memory", nullptr, 1, 1024 * kTi, kBlank),
    list("spec.scaling.schedules", 0, 32, "[]", kTuning),
    object("spec.scaling.schedules[]"),
    text("spec.scaling.schedules[].name", 1, 63, kRequired, kLabel, kLabelWords),
    text("spec.scaling.schedules[].timeZone", 1, 64, 0, kZone, kZoneWords, "UTC"),
    text("spec.scaling.schedules[].start", 9, 128, kRequired, kCron, kCronWords),
    text("spec.scaling.schedules[].end", 9, 128, kRequired, kCron, kCronWords),
    integer("spec.scaling.schedules[].minReplicas", nullptr, 0, kMaxWorkers, kRequired),
    object("spec.scaling.ramp"),
    list("spec.scaling.ramp.steps", 1, 20, nullptr, kRequired),
    object("spec.scaling.ramp.steps[]"),
    integer("spec.scaling.ramp.steps[].maxReplicas", nullptr, 1, kMaxWorkers, kRequired),
    integer("spec.scaling.ramp.steps[].minReplicas", "0", 0, kMaxWorkers),
    duration("spec.scaling.ramp.steps[].stableFor", nullptr, kSecond, kYear, kRequired),
    integer("spec.scaling.ramp.rollbackTo", "1", 0, kMaxWorkers),
    choice("spec.scaling.ramp.onRollback", "Continue", "Continue|PauseClaims"),
    object("spec.scaling.ramp.rollbackWhen"),
    integer("spec.scaling.ramp.rollbackWhen.failurePercent", nullptr, 1, 100),
    integer("spec.scaling.ramp.rollbackWhen.lostJobs", nullptr, 1, kMaxCount),
    integer("spec.scaling.ramp.rollbackWhen.interruptedJobs", nullptr, 1, kMaxCount),
    integer("spec.scaling.ramp.rollbackWhen.stalledWorkers", nullptr, 1, kMaxCount),
    list("spec.scaling.ramp.rollbackWhen.errorContains", 0, 20),
    text("spec.scaling.ramp.rollbackWhen.errorContains[]", 1, 200),

    object("spec.jobs", "{}"),
    duration("spec.jobs.lease", "15s", kSecond, kHour),
    choice("spec.jobs.onPartition", "Kill", "Kill|Continue"),
    duration("spec.jobs.timeout", "0s", 0, kYear),
    integer("spec.jobs.maxAttempts", "5", 1, 1000),
    integer("spec.jobs.maxCrashes", "3", 0, 1000),
    integer("spec.jobs.maxLosses", "20", 0, 100000),
    integer("spec.jobs.maxActive", "0", 0, kMaxCount),
    object("spec.jobs.rate", "{}"),
    integer("spec.jobs.rate.jobs", "0", 0, kMaxCount),
    duration("spec.jobs.rate.per", "1s", 100, 24 * kHour),
    object("spec.jobs.backoff", "{}"),
    duration("spec.jobs.backoff.initial", "1s", 0, kWeek),
    integer("spec.jobs.backoff.factor", "2", 1, 10),
    duration("spec.jobs.backoff.max", "10m", 0, kWeek),
    integer("spec.jobs.backoff.jitterPercent", "20", 0, 100),
    object("spec.jobs.retention", "{}"),
    object("spec.jobs.retention.completed", "{}"),
    integer("spec.jobs.retention.completed.count", "1000", 0, 10000000),
    duration("spec.jobs.retention.completed.age", "24h", 0, kYear),
    object("spec.jobs.retention.dead", "{}"),
    integer("spec.jobs.retention.dead.count", "10000", 0, 10000000),
    duration("spec.jobs.retention.dead.age", "4320h", 0, kYear),
    bytes("spec.jobs.retention.dead.bytes", "64Mi", 0, kTi),
    boolean("spec.jobs.retention.payloads", "false"),
    bytes("spec.jobs.maxPayload", "64Ki", 1, kMi),
    object("spec.jobs.session", "{}"),
    bytes("spec.jobs.session.maxBytes", "1Mi", 1, 16 * kMi),
    duration("spec.jobs.session.ttl", "24h", kSecond, kYear),
    {.path = "spec.jobs.schema", .kind = Kind::free},

    object("spec.health", "{}"),
    duration("spec.health.stallTimeout", "10m", kSecond, kWeek),
    duration("spec.health.checkInterval", "30s", kSecond, kHour),
    choice("spec.pause", "None", "None|ScaleIn|ScaleOut|Scaling|Claims"),
    integer("spec.replicas", nullptr, 0, kMaxWorkers),
};

}  // namespace

std::span<const Field> fields() {
  return kFields;
}

}  // namespace wp::pool
