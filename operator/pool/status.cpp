#include "operator/pool/status.h"

#include <algorithm>
#include <concepts>
#include <utility>

namespace wp::pool {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxMessage = 4096;
constexpr std::size_t kMaxReason = 1024;
constexpr std::size_t kMaxTrigger = 256;
constexpr std::size_t kMaxRampJobs = 5;

// At most `limit` bytes, cut between two characters.
std::string cut(const std::string& text, std::size_t limit) {
  if (text.size() <= limit) return text;
  std::size_t end = limit;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end);
}

template <typename T>
void put(json& out, const char* name, const std::optional<T>& value) {
  if (value) out[name] = *value;
}
void put(json& out, const char* name, const std::string& value) {
  if (!value.empty()) out[name] = value;
}

// An object of which nothing is known is absent, too.
void put_parts(json& out, const char* name, json parts) {
  if (!parts.empty()) out[name] = std::move(parts);
}

// Nothing when the field is absent or of another kind.
template <typename T>
std::optional<T> get(const json& in, const char* name) {
  if (!in.is_object()) return std::nullopt;
  const auto it = in.find(name);
  if (it == in.end()) return std::nullopt;
  if constexpr (std::same_as<T, std::string>) {
    if (!it->is_string()) return std::nullopt;
  } else if constexpr (std::same_as<T, bool>) {
    if (!it->is_boolean()) return std::nullopt;
  } else if constexpr (std::same_as<T, json>) {
    if (!it->is_object()) return std::nullopt;
  } else {
    if (!it->is_number_integer()) return std::nullopt;
  }
  return it->get<T>();
}

std::string text(const json& in, const char* name) {
  return get<std::string>(in, name).value_or("");
}

json queue_json(const QueueStatus& queue) {
  json out = {{"name", queue.name}};
  put(out, "waiting", queue.waiting);
  put(out, "delayed", queue.delayed);
  put(out, "active", queue.active);
  put(out, "dead", queue.dead);
  put(out, "oldestWaitSeconds", queue.oldest_wait_seconds);
  put(out, "backpressure", queue.backpressure);
  return out;
}

QueueStatus queue_from(const json& in) {
  return {text(in, "name"),
          get<std::int64_t>(in, "waiting"),
          get<std::int64_t>(in, "delayed"),
          get<std::int64_t>(in, "active"),
          get<std::int64_t>(in, "dead"),
          get<std::int64_t>(in, "oldestWaitSeconds"),
          get<bool>(in, "backpressure")};
}

json workers_json(const WorkersStatus& workers) {
  return {{"busy", workers.busy},
          {"idle", workers.idle},
          {"retiring", workers.retiring},
          {"stalled", workers.stalled},
          {"silent", workers.silent}};
}

WorkersStatus workers_from(const json& in) {
  const auto number = [&in](const char* name) { return get<int>(in, name).value_or(0); };
  return {number("busy"), number("idle"), number("retiring"), number("stalled"), number("silent")};
}

json jobs_json(const JobsStatus& jobs) {
  json out = json::object();
  put(out, "completed", jobs.completed);
  put(out, "failed", jobs.failed);
  put(out, "throughputPerMinute", jobs.throughput_per_minute);
  put(out, "successPercent", jobs.success_percent);
  put(out, "averageDurationMs", jobs.average_duration_ms);
  put(out, "p95DurationMs", jobs.p95_duration_ms);
  return out;
}

JobsStatus jobs_from(const json& in) {
  return {get<std::int64_t>(in, "completed"),           get<std::int64_t>(in, "failed"),
          get<std::int64_t>(in, "throughputPerMinute"), get<int>(in, "successPercent"),
          get<std::int64_t>(in, "averageDurationMs"),   get<std::int64_t>(in, "p95DurationMs")};
}

json decision_json(const DecisionStatus& decision) {
  json out = {{"replicas", decision.replicas}};
  put(out, "cause", decision.cause);
  put(out, "reason", cut(decision.reason, kMaxReason));
  put(out, "time", decision.time);
  return out;
}

json ramp_json(const RampStatus& ramp) {
  json out = {{"step", ramp.step}};
  put(out, "since", ramp.since);
  put(out, "state", ramp.state);
  put(out, "trigger", cut(ramp.trigger, kMaxTrigger));
  if (!ramp.jobs.empty()) {
    const std::size_t count = std::min(ramp.jobs.size(), kMaxRampJobs);
    out["jobs"] = std::vector<std::string>(ramp.jobs.begin(),
                                           ramp.jobs.begin() + static_cast<std::ptrdiff_t>(count));
  }
  put(out, "hash", ramp.hash);
  put(out, "reset", cut(ramp.reset, kMaxRampReset));
  if (ramp.baseline) {
    out["baseline"] = {{"completed", ramp.baseline->completed},
                       {"failed", ramp.baseline->failed},
                       {"lost", ramp.baseline->lost},
                       {"interrupted", ramp.baseline->interrupted}};
  }
  return out;
}

RampStatus ramp_from(const json& in) {
  RampStatus out;
  out.step = get<int>(in, "step").value_or(0);
  out.since = text(in, "since");
  out.state = text(in, "state");
  out.trigger = text(in, "trigger");
  out.hash = text(in, "hash");
  out.reset = text(in, "reset");
  if (const auto baseline = get<json>(in, "baseline")) {
    const auto number = [&baseline](const char* name) {
      return get<std::int64_t>(*baseline, name).value_or(0);
    };
    out.baseline =
        RampBaseline{number("completed"), number("failed"), number("lost"), number("interrupted")};
  }
  const auto it = in.find("jobs");
  if (it != in.end() && it->is_array()) {
    for (const json& job : *it) {
      if (job.is_string()) out.jobs.push_back(job.get<std::string>());
    }
  }
  return out;
}

json measured_json(const MeasuredStatus& measured) {
  json out = json::object();
  put(out, "serviceMs", measured.service_ms);
  put(out, "startMs", measured.start_ms);
  return out;
}

json condition_json(const Condition& condition) {
  // lastTransitionTime is required by the schema; carry_over fills it before a write.
  return {{"type", condition.type},
          {"status", to_string(condition.status)},
          {"reason", condition.reason},
          {"message", cut(condition.message, kMaxMessage)},
          {"observedGeneration", condition.observed_generation},
          {"lastTransitionTime", condition.last_transition_time}};
}

Condition condition_from(const json& in) {
  Condition out;
  out.type = text(in, "type");
  const std::string status = text(in, "status");
  out.status = status == "True"    ? ConditionStatus::is_true
               : status == "False" ? ConditionStatus::is_false
                                   : ConditionStatus::unknown;
  out.reason = text(in, "reason");
  out.message = text(in, "message");
  out.observed_generation = get<std::int64_t>(in, "observedGeneration").value_or(0);
  out.last_transition_time = text(in, "lastTransitionTime");
  return out;
}

json conditions_json(const Status& status) {
  json out = json::array();
  for (const Condition& condition : status.conditions) out.push_back(condition_json(condition));
  return out;
}

// Conditions by type, whatever their order in the list.
json by_type(const json& conditions) {
  json out = json::object();
  for (const json& condition : conditions) out[condition.at("type")] = condition;
  return out;
}

std::optional<HealthStatus> health_from(const std::string& word) {
  for (const auto health :
       {HealthStatus::healthy, HealthStatus::degraded, HealthStatus::unhealthy}) {
    if (word == to_string(health)) return health;
  }
  return std::nullopt;
}

// What is written at once when it changes, out of the JSON of a status.
json urgent_part(const json& status) {
  json out = json::object();
  for (const char* name : {"observedGeneration", "selector", "health", "ramp", "scaleOperations",
                           "lastScaleTime", "desiredReplicas"}) {
    if (status.contains(name)) out[name] = status.at(name);
  }
  // With the same number, a lull that begins or ends (Window) would be a write each time.
  if (status.contains("decision")) out["decided"] = status.at("decision").at("replicas");
  if (status.contains("queue")) {
    out["backpressure"] = status.at("queue").value("backpressure", json());
  }
  json conditions = by_type(status.at("conditions"));
  // A message may carry numbers: alone it is not urgent.
  for (json& condition : conditions) condition.erase("message");
  out["conditions"] = std::move(conditions);
  return out;
}

}  // namespace

std::string_view to_string(ConditionStatus status) {
  switch (status) {
    case ConditionStatus::is_true:
      return "True";
    case ConditionStatus::is_false:
      return "False";
    case ConditionStatus::unknown:
      break;
  }
  return "Unknown";
}

std::string_view to_string(HealthStatus health) {
  switch (health) {
    case HealthStatus::healthy:
      return "Healthy";
    case HealthStatus::degraded:
      return "Degraded";
    case HealthStatus::unhealthy:
      break;
  }
  return "Unhealthy";
}

void Status::set(Condition condition) {
  for (Condition& one : conditions) {
    if (one.type != condition.type) continue;
    one = std::move(condition);
    return;
  }
  conditions.push_back(std::move(condition));
}

const Condition* Status::condition(std::string_view type) const {
  const auto it = std::find_if(conditions.begin(), conditions.end(),
                               [type](const Condition& one) { return one.type == type; });
  return it == conditions.end() ? nullptr : &*it;
}

void carry_over(const Status& previous, Millis now, Status& status) {
  const std::string time = format_time_seconds(now);
  for (Condition& condition : status.conditions) {
    const Condition* before = previous.condition(condition.type);
    const bool same =
        before && before->status == condition.status && !before->last_transition_time.empty();
    condition.last_transition_time = same ? before->last_transition_time : time;
  }
  if (!status.decision) return;
  DecisionStatus& decision = *status.decision;
  const auto& before = previous.decision;
  if (before && before->replicas == decision.replicas && before->cause == decision.cause &&
      !before->time.empty()) {
    decision = *before;
  } else {
    decision.time = time;
  }
}

json to_json(const Status& status) {
  json out = {{"observedGeneration", status.observed_generation}};
  put(out, "replicas", status.replicas);
  put(out, "desiredReplicas", status.desired_replicas);
  put(out, "readyReplicas", status.ready_replicas);
  put(out, "selector", status.selector);
  if (status.queue) out["queue"] = queue_json(*status.queue);
  if (status.workers) out["workers"] = workers_json(*status.workers);
  if (status.jobs) out["jobs"] = jobs_json(*status.jobs);
  if (status.health) out["health"] = to_string(*status.health);
  if (status.decision) out["decision"] = decision_json(*status.decision);
  if (status.ramp) out["ramp"] = ramp_json(*status.ramp);
  if (status.measured) put_parts(out, "measured", measured_json(*status.measured));
  out["scaleOperations"] = status.scale_operations;
  put(out, "lastScaleTime", status.last_scale_time);
  out["conditions"] = conditions_json(status);
  return out;
}

Status status_from_json(const json& in) {
  Status out;
  if (!in.is_object()) return out;
  out.observed_generation = get<std::int64_t>(in, "observedGeneration").value_or(0);
  out.replicas = get<int>(in, "replicas");
  out.desired_replicas = get<int>(in, "desiredReplicas");
  out.ready_replicas = get<int>(in, "readyReplicas");
  out.selector = text(in, "selector");
  if (const auto queue = get<json>(in, "queue")) out.queue = queue_from(*queue);
  if (const auto workers = get<json>(in, "workers")) out.workers = workers_from(*workers);
  if (const auto jobs = get<json>(in, "jobs")) out.jobs = jobs_from(*jobs);
  out.health = health_from(text(in, "health"));
  if (const auto decision = get<json>(in, "decision")) {
    out.decision =
        DecisionStatus{get<int>(*decision, "replicas").value_or(0), text(*decision, "cause"),
                       text(*decision, "reason"), text(*decision, "time")};
  }
  if (const auto ramp = get<json>(in, "ramp")) out.ramp = ramp_from(*ramp);
  if (const auto measured = get<json>(in, "measured")) {
    out.measured = MeasuredStatus{get<std::int64_t>(*measured, "serviceMs"),
                                  get<std::int64_t>(*measured, "startMs")};
  }
  out.scale_operations = get<std::int64_t>(in, "scaleOperations").value_or(0);
  out.last_scale_time = text(in, "lastScaleTime");
  const auto conditions = in.find("conditions");
  if (conditions != in.end() && conditions->is_array()) {
    for (const json& one : *conditions) {
      if (!text(one, "type").empty()) out.set(condition_from(one));
    }
  }
  return out;
}

Difference compare(const Status& before, const Status& after) {
  json old_json = to_json(before);
  json new_json = to_json(after);
  if (urgent_part(old_json) != urgent_part(new_json)) return Difference::urgent;
  old_json["conditions"] = by_type(old_json.at("conditions"));
  new_json["conditions"] = by_type(new_json.at("conditions"));
  return old_json == new_json ? Difference::none : Difference::numbers;
}

bool status_differs(const Status& before, const Status& after) {
  return compare(before, after) != Difference::none;
}

}  // namespace wp::pool
