#include "operator/pool/rules.h"

#include "tests/operator/pool/support.h"

using namespace wp;
using namespace wp::pool;

namespace {

struct Case {
  const char* patch;
  const char* line;
};

// Each rule once. The CRD's twin of each is tried on a real API server in tests/crds.
const Case kCases[] = {
    {R"({"queue": {"name": "other/thumbnails"}})",
     "spec.queue.name is \"other/thumbnails\", outside this namespace; allowed: media/<any name>, "
     "or an operator that runs with --allow-foreign-queue-names"},
    {R"({"queue": {"name": "media/a b"}})",
     "spec.queue.name is \"media/a b\"; allowed: 1 to 128 letters, digits, '.', '_', ':', '/' and "
     "'-'"},
    {R"({"queue": {"type": "Sidekiq"}, "workers": {"handler": null}})",
     "spec.queue.name is missing; allowed: the queue's name as that system knows it"},
    {R"({"queue": {"redis": null}})",
     "spec.queue.redis is missing; allowed: queue.redis.url, such as redis://redis:6379/0, or "
     "queue.redis.urlSecretRef"},
    {R"({"queue": {"redis": {"url": null}}})",
     "spec.queue.redis has no url; allowed: exactly one of url and urlSecretRef"},
    {R"({"queue": {"redis": {"urlSecretRef": {"name": "a", "key": "b"}}}})",
     "spec.queue.redis has both url and urlSecretRef; allowed: exactly one of url and "
     "urlSecretRef"},
    {R"({"queue": {"redis": {"url": "redis://u:hunter2@redis:6379"}}})",
     "spec.queue.redis.url contains a user name or password; allowed: redis://host:port/db, and "
     "the credentials in a Secret named by queue.redis.secretRef"},
    {R"({"queue": {"redis": {"url": "http://redis"}}})",
     "spec.queue.redis.url is not a URL of this form; allowed: redis://host:port/db or "
     "rediss://host:port/db"},
    {R"({"queue": {"redis": {"url": "redis://redis/0?password=x"}}})",
     "spec.queue.redis.url is not a URL of this form; allowed: redis://host:port/db or "
     "rediss://host:port/db"},
    {R"({"queue": {"redis": {"url": "unix:///run/redis.sock"}}})",
     "spec.queue.redis.url is not a URL of this form; allowed: redis://host:port/db or "
     "rediss://host:port/db"},
    {R"({"queue": {"stream": {"group": "g"}}})",
     "spec.queue.stream does not go with queue.type Jobs; allowed: remove it, or set queue.type to "
     "Stream"},
    {R"({"queue": {"bull": {}}})",
     "spec.queue.bull does not go with queue.type Jobs; allowed: remove it, or set queue.type to "
     "Bull or BullMQ"},
    {R"({"queue": {"type": "Http", "redis": null}, "workers": {"handler": null}})",
     "spec.queue.http is missing; allowed: queue.http.url: where the depth is read"},
    {R"({"queue": {"type": "Http", "http": {"url": "http://a/b"}}, "workers": {"handler": null}})",
     "spec.queue.redis does not go with queue.type Http; allowed: remove it"},
    {R"({"workers": {"deploymentRef": {"name": "web"}}})",
     "spec.workers has both template and deploymentRef; allowed: template (a Deployment is "
     "created) or deploymentRef (an existing one is scaled)"},
    {R"({"workers": {"template": null, "handler": null}})",
     "spec.workers has neither template nor deploymentRef; allowed: template (a Deployment is "
     "created) or deploymentRef (an existing one is scaled)"},
    {R"({"workers": {"template": null, "deploymentRef": {"name": "web"}}})",
     "spec.workers.handler needs workers.template; allowed: remove it, or declare the workers as a "
     "template"},
    {R"({"workers": {"template": {"spec": {"containers": []}}}})",
     "spec.workers.template.spec.containers is not a list of 1 to 20 containers; allowed: at least "
     "one container with a name"},
    {R"({"workers": {"template": {"spec": {"containers": [{"image": "x"}]}}}})",
     "spec.workers.template.spec.containers[0].name is missing; allowed: lower-case letters, "
     "digits "
     "and '-'"},
    {R"({"workers": {"template": {"metadata": {"labels": {"a": 1}}}}})",
     "spec.workers.template.metadata.labels is not a map of texts; allowed: names and texts; "
     "numbers and true or false in quotes"},
    {R"({"workers": {"container": "sidecar"}})",
     "spec.workers.container is \"sidecar\", which the template does not have; allowed: the name "
     "of "
     "one of the template's containers"},
    {R"({"queue": {"type": "RQ", "name": "default"}})",
     "spec.workers.handler does not go with queue.type RQ; allowed: remove it: the workers of this "
     "queue fetch their jobs themselves"},
    {R"({"workers": {"handler": {"stdio": {"command": ["x"]}}}})",
     "spec.workers.handler names more than one kind; allowed: one of exec, stdio and http"},
    {R"({"workers": {"handler": {"exec": {"deferExitCode": 65}}}})",
     "spec.workers.handler.exec has the same deferExitCode and deadExitCode; allowed: two "
     "different "
     "exit codes"},
    {R"({"workers": {"handler": {"exec": null, "http": {"url": "http://169.254.169.254/"}}}})",
     "spec.workers.handler.http.url is \"http://169.254.169.254/\"; allowed: a URL on the pod "
     "itself, such as http://127.0.0.1:8000/jobs"},
    {R"({"workers": {"rollout": {"maxSurge": "0%", "maxUnavailable": "0"}}})",
     "spec.workers.rollout lets no pod be replaced; allowed: maxSurge or maxUnavailable above 0"},
    {R"({"scaling": {"minReplicas": 11}})",
     "spec.scaling.minReplicas is 11, above maxReplicas (10); allowed: lower minReplicas, or raise "
     "maxReplicas"},
    {R"({"scaling": {"threshold": {"downAtPercent": 200}}})",
     "spec.scaling.threshold.downAtPercent is 200, not below upAtPercent (200); allowed: a number "
     "below upAtPercent, or the pool swings between both"},
    {R"({"scaling": {"schedules": [
         {"name": "a", "start": "0 8 * * *", "end": "0 9 * * *", "minReplicas": 1},
         {"name": "a", "start": "0 8 * * *", "end": "0 9 * * *", "minReplicas": 1}]}})",
     "spec.scaling.schedules has two entries named \"a\"; allowed: a name of its own for each"},
    {R"({"scaling": {"ramp": {"steps": [{"maxReplicas": 2, "stableFor": "1h"},
                                        {"maxReplicas": 2, "stableFor": "1h"}]}}})",
     "spec.scaling.ramp.steps[1].maxReplicas is not above the step before; allowed: steps with a "
     "rising maxReplicas"},
    {R"({"scaling": {"ramp": {"steps": [{"maxReplicas": 2, "minReplicas": 3,
                                         "stableFor": "1h"}]}}})",
     "spec.scaling.ramp.steps[0].minReplicas is above maxReplicas; allowed: a number up to "
     "maxReplicas"},
    {R"({"scaling": {"ramp": {"steps": [{"maxReplicas": 2, "stableFor": "1h"}],
                              "rollbackTo": 3}}})",
     "spec.scaling.ramp.rollbackTo is above the first step's maxReplicas; allowed: a number up to "
     "the first step's maxReplicas"},
    {R"({"jobs": {"backoff": {"initial": "20m"}}})",
     "spec.jobs.backoff.initial is \"20m\", above max (\"10m\"); allowed: a time up to "
     "backoff.max"},
};

std::string name_problem(const std::string& name) {
  nlohmann::json object = minimal_object();
  object["metadata"]["name"] = name;
  const auto found = lines(read_pool(object).problems);
  return found.empty() ? "" : found.front();
}

}  // namespace

TEST_CASE("each rule has its own line") {
  for (const Case& one : kCases) {
    CAPTURE(one.patch);
    CHECK(problems_of(one.patch) == std::vector<std::string>{one.line});
  }
}

TEST_CASE("what the rules allow") {
  for (const char* patch : {
           R"({"queue": {"name": "media/low"}})",
           R"({"queue": {"redis": {"url": "rediss://[fd00::1]:6380/3"}}})",
           R"({"queue": {"type": "Http", "redis": null, "http": {"url": "https://a.b/c"}},
               "workers": {"handler": null}})",
           R"({"queue": {"type": "BullMQ", "name": "jobs {a}", "bull": {}},
               "workers": {"handler": null, "template": null, "deploymentRef": {"name": "n8n"}}})",
           R"({"workers": {"handler": {"exec": null, "http": {"url": "http://[::1]:80/x"}}}})",
           R"({"workers": {"handler": null}})",
           R"({"scaling": {"minReplicas": 0, "maxReplicas": 0}})",
           R"({"workers": {"rollout": {"maxSurge": 0, "maxUnavailable": 1}}})",
       }) {
    CAPTURE(patch);
    CHECK(problems_of(patch).empty());
  }
}

TEST_CASE("a password in the URL never reaches a message") {
  for (const char* url : {"redis://u:hunter2@redis", "hunter2", "redis://:hunter2@", "x:hunter2@y",
                          "redis://redis/hunter2", "redis://r:6379/0?password=hunter2"}) {
    const auto found =
        problems_of(std::string(R"({"queue": {"redis": {"url": ")") + url + R"("}}})");
    REQUIRE(found.size() == 1);
    CHECK(found[0].find("hunter2") == std::string::npos);
  }
}

TEST_CASE("queue names outside the namespace by leave of the operator") {
  const char* patch = R"({"queue": {"name": "shared"}})";
  CHECK_FALSE(problems_of(patch).empty());
  CHECK(problems_of(patch, {.foreign_queue_names = true}).empty());
  CHECK(problems_of(patch, {.local = true}).empty());
}

TEST_CASE("a local pool may use a unix socket, and has to say what a job runs") {
  CHECK(problems_of(R"({"queue": {"redis": {"url": "unix:///tmp/r.sock"}}})", {.local = true})
            .empty());
  CHECK(problems_of(R"({"workers": {"handler": null}})", {.local = true}) ==
        std::vector<std::string>{
            "spec.workers.handler is missing; allowed: handler.exec.command: what a job runs"});
}

TEST_CASE("names that a Deployment of the workers can't carry") {
  CHECK(name_problem(std::string(52, 'a')).empty());
  CHECK(name_problem(std::string(53, 'a')) ==
        "metadata.name is longer than 52 characters; allowed: a shorter name: the workers are "
        "called <name>-worker");
  CHECK(name_problem("") ==
        "metadata.name is missing; allowed: lower-case letters, digits, '-' and '.'");
  CHECK(name_problem("Big").starts_with("metadata.name is \"Big\""));
}
