// One pool for each rule that breaks just this one: what the operator's parser says of it, and what
// the API server says by the CRD. Both sides are tried with the same cases, so that neither can
// forget a rule.
#pragma once

namespace wp::pool {

struct RuleCase {
  const char* patch;   // a merge patch on the spec of the smallest pool
  const char* line;    // of the parser
  const char* answer;  // part of the API server's; "": it can't see this, only the operator can
};

inline constexpr RuleCase kRuleCases[] = {
    {R"({"jobs": {"schema": {"properties": {"a/b": {"items": {"format": "date"}}}}}})",
     "spec.jobs.schema/properties/a~1b/items/format is not supported; allowed: type, enum, "
     "required, properties, additionalProperties, items, minimum, maximum, minLength, maxLength, "
     "minItems, maxItems, pattern, and title, description, default, examples, $schema, $id, which "
     "mean nothing",
     ""},
    {R"({"jobs": {"schema": {"type": "int"}}})",
     "spec.jobs.schema/type is \"int\"; allowed: null, boolean, integer, number, string, array, "
     "object, or a list of these",
     ""},
    {R"({"jobs": {"schema": {"pattern": "(?=a)b"}}})",
     "spec.jobs.schema/pattern is \"(?=a)b\": looking around, named groups and flags are not "
     "supported (at byte 1); allowed: regular expressions without back references, looking around "
     "and flags",
     ""},
    {R"({"queue": {"name": "other/thumbnails"}})",
     "spec.queue.name is \"other/thumbnails\", outside this namespace; allowed: media/<any name>, "
     "or an operator that runs with --allow-foreign-queue-names",
     ""},
    {R"({"queue": {"name": "media/a b"}})",
     "spec.queue.name is \"media/a b\"; allowed: 1 to 128 letters, digits, '.', '_', ':', '/' and "
     "'-'",
     "write name as <namespace>/<name>: 1 to 128 letters"},
    {R"({"queue": {"type": "Sidekiq"}, "workers": {"handler": null}})",
     "spec.queue.name is missing; allowed: the queue's name as that system knows it",
     "name is required for this type: write the queue's name as that system knows it"},
    {R"({"queue": {"redis": null}})",
     "spec.queue.redis is missing; allowed: queue.redis.url, such as redis://redis:6379/0, or "
     "queue.redis.urlSecretRef",
     "redis is required: set redis.url"},
    {R"({"queue": {"redis": {"url": null}}})",
     "spec.queue.redis has no url; allowed: exactly one of url and urlSecretRef",
     "set exactly one of url and urlSecretRef"},
    {R"({"queue": {"redis": {"urlSecretRef": {"name": "a", "key": "b"}}}})",
     "spec.queue.redis has both url and urlSecretRef; allowed: exactly one of url and "
     "urlSecretRef",
     "set exactly one of url and urlSecretRef"},
    {R"({"queue": {"redis": {"url": "redis://u:hunter2@redis:6379"}}})",
     "spec.queue.redis.url contains a user name or password; allowed: redis://host:port/db, and "
     "the credentials in a Secret named by queue.redis.secretRef",
     "no user name or password in url: write redis://host:port/db"},
    {R"({"queue": {"redis": {"url": "http://redis"}}})",
     "spec.queue.redis.url is not a URL of this form; allowed: redis://host:port/db or "
     "rediss://host:port/db",
     "write url as redis://host:port/db or rediss://host:port/db"},
    {R"({"queue": {"redis": {"url": "redis://redis/0?password=x"}}})",
     "spec.queue.redis.url is not a URL of this form; allowed: redis://host:port/db or "
     "rediss://host:port/db",
     "write url as redis://host:port/db or rediss://host:port/db"},
    {R"({"queue": {"redis": {"url": "unix:///run/redis.sock"}}})",
     "spec.queue.redis.url is not a URL of this form; allowed: redis://host:port/db or "
     "rediss://host:port/db",
     "write url as redis://host:port/db or rediss://host:port/db"},
    {R"({"queue": {"stream": {"group": "g"}}})",
     "spec.queue.stream does not go with queue.type Jobs; allowed: remove it, or set queue.type to "
     "Stream",
     "remove stream, or set type to Stream"},
    {R"({"queue": {"bull": {}}})",
     "spec.queue.bull does not go with queue.type Jobs; allowed: remove it, or set queue.type to "
     "Bull or BullMQ",
     "remove bull, or set type to Bull or BullMQ"},
    {R"({"queue": {"type": "Http", "redis": null}, "workers": {"handler": null}})",
     "spec.queue.http is missing; allowed: queue.http.url: where the depth is read",
     "type Http needs http.url: where the depth is read"},
    {R"({"queue": {"type": "Http", "http": {"url": "http://a/b"}}, "workers": {"handler": null}})",
     "spec.queue.redis does not go with queue.type Http; allowed: remove it",
     "remove redis: type Http reads its depth from http.url"},
    {R"({"workers": {"deploymentRef": {"name": "web"}}})",
     "spec.workers has both template and deploymentRef; allowed: template (a Deployment is "
     "created) or deploymentRef (an existing one is scaled)",
     "set exactly one of template (a Deployment is created) and deploymentRef"},
    {R"({"workers": {"template": null, "handler": null}})",
     "spec.workers has neither template nor deploymentRef; allowed: template (a Deployment is "
     "created) or deploymentRef (an existing one is scaled)",
     "set exactly one of template (a Deployment is created) and deploymentRef"},
    {R"({"workers": {"template": null, "deploymentRef": {"name": "web"}}})",
     "spec.workers.handler needs workers.template; allowed: remove it, or declare the workers as a "
     "template",
     "remove handler, or declare the workers as template"},
    {R"({"workers": {"template": {"spec": {"containers": []}}}})",
     "spec.workers.template.spec.containers is not a list of 1 to 20 containers; allowed: at least "
     "one container with a name",
     "spec.workers.template.spec.containers: Invalid value: 0: "
     "spec.workers.template.spec.containers in body should have at least 1 items"},
    {R"({"workers": {"template": {"spec": {"containers": [{"image": "x"}]}}}})",
     "spec.workers.template.spec.containers[0].name is missing; allowed: lower-case letters, "
     "digits "
     "and '-'",
     "spec.workers.template.spec.containers[0].name: Required value"},
    {R"({"workers": {"template": {"metadata": {"labels": {"a": 1}}}}})",
     "spec.workers.template.metadata.labels is not a map of texts; allowed: names and texts; "
     "numbers and true or false in quotes",
     "spec.workers.template.metadata.labels.a: Invalid value"},
    {R"({"workers": {"container": "sidecar"}})",
     "spec.workers.container is \"sidecar\", which the template does not have; allowed: the name "
     "of "
     "one of the template's containers",
     "write into container the name of one of the template's containers"},
    {R"({"queue": {"type": "RQ", "name": "default"}})",
     "spec.workers.handler does not go with queue.type RQ; allowed: remove it: the workers of this "
     "queue fetch their jobs themselves",
     "remove workers.handler: the workers of this queue type fetch their jobs themselves"},
    {R"({"workers": {"handler": {"stdio": {"command": ["x"]}}}})",
     "spec.workers.handler names more than one kind; allowed: one of exec, stdio and http",
     "set at most one of exec, stdio and http"},
    {R"({"workers": {"handler": {"exec": {"deferExitCode": 65}}}})",
     "spec.workers.handler.exec has the same deferExitCode and deadExitCode; allowed: two "
     "different "
     "exit codes",
     "deferExitCode and deadExitCode must be two different exit codes"},
    {R"({"workers": {"handler": {"exec": null, "http": {"url": "http://169.254.169.254/"}}}})",
     "spec.workers.handler.http.url is \"http://169.254.169.254/\", which is not on loopback "
     "(127.0.0.0/8, [::1] or localhost); allowed: a URL on the pod itself, such as "
     "http://127.0.0.1:8000/jobs",
     "write url as a URL on the pod itself, such as http://127.0.0.1:8000/jobs"},
    {R"({"workers": {"handler": {"exec": null, "http": {"url": "http://u:hunter2@127.0.0.1/"}}}})",
     "spec.workers.handler.http.url holds a user name; allowed: a URL on the pod itself, such as "
     "http://127.0.0.1:8000/jobs",
     "write url as a URL on the pod itself, such as http://127.0.0.1:8000/jobs"},
    {R"({"workers": {"maxMemory": "512Mi",
                     "handler": {"exec": null, "http": {"url": "http://127.0.0.1/"}}}})",
     "spec.workers.maxMemory does not go with handler.http: the app is no process of the runner's; "
     "allowed: remove it, and set resources.limits.memory of the app's container",
     "remove maxMemory, or write it as resources.limits.memory of the app's container"},
    {R"({"workers": {"handler": {"exec": {"command": [""]}}}})",
     "spec.workers.handler.exec.command begins with an empty word; allowed: a program and its "
     "words, such as [python3, /app/job.py]",
     "begin command with a program, such as [python3, /app/job.py]"},
    {R"({"workers": {"handler": {"exec": null, "stdio": {"command": ["", "x"]}}}})",
     "spec.workers.handler.stdio.command begins with an empty word; allowed: a program and its "
     "words, such as [python3, /app/job.py]",
     "begin command with a program, such as [python3, /app/job.py]"},
    {R"({"workers": {"rollout": {"maxSurge": "0%", "maxUnavailable": "0"}}})",
     "spec.workers.rollout lets no pod be replaced; allowed: maxSurge or maxUnavailable above 0",
     "set maxSurge or maxUnavailable above 0, or no pod can be replaced"},
    {R"({"scaling": {"minReplicas": 11}})",
     "spec.scaling.minReplicas is 11, above maxReplicas (10); allowed: lower minReplicas, or raise "
     "maxReplicas",
     "lower minReplicas, or raise maxReplicas"},
    {R"({"scaling": {"threshold": {"downAtPercent": 200}}})",
     "spec.scaling.threshold.downAtPercent is 200, not below upAtPercent (200); allowed: a number "
     "below upAtPercent, or the pool swings between both",
     "write downAtPercent (default 50) below upAtPercent (default 200)"},
    {R"({"scaling": {"schedules": [
         {"name": "a", "start": "0 8 * * *", "end": "0 9 * * *", "minReplicas": 1},
         {"name": "a", "start": "0 8 * * *", "end": "0 9 * * *", "minReplicas": 1}]}})",
     "spec.scaling.schedules has two entries named \"a\"; allowed: a name of its own for each",
     "spec.scaling.schedules[1]: Duplicate value"},
    {R"({"scaling": {"schedules": [
         {"name": "a", "start": "0 8 * * *", "end": "0 24 * * 1-5", "minReplicas": 1}]}})",
     "spec.scaling.schedules[0].end has \"24\" for the hour (field 2); allowed: 0 to 23, ranges "
     "(1-5), lists (1,3) and steps (*/2)",
     ""},
    {R"({"scaling": {"schedules": [
         {"name": "a", "start": "0 8 31 2 *", "end": "0 9 * * *", "minReplicas": 1}]}})",
     "spec.scaling.schedules[0].start is day 31 of month 2, which never comes; allowed: a day that "
     "the month has",
     ""},
    {R"({"scaling": {"schedules": [{"name": "a", "start": "0 8 * * *", "end": "0 9 * * *",
         "timeZone": "Europe/Berlinn", "minReplicas": 1}]}})",
     "spec.scaling.schedules[0].timeZone is \"Europe/Berlinn\", which is not known here; allowed: "
     "UTC, or a name of this machine's time zone database, such as Europe/Berlin",
     ""},
    {R"({"scaling": {"ramp": {"steps": [{"maxReplicas": 2, "stableFor": "1h"},
                                        {"maxReplicas": 2, "stableFor": "1h"}]}}})",
     "spec.scaling.ramp.steps[1].maxReplicas is not above the step before; allowed: steps with a "
     "rising maxReplicas",
     "write steps with a rising maxReplicas"},
    {R"({"scaling": {"ramp": {"steps": [{"maxReplicas": 2, "minReplicas": 3,
                                         "stableFor": "1h"}]}}})",
     "spec.scaling.ramp.steps[0].minReplicas is above maxReplicas; allowed: a number up to "
     "maxReplicas",
     "write minReplicas up to maxReplicas"},
    {R"({"scaling": {"ramp": {"steps": [{"maxReplicas": 2, "stableFor": "1h"}],
                              "rollbackTo": 3}}})",
     "spec.scaling.ramp.rollbackTo is above the first step's maxReplicas; allowed: a number up to "
     "the first step's maxReplicas",
     "write rollbackTo up to the first step's maxReplicas"},
    {R"({"jobs": {"backoff": {"initial": "20m"}}})",
     "spec.jobs.backoff.initial is \"20m\", above max (\"10m\"); allowed: a time up to "
     "backoff.max",
     "write initial up to max"},
};

/// Merge patches that neither side objects to.
inline constexpr const char* kFinePatches[] = {
    "{}",
    R"({"queue": {"name": "media/low"}})",
    R"({"queue": {"redis": {"url": "rediss://[fd00::1]:6380/3"}}})",
    R"({"queue": {"type": "Http", "redis": null, "http": {"url": "https://a.b/c"}},
        "workers": {"handler": null}})",
    R"({"queue": {"type": "BullMQ", "name": "jobs {a}", "bull": {}},
        "workers": {"handler": null, "template": null, "deploymentRef": {"name": "n8n"}}})",
    R"({"queue": {"type": "Stream", "name": "s", "stream": {"group": "g"}},
        "workers": {"handler": null}})",
    R"({"workers": {"handler": {"exec": null, "http": {"url": "http://[::1]:80/x"}}}})",
    R"({"workers": {"handler": null}})",
    R"({"workers": {"container": "app"}})",
    R"({"workers": {"container": "", "maxMemory": "", "runnerImage": ""}})",
    R"({"scaling": {"minReplicas": 0, "maxReplicas": 0, "scaleDownWindow": ""}})",
    R"({"scaling": {"minReplicas": 2, "maxReplicas": 2, "budget": {"cpu": "", "memory": "8Gi"}}})",
    R"({"scaling": {"threshold": {"upAtPercent": 40, "downAtPercent": 39}}})",
    R"({"scaling": {"schedules": [{"name": "day", "timeZone": "Europe/Berlin",
        "start": "0 8 * * 1-5", "end": "0 18 * * 1-5", "minReplicas": 2}]}})",
    R"({"scaling": {"ramp": {"steps": [{"maxReplicas": 2, "stableFor": "2h"},
        {"maxReplicas": 3, "minReplicas": 3, "stableFor": "1h30m"}], "rollbackTo": 2,
        "rollbackWhen": {"failurePercent": 10, "errorContains": ["no such session"]}}}})",
    R"({"workers": {"rollout": {"maxSurge": 0, "maxUnavailable": 1}}})",
    R"({"workers": {"drainTimeout": "0", "handler": {"exec": {"command": ["sh", "-c", ""]}}}})",
    R"({"jobs": {"timeout": "250ms", "maxPayload": "1M", "schema": {"type": "object"}}})",
    R"({"jobs": {"schema": {}}})",
    R"({"jobs": {"schema": {"type": "object", "required": ["file"], "additionalProperties": false,
        "properties": {"file": {"type": "string", "pattern": "^/data/", "maxLength": 200},
                       "width": {"type": ["integer", "null"], "minimum": 1}}}}})",
    R"({"replicas": 0, "pause": "Claims"})",
};

}  // namespace wp::pool
