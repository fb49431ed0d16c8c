#include "operator/pool/parse.h"

#include "tests/operator/pool/support.h"

using namespace wp;
using namespace wp::pool;
using nlohmann::json;

namespace {

const char* const kLocalPool = R"(
apiVersion: workerpool.dev/v1alpha1
kind: WorkerPool
metadata: {name: quickstart}
spec:
  workers:
    handler:
      exec: {command: [sha256sum]}
)";

}  // namespace

TEST_CASE("a pool that says the least gets every default") {
  const Pool pool = pool_with("{}");
  const PoolSpec& spec = pool.spec;
  CHECK(pool.key() == "media/thumbnails");
  CHECK(spec.queue.type == QueueType::jobs);
  CHECK(spec.queue.name == "media/thumbnails");
  CHECK(spec.queue.redis->url == "redis://redis:6379/0");
  CHECK_FALSE(spec.queue.redis->tls.has_value());
  CHECK(spec.queue.max_depth == 1000000);
  CHECK(spec.queue.max_bytes == 256 * 1024 * 1024);
  CHECK(spec.workers.concurrency == 1);
  CHECK_FALSE(spec.workers.container.has_value());
  CHECK(spec.workers.pod_template.at("spec").at("containers").size() == 1);
  CHECK(spec.workers.handler.exec->command == std::vector<std::string>{"/app/job"});
  CHECK(spec.workers.handler.exec->defer_exit_code == 75);
  CHECK(spec.workers.handler.exec->dead_exit_code == 65);
  CHECK(spec.workers.drain_timeout == Millis{300000});
  CHECK(spec.workers.rollout.max_surge == IntOrPercent{25, true});
  CHECK(spec.workers.rollout.max_surge.to_json() == "25%");
  CHECK(spec.workers.rollout.max_unavailable.to_json() == 0);
  CHECK_FALSE(spec.workers.max_memory.has_value());
  CHECK(spec.scaling.min_replicas == 0);
  CHECK(spec.scaling.max_replicas == 10);
  CHECK(spec.scaling.policy == Policy::look_ahead);
  CHECK(spec.scaling.look_ahead.target_wait == Millis{2000});
  CHECK(spec.scaling.while_active == WhileActive::drain);
  CHECK_FALSE(spec.scaling.scale_down_window.has_value());
  CHECK(spec.scaling.scale_to_zero_after == Millis{60000});
  CHECK(spec.scaling.max_scale_up.workers == 20);
  CHECK_FALSE(spec.scaling.budget.cpu_millis.has_value());
  CHECK_FALSE(spec.scaling.ramp.has_value());
  CHECK(spec.jobs.lease == Millis{15000});
  CHECK(spec.jobs.timeout == Millis{0});
  CHECK(spec.jobs.retention.dead_age == Millis{std::int64_t{180} * 24 * 3600 * 1000});
  CHECK(spec.jobs.max_payload == 65536);
  CHECK(spec.jobs.schema.is_null());
  CHECK(spec.pause == Pause::none);
  CHECK_FALSE(spec.replicas.has_value());
}

TEST_CASE("the structs' own defaults are the parser's") {
  // A controller's test may build a PoolSpec by hand.
  const PoolSpec parsed = pool_with("{}").spec;
  const PoolSpec plain;
  CHECK(plain.queue.max_bytes == parsed.queue.max_bytes);
  CHECK(plain.workers.drain_timeout == parsed.workers.drain_timeout);
  CHECK(plain.scaling.threshold.cooldown == parsed.scaling.threshold.cooldown);
  CHECK(plain.scaling.fallback.after == parsed.scaling.fallback.after);
  CHECK(plain.jobs.retention.completed_age == parsed.jobs.retention.completed_age);
  CHECK(plain.jobs.retention.dead_age == parsed.jobs.retention.dead_age);
  CHECK(plain.jobs.retention.dead_bytes == parsed.jobs.retention.dead_bytes);
  CHECK(plain.jobs.session.max_bytes == parsed.jobs.session.max_bytes);
  CHECK(plain.jobs.session.ttl == parsed.jobs.session.ttl);
  CHECK(plain.jobs.backoff.max == parsed.jobs.backoff.max);
  CHECK(plain.health.stall_timeout == parsed.health.stall_timeout);
  CHECK(plain.health.check_interval == parsed.health.check_interval);
}

TEST_CASE("absent, null, blank and zero are told apart") {
  CHECK_FALSE(pool_with(R"({"replicas": null})").spec.replicas.has_value());
  CHECK(pool_with(R"({"replicas": 0})").spec.replicas == 0);
  CHECK(pool_with(R"({"scaling": {"scaleDownWindow": "0s"}})").spec.scaling.scale_down_window ==
        Millis{0});
  CHECK_FALSE(pool_with(R"({"scaling": {"scaleDownWindow": ""}})")
                  .spec.scaling.scale_down_window.has_value());
  CHECK_FALSE(pool_with(R"({"workers": {"maxMemory": "", "container": ""}})")
                  .spec.workers.max_memory.has_value());
  CHECK(pool_with(R"({"jobs": {"maxCrashes": 0}})").spec.jobs.max_crashes == 0);
  CHECK(pool_with(R"({"queue": {"maxDepth": 0}})").spec.queue.max_depth == 0);
}

TEST_CASE("every part of the spec reaches its struct") {
  const Pool pool = pool_with(R"({
    "queue": {"type": "Celery", "name": "celery",
      "redis": {"url": null, "urlSecretRef": {"name": "r", "key": "url"},
                "secretRef": {"name": "auth", "passwordKey": "pw"},
                "tls": {"caSecretRef": {"name": "ca", "key": "ca.crt"},
                        "certSecretRef": {"name": "client"}, "serverName": "redis"},
                "sentinel": {"masterName": "m", "nodes": ["s1:26379", "[::1]:26379"]}},
      "celery": {"prioritySteps": [0, 5]}},
    "workers": {"handler": null, "maxMemory": "512Mi", "concurrency": 3, "container": "app",
      "rollout": {"maxSurge": 2, "maxUnavailable": "10%"}},
    "scaling": {"budget": {"cpu": "1.5", "memory": "4Gi"},
      "schedules": [{"name": "day", "timeZone": "Europe/Berlin", "start": "0 8 * * 1-5",
                     "end": "0 18 * * 1-5", "minReplicas": 2}],
      "ramp": {"steps": [{"maxReplicas": 2, "stableFor": "2h"},
                         {"maxReplicas": 3, "stableFor": "4h"}],
               "onRollback": "PauseClaims", "rollbackWhen": {"lostJobs": 1}}},
    "pause": "ScaleIn", "replicas": 4})");
  const PoolSpec& spec = pool.spec;
  CHECK(spec.queue.type == QueueType::celery);
  CHECK(spec.queue.celery.separator == "\x06\x16");
  CHECK(spec.queue.celery.priority_steps == std::vector<std::int64_t>{0, 5});
  const Redis& redis = *spec.queue.redis;
  CHECK(redis.url_secret->key == "url");
  CHECK(redis.credentials->username_key == "username");
  CHECK(redis.credentials->password_key == "pw");
  CHECK(redis.tls->ca->name == "ca");
  CHECK(redis.tls->cert_secret == "client");
  CHECK(redis.tls->server_name == "redis");
  CHECK(redis.sentinel->nodes.size() == 2);
  CHECK(spec.workers.handler.none());
  CHECK(spec.workers.max_memory == std::int64_t{512} << 20);
  CHECK(spec.workers.rollout.max_surge.to_json() == 2);
  CHECK(spec.workers.rollout.max_unavailable.to_json() == "10%");
  CHECK(spec.scaling.budget.cpu_millis == 1500);
  CHECK(spec.scaling.budget.memory == std::int64_t{4} << 30);
  CHECK(spec.scaling.schedules.at(0).min_replicas == 2);
  CHECK(spec.scaling.ramp->steps.at(1).stable_for == Millis{4 * 3600 * 1000});
  CHECK(spec.scaling.ramp->rollback_to == 1);
  CHECK(spec.scaling.ramp->on_rollback == OnRollback::pause_claims);
  CHECK(spec.scaling.ramp->rollback_when.lost_jobs == 1);
  CHECK_FALSE(spec.scaling.ramp->rollback_when.failure_percent.has_value());
  CHECK(spec.pause == Pause::scale_in);
  CHECK(spec.replicas == 4);
}

TEST_CASE("workers of queues without a handshake hold by default") {
  const char* patch = R"({"queue": {"type": "List", "name": "q"}, "workers": {"handler": null}})";
  CHECK(pool_with(patch).spec.scaling.while_active == WhileActive::hold);
}

TEST_CASE("metadata is read even from an object that is wrong") {
  const json object = json::parse(R"({"metadata": {"name": "a", "namespace": "b", "uid": "u",
    "generation": 7, "resourceVersion": "42", "creationTimestamp": "2025-12-31T00:00:00Z",
    "deletionTimestamp": "2026-01-01T00:00:00Z",
    "labels": {"x": "y"}, "annotations": {"k": "v"}, "finalizers": ["f"]}, "spec": 5})");
  const ParsedPool parsed = read_pool(object);
  CHECK_FALSE(parsed.usable());
  const Metadata& meta = parsed.pool.meta;
  CHECK(meta.uid == "u");
  CHECK(meta.generation == 7);
  CHECK(meta.resource_version == "42");
  CHECK(meta.created == "2025-12-31T00:00:00Z");
  CHECK(meta.deleting);
  CHECK(meta.labels.at("x") == "y");
  CHECK(meta.annotations.at("k") == "v");
  CHECK(meta.finalizers == std::vector<std::string>{"f"});
  for (const char* odd : {"null", "[]", "\"x\"", "{}", R"({"metadata": []})"}) {
    CHECK_FALSE(read_pool(json::parse(odd)).usable());
  }
}

TEST_CASE("a value of the wrong kind or out of bounds is one line with path and remedy") {
  const auto only = [](const char* patch) {
    const auto found = problems_of(patch);
    REQUIRE(found.size() == 1);
    return found.front();
  };
  CHECK(only(R"({"scaling": {"maxReplicas": "ten"}})") ==
        "spec.scaling.maxReplicas is \"ten\"; allowed: a whole number from 0 to 10000");
  CHECK(only(R"({"workers": {"concurrency": 0}})") ==
        "spec.workers.concurrency is 0; allowed: a whole number from 1 to 1000");
  CHECK(only(R"({"workers": {"concurrency": 1.5}})") ==
        "spec.workers.concurrency is 1.5; allowed: a whole number from 1 to 1000");
  CHECK(only(R"({"queue": {"maxDepth": 18446744073709551615}})") ==
        "spec.queue.maxDepth is 18446744073709551615; allowed: a whole number from 0 to "
        "1000000000");
  CHECK(only(R"({"jobs": {"lease": "500ms"}})") ==
        "spec.jobs.lease is \"500ms\"; allowed: a time such as \"90s\" or \"5m\", from 1s to 1h");
  CHECK(
      only(R"({"jobs": {"timeout": 30}})").starts_with("spec.jobs.timeout is 30; allowed: a time"));
  CHECK(only(R"({"jobs": {"maxPayload": "2Mi"}})") ==
        "spec.jobs.maxPayload is \"2Mi\"; allowed: a size such as \"64Ki\" or \"512Mi\", from 1 to "
        "1Mi");
  CHECK(only(R"({"scaling": {"policy": "lookahead"}})") ==
        "spec.scaling.policy is \"lookahead\"; allowed: LookAhead, SlotPerJob, Threshold, "
        "TargetDepth");
  CHECK(only(R"({"scaling": {"budget": {"cpu": "two"}}})").ends_with("or \"\" for the default"));
  CHECK(only(R"({"workers": {"handler": {"exec": {"command": []}}}})") ==
        "spec.workers.handler.exec.command has 0 items; allowed: a list of 1 to 64 items");
  CHECK(only(R"({"workers": {"handler": {"exec": {"command": "run"}}}})") ==
        "spec.workers.handler.exec.command is \"run\"; allowed: a list of 1 to 64 items");
  CHECK(only(R"({"workers": {"handler": {"exec": {"command": ["sh", 5]}}}})")
            .starts_with("spec.workers.handler.exec.command[1] is 5; allowed: a text"));
  CHECK(only(R"({"workers": {"handler": {"exec": {"command": null}}}})")
            .starts_with("spec.workers.handler.exec.command is missing"));
  CHECK(only(R"({"scaling": []})") == "spec.scaling is a list; allowed: a map of fields");
  CHECK(only(R"({"jobs": {"retention": {"payloads": "yes"}}})") ==
        "spec.jobs.retention.payloads is \"yes\"; allowed: true or false");
  CHECK(only(R"({"workers": {"rollout": {"maxSurge": "01%"}}})")
            .starts_with("spec.workers.rollout.maxSurge is \"01%\"; allowed: a whole number"));
}

TEST_CASE("all problems are found at once, and the error names them") {
  const json object =
      object_with(R"({"pause": "Yes", "jobs": {"lease": "x"}, "scaling": {"minReplicas": -1}})");
  CHECK(read_pool(object).problems.size() == 3);
  try {
    parse_pool(object);
    FAIL("no SpecError");
  } catch (const SpecError& error) {
    CHECK(error.problems().size() == 3);
    const std::string text = error.what();
    CHECK(text.find("spec.pause") != std::string::npos);
    CHECK(text.find("spec.scaling.minReplicas") != std::string::npos);
  }
}

TEST_CASE("a summary stays within its limit and says how much it left out") {
  const std::vector<SpecProblem> problems(50, {"spec.some.field", "is wrong", "the right thing"});
  const std::string text = summary(problems, 200);
  CHECK(text.size() <= 200);
  CHECK(text.ends_with(" more)"));
  CHECK(summary({}).empty());
}

TEST_CASE("an unknown field is an error in a file and no matter from the API server") {
  const json object = object_with(R"({"scaling": {"maxReplica": 5}})");
  CHECK(read_pool(object).problems.empty());
  const auto found = lines(read_pool(object, {.strict = true}).problems);
  REQUIRE(found.size() == 1);
  CHECK(found[0].starts_with("spec.scaling.maxReplica is not a known field; allowed: budget, "));
  CHECK(found[0].find("maxReplicas") != std::string::npos);

  json odd = minimal_object();
  odd["spce"] = 1;
  CHECK(lines(read_pool(odd, {.strict = true}).problems) ==
        std::vector<std::string>{
            "spce is not a known field; allowed: apiVersion, kind, metadata, spec"});
  // What a template holds is Kubernetes' business.
  CHECK(read_pool(object_with(R"({"workers": {"template": {"spec": {"anything": 1}}}})"),
                  {.strict = true})
            .problems.empty());
}

TEST_CASE("another kind of object is refused") {
  json object = minimal_object();
  object["kind"] = "Deployment";
  object["apiVersion"] = "workerpool.dev/v2";
  CHECK(lines(read_pool(object).problems) ==
        std::vector<std::string>{
            "apiVersion is \"workerpool.dev/v2\"; allowed: workerpool.dev/v1alpha1",
            "kind is \"Deployment\"; allowed: WorkerPool"});
  object.erase("kind");
  object.erase("apiVersion");
  CHECK(read_pool(object).problems.empty());
  CHECK(read_pool(object, {.strict = true}).problems.size() == 2);
}

TEST_CASE("a local pool needs neither queue, Redis nor template") {
  const Pool pool = parse_pool_text(kLocalPool, {.strict = true, .local = true});
  CHECK(pool.key() == "default/quickstart");
  CHECK(pool.spec.queue.name == "default/quickstart");
  CHECK_FALSE(pool.spec.queue.redis.has_value());
  CHECK(pool.spec.workers.pod_template.is_null());
  CHECK(pool.spec.workers.handler.exec->command.front() == "sha256sum");
  // The same file is incomplete for a cluster.
  CHECK_THROWS_AS(parse_pool_text(kLocalPool, {.strict = true}), SpecError);
}

TEST_CASE("text that is no pool is one clear line") {
  const auto message = [](const char* text) -> std::string {
    try {
      parse_pool_text(text, {.strict = true, .local = true});
    } catch (const SpecError& error) {
      return error.what();
    }
    return "";
  };
  CHECK(message("a: [1\n").starts_with("the pool can't be read: line "));
  CHECK(message("").starts_with("the pool can't be read: line 1: there is no document"));
  CHECK(message("- 1\n").starts_with("the pool is not a map"));
  CHECK(message("a: 1\n---\nb: 2\n").find("more than one document") != std::string::npos);
}

TEST_CASE("a value that is no UTF-8 or very long does not break the message") {
  json object = object_with("{}");
  object["spec"]["pause"] = std::string("\xff") + std::string(10000, 'x');
  const auto found = lines(read_pool(object).problems);
  REQUIRE(found.size() == 1);
  CHECK(found[0].size() < 200);
  CHECK_NOTHROW(static_cast<void>(json(found[0]).dump()));
}
