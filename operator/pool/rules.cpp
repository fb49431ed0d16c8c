#include "operator/pool/rules.h"

#include <algorithm>
#include <regex>
#include <set>
#include <string>
#include <utility>

#include "base/calendar/cron.h"
#include "base/calendar/time_zone.h"
#include "base/loopback_url.h"
#include "base/schema/schema.h"
#include "base/units.h"
#include "operator/pool/normalize.h"

namespace wp::pool {
namespace {

using nlohmann::json;

class Rules {
 public:
  Rules(const Metadata& meta, const json& spec, const ParseOptions& options,
        std::vector<SpecProblem>& problems)
      : meta_(meta), spec_(spec), options_(options), problems_(problems) {}

  void check() {
    name();
    const json& queue = spec_.at("queue");
    queue_name(queue);
    queue_blocks(queue);
    if (queue.contains("redis")) redis(queue.at("redis"));
    const json& workers = spec_.at("workers");
    target(workers);
    handler(workers, queue.at("type"));
    rollout(workers.at("rollout"));
    scaling(spec_.at("scaling"));
    jobs(spec_.at("jobs"));
  }

 private:
  void problem(std::string path, std::string what, std::string allowed) {
    problems_.push_back({std::move(path), std::move(what), std::move(allowed)});
  }

  void name() {
    static const std::regex form("^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$");
    if (meta_.name.empty()) {
      problem("metadata.name", "is missing", "lower-case letters, digits, '-' and '.'");
    } else if (meta_.name.size() > kMaxNameLength) {
      problem("metadata.name", "is longer than 52 characters",
              "a shorter name: the workers are called <name>-worker");
    } else if (!std::regex_match(meta_.name, form)) {
      problem("metadata.name", "is " + shown(meta_.name),
              "lower-case letters, digits, '-' and '.'");
    }
  }

  void queue_name(const json& queue) {
    static const std::regex form("^[A-Za-z0-9._:/-]{1,128}$");
    const bool jobs = queue.at("type") == "Jobs";
    if (!queue.contains("name")) {
      if (!jobs && queue.at("type") != "Http") {
        problem("spec.queue.name", "is missing", "the queue's name as that system knows it");
      }
      return;
    }
    if (!jobs) return;
    const std::string& text = queue.at("name").get_ref<const std::string&>();
    const std::string prefix = meta_.ns + "/";
    if (!std::regex_match(text, form)) {
      problem("spec.queue.name", "is " + shown(text),
              "1 to 128 letters, digits, '.', '_', ':', '/' and '-'");
    } else if (!options_.local && !options_.foreign_queue_names && !text.starts_with(prefix)) {
      problem("spec.queue.name", "is " + shown(text) + ", outside this namespace",
              prefix + "<any name>, or an operator that runs with --allow-foreign-queue-names");
    }
  }

  void queue_blocks(const json& queue) {
    const std::string& type = queue.at("type").get_ref<const std::string&>();
    const std::pair<const char*, std::set<std::string>> blocks[] = {{"list", {"List"}},
                                                                    {"stream", {"Stream"}},
                                                                    {"bull", {"Bull", "BullMQ"}},
                                                                    {"celery", {"Celery"}},
                                                                    {"http", {"Http"}}};
    for (const auto& [block, types] : blocks) {
      if (!queue.contains(block) || types.contains(type)) continue;
      std::string words;
      for (const std::string& word : types) words += (words.empty() ? "" : " or ") + word;
      problem(std::string("spec.queue.") + block, "does not go with queue.type " + type,
              "remove it, or set queue.type to " + words);
    }
    if (type == "Http") {
      if (!queue.contains("http")) {
        problem("spec.queue.http", "is missing", "queue.http.url: where the depth is read");
      }
      if (queue.contains("redis")) {
        problem("spec.queue.redis", "does not go with queue.type Http", "remove it");
      }
    } else if (!queue.contains("redis") && !options_.local) {
      problem("spec.queue.redis", "is missing",
              "queue.redis.url, such as redis://redis:6379/0, or queue.redis.urlSecretRef");
    }
  }

  void redis(const json& redis) {
    const bool url = redis.contains("url");
    if (url == redis.contains("urlSecretRef")) {
      problem("spec.queue.redis", url ? "has both url and urlSecretRef" : "has no url",
              "exactly one of url and urlSecretRef");
    }
    if (!url) return;
    const std::string& text = redis.at("url").get_ref<const std::string&>();
    static const std::regex tcp(
        R"(^rediss?://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?(/[0-9]{0,5})?$)");
    // The value is not repeated below: what is no URL may still hold a password.
    if (text.find('@') != std::string::npos) {
      problem("spec.queue.redis.url", "contains a user name or password",
              "redis://host:port/db, and the credentials in a Secret named by "
              "queue.redis.secretRef");
    } else if (!std::regex_match(text, tcp) && !(options_.local && text.starts_with("unix:///"))) {
      problem("spec.queue.redis.url", "is not a URL of this form",
              options_.local ? "redis://host:port/db, rediss://host:port/db or unix:///path"
                             : "redis://host:port/db or rediss://host:port/db");
    }
  }

  void target(const json& workers) {
    const bool pod = workers.contains("template");
    const bool ref = workers.contains("deploymentRef");
    if ((pod && ref) || (!pod && !ref && !options_.local)) {
      problem(
          "spec.workers",
          pod ? "has both template and deploymentRef" : "has neither template nor deploymentRef",
          "template (a Deployment is created) or deploymentRef (an existing one is scaled)");
    }
    if (pod) pod_template(workers);
  }

  void pod_template(const json& workers) {
    const std::string path = "spec.workers.template";
    const json& pod = workers.at("template");
    for (const char* map : {"labels", "annotations"}) {
      const json::json_pointer where(std::string("/metadata/") + map);
      if (!pod.contains(where) || pod.at(where).is_null()) continue;
      if (!is_string_map(pod.at(where))) {
        problem(path + ".metadata." + map, "is not a map of texts",
                "names and texts; numbers and true or false in quotes");
      }
    }
    const json::json_pointer where("/spec/containers");
    if (!pod.contains(where) || !pod.at(where).is_array() || pod.at(where).empty() ||
        pod.at(where).size() > 20) {
      problem(path + ".spec.containers", "is not a list of 1 to 20 containers",
              "at least one container with a name");
      return;
    }
    std::set<std::string> names;
    const json& containers = pod.at(where);
    for (std::size_t i = 0; i < containers.size(); ++i) {
      const json& one = containers[i];
      if (one.is_object() && one.contains("name") && one.at("name").is_string() &&
          one.at("name") != "") {
        names.insert(one.at("name").get<std::string>());
      } else {
        problem(path + ".spec.containers[" + std::to_string(i) + "].name", "is missing",
                "lower-case letters, digits and '-'");
      }
    }
    if (workers.contains("container") && !names.contains(workers.at("container"))) {
      problem("spec.workers.container",
              "is " + shown(workers.at("container")) + ", which the template does not have",
              "the name of one of the template's containers");
    }
  }

  static bool is_string_map(const json& value) {
    return value.is_object() && std::all_of(value.begin(), value.end(),
                                            [](const json& item) { return item.is_string(); });
  }

  void handler(const json& workers, const json& type) {
    const std::string path = "spec.workers.handler";
    if (!workers.contains("handler")) {
      if (options_.local) {
        problem(path, "is missing", "handler.exec.command: what a job runs");
      }
      return;
    }
    const json& handler = workers.at("handler");
    if (handler.size() > 1) {
      problem(path, "names more than one kind", "one of exec, stdio and http");
    }
    if (type != "Jobs") {
      problem(path, "does not go with queue.type " + type.get<std::string>(),
              "remove it: the workers of this queue fetch their jobs themselves");
    }
    if (!workers.contains("template") && !options_.local) {
      problem(path, "needs workers.template", "remove it, or declare the workers as a template");
    }
    if (handler.contains("exec") &&
        handler.at("exec").at("deferExitCode") == handler.at("exec").at("deadExitCode")) {
      problem(path + ".exec", "has the same deferExitCode and deadExitCode",
              "two different exit codes");
    }
    if (handler.contains("http")) http(handler.at("http"), path + ".http");
    if (handler.contains("http") && workers.contains("maxMemory")) {
      problem("spec.workers.maxMemory",
              "does not go with handler.http: the app is no process of the runner's",
              "remove it, and set resources.limits.memory of the app's container");
    }
    for (const char* kind : {"exec", "stdio"}) {
      if (!handler.contains(kind) || handler.at(kind).at("command").at(0) != "") continue;
      problem(path + "." + kind + ".command", "begins with an empty word",
              "a program and its words, such as [python3, /app/job.py]");
    }
  }

  void http(const json& http, const std::string& path) {
    const std::string& url = http.at("url").get_ref<const std::string&>();
    try {
      (void)parse_loopback_url(url);
    } catch (const LoopbackUrlError& error) {
      problem(path + ".url",
              error.may_be_shown() ? "is " + shown(url) + ", which " + error.what() : error.what(),
              "a URL on the pod itself, such as http://127.0.0.1:8000/jobs");
    }
  }

  void rollout(const json& rollout) {
    const auto zero = [](const json& value) { return value == 0 || value == "0" || value == "0%"; };
    if (zero(rollout.at("maxSurge")) && zero(rollout.at("maxUnavailable"))) {
      problem("spec.workers.rollout", "lets no pod be replaced",
              "maxSurge or maxUnavailable above 0");
    }
  }

  void scaling(const json& scaling) {
    const std::string path = "spec.scaling";
    if (scaling.at("minReplicas") > scaling.at("maxReplicas")) {
      problem(path + ".minReplicas",
              "is " + shown(scaling.at("minReplicas")) + ", above maxReplicas (" +
                  shown(scaling.at("maxReplicas")) + ")",
              "lower minReplicas, or raise maxReplicas");
    }
    const json& threshold = scaling.at("threshold");
    if (threshold.at("downAtPercent") >= threshold.at("upAtPercent")) {
      problem(path + ".threshold.downAtPercent",
              "is " + shown(threshold.at("downAtPercent")) + ", not below upAtPercent (" +
                  shown(threshold.at("upAtPercent")) + ")",
              "a number below upAtPercent, or the pool swings between both");
    }
    schedules(scaling.at("schedules"), path + ".schedules");
    if (scaling.contains("ramp")) ramp(scaling.at("ramp"));
  }

  void schedules(const json& schedules, const std::string& path) {
    std::set<std::string> names;
    for (std::size_t i = 0; i < schedules.size(); ++i) {
      const json& schedule = schedules[i];
      const std::string one = path + "[" + std::to_string(i) + "]";
      if (!names.insert(schedule.at("name").get<std::string>()).second) {
        problem(path, "has two entries named " + shown(schedule.at("name")),
                "a name of its own for each");
      }
      for (const char* field : {"start", "end"}) {
        try {
          (void)Cron::parse(schedule.at(field).get_ref<const std::string&>());
        } catch (const CronError& e) {
          problem(one + "." + field, e.problem(), e.allowed());
        }
      }
      if (!TimeZone::find(schedule.at("timeZone").get<std::string>())) {
        problem(one + ".timeZone",
                "is " + shown(schedule.at("timeZone")) + ", which is not known here",
                "UTC, or a name of this machine's time zone database, such as Europe/Berlin");
      }
    }
  }

  void ramp(const json& ramp) {
    const std::string path = "spec.scaling.ramp";
    const json& steps = ramp.at("steps");
    for (std::size_t i = 0; i < steps.size(); ++i) {
      const std::string step = path + ".steps[" + std::to_string(i) + "]";
      if (i > 0 && steps[i].at("maxReplicas") <= steps[i - 1].at("maxReplicas")) {
        problem(step + ".maxReplicas", "is not above the step before",
                "steps with a rising maxReplicas");
      }
      if (steps[i].at("minReplicas") > steps[i].at("maxReplicas")) {
        problem(step + ".minReplicas", "is above maxReplicas", "a number up to maxReplicas");
      }
    }
    if (ramp.at("rollbackTo") > steps[0].at("maxReplicas")) {
      problem(path + ".rollbackTo", "is above the first step's maxReplicas",
              "a number up to the first step's maxReplicas");
    }
  }

  void jobs(const json& jobs) {
    const json& backoff = jobs.at("backoff");
    if (*parse_duration(backoff.at("initial").get<std::string>()) >
        *parse_duration(backoff.at("max").get<std::string>())) {
      problem(
          "spec.jobs.backoff.initial",
          "is " + shown(backoff.at("initial")) + ", above max (" + shown(backoff.at("max")) + ")",
          "a time up to backoff.max");
    }
    const auto given = jobs.find("schema");
    if (given != jobs.end() && !given->is_null()) schema(*given);
  }

  // Only the operator can see these: CEL can't walk a schema.
  void schema(const json& schema) {
    try {
      (void)Schema::parse(schema.dump(-1, ' ', false, json::error_handler_t::replace));
    } catch (const SchemaError& e) {
      problem("spec.jobs.schema" + e.place(), e.problem(), e.allowed());
    }
  }

  const Metadata& meta_;
  const json& spec_;
  const ParseOptions& options_;
  std::vector<SpecProblem>& problems_;
};

}  // namespace

void check_rules(const Metadata& meta, const json& spec, const ParseOptions& options,
                 std::vector<SpecProblem>& problems) {
  Rules(meta, spec, options, problems).check();
}

}  // namespace wp::pool
