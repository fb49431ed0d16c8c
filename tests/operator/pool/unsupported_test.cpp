#include "operator/pool/unsupported.h"

#include <algorithm>
#include <set>

#include "operator/pool/fields.h"
#include "tests/operator/pool/support.h"

using namespace wp::pool;

namespace {

// What this version does: these fields may be set. Anything else has a row in the table.
const std::set<std::string, std::less<>> kSupported = {"spec.queue.name",
                                                       "spec.queue.redis.url",
                                                       "spec.queue.redis.urlSecretRef",
                                                       "spec.queue.redis.secretRef",
                                                       "spec.queue.redis.tls",
                                                       "spec.queue.redis.sentinel",
                                                       "spec.queue.maxDepth",
                                                       "spec.queue.maxBytes",
                                                       "spec.workers.concurrency",
                                                       "spec.workers.template",
                                                       "spec.workers.container",
                                                       "spec.workers.deploymentRef",
                                                       "spec.workers.handler.exec",
                                                       "spec.workers.handler.stdio",
                                                       "spec.workers.handler.http",
                                                       "spec.workers.drainTimeout",
                                                       "spec.workers.maxMemory",
                                                       "spec.workers.rollout",
                                                       "spec.workers.runnerImage",
                                                       "spec.scaling.minReplicas",
                                                       "spec.scaling.maxReplicas",
                                                       "spec.scaling.spareWorkers",
                                                       "spec.scaling.scaleDownWindow",
                                                       "spec.scaling.scaleToZeroAfter",
                                                       "spec.scaling.maxScaleUp",
                                                       "spec.workers.maxJobsPerWorker",
                                                       "spec.scaling.policy",
                                                       "spec.scaling.lookAhead",
                                                       "spec.scaling.threshold",
                                                       "spec.scaling.targetDepth",
                                                       "spec.scaling.fallback",
                                                       "spec.scaling.budget",
                                                       "spec.scaling.schedules",
                                                       "spec.scaling.ramp",
                                                       "spec.pause",
                                                       "spec.jobs.lease",
                                                       "spec.jobs.timeout",
                                                       "spec.jobs.maxAttempts",
                                                       "spec.jobs.maxCrashes",
                                                       "spec.jobs.maxLosses",
                                                       "spec.jobs.maxActive",
                                                       "spec.jobs.rate",
                                                       "spec.jobs.backoff",
                                                       "spec.jobs.retention",
                                                       "spec.jobs.maxPayload",
                                                       "spec.jobs.onPartition",
                                                       "spec.jobs.session",
                                                       "spec.health.stallTimeout",
                                                       "spec.health.checkInterval",
                                                       "spec.jobs.schema",
                                                       "spec.replicas"};

bool covers(std::string_view parent, std::string_view path) {
  return path == parent ||
         (path.starts_with(parent) && path.substr(parent.size()).find_first_of(".[") == 0);
}

std::vector<std::string> refused(const char* patch) {
  const ParsedPool parsed = read_pool(object_with(patch));
  const std::string problems = summary(parsed.problems);
  REQUIRE_MESSAGE(parsed.problems.empty(), problems);
  std::vector<std::string> paths;
  for (const SpecProblem& problem : parsed.unsupported) paths.push_back(problem.path);
  return paths;
}

}  // namespace

TEST_CASE("every field is either supported or in the table") {
  for (const Field& field : fields()) {
    if (field.kind == Kind::object) continue;  // its fields count
    const auto in_table = [&field](const UnsupportedField& row) {
      return covers(row.path, field.path);
    };
    const auto supported = [&field](const std::string& path) { return covers(path, field.path); };
    const bool refused_one =
        std::any_of(unsupported_fields().begin(), unsupported_fields().end(), in_table);
    const bool supported_one = std::any_of(kSupported.begin(), kSupported.end(), supported);
    const std::string path(field.path);
    CHECK_MESSAGE(refused_one != supported_one, path);
  }
}

TEST_CASE("the table names fields that exist") {
  for (const UnsupportedField& row : unsupported_fields()) {
    const std::string path(row.path);
    CHECK_MESSAGE(std::any_of(fields().begin(), fields().end(),
                              [&row](const Field& field) { return field.path == row.path; }),
                  path);
  }
}

TEST_CASE("a pool of supported fields is usable") {
  CHECK(read_pool(minimal_object()).usable());
  CHECK(refused(R"({
    "queue": {"type": "Jobs", "name": "media/x", "maxDepth": 5, "maxBytes": "1Mi",
              "onDelete": "Retain", "redis": {"secretRef": {"name": "auth"}}},
    "workers": {"concurrency": 4, "container": "app", "drainTimeout": "1m", "maxMemory": "1Gi",
                "maxJobsPerWorker": 50, "rollout": {"maxSurge": 1}},
    "scaling": {"minReplicas": 1, "maxReplicas": 5, "policy": "Threshold", "spareWorkers": 1,
                "scaleDownWindow": "30s", "scaleToZeroAfter": "5m", "whileActive": "Drain",
                "maxScaleUp": {"workers": 5}, "schedules": [{"name": "day", "timeZone": "Europe/Berlin", "start": "0 8 * * 1-5",
                               "end": "0 18 * * 1-5", "minReplicas": 1}],
                "budget": {"cpu": "8"}, "fallback": {"replicas": 2},
                "ramp": {"steps": [{"maxReplicas": 2, "stableFor": "1h"}]},
                "lookAhead": {"targetWait": "2s"}},
    "jobs": {"lease": "10s", "timeout": "1m", "maxAttempts": 2, "backoff": {"initial": "2s"},
             "maxActive": 5, "rate": {"jobs": 10, "per": "1m"},
             "retention": {"completed": {"count": 5}, "payloads": true,
                           "dead": {"count": 5, "age": "1h", "bytes": "1Mi"}},
             "maxPayload": "1Mi", "schema": {}, "onPartition": "Continue",
             "session": {"ttl": "1h"}},
    "health": {"stallTimeout": "5m"}, "pause": "ScaleIn", "replicas": 3})")
            .empty());
}

TEST_CASE("a Redis with TLS and sentinels is usable") {
  CHECK(refused(R"({"queue": {"redis": {
    "url": "rediss://redis:6379",
    "tls": {"caSecretRef": {"name": "ca", "key": "ca.crt"}, "serverName": "redis"},
    "sentinel": {"masterName": "main", "nodes": ["a", "b:1"], "tls": {}}}}})")
            .empty());
}

TEST_CASE("what comes later is refused by name") {
  using Paths = std::vector<std::string>;
  CHECK(refused(R"({"queue": {"onDelete": "Purge"}})") == Paths{"spec.queue.onDelete"});
  CHECK(refused(R"({"queue": {"type": "List", "name": "q", "list": {}},
                    "workers": {"handler": null}})") ==
        Paths{"spec.queue.type", "spec.queue.list"});
}

TEST_CASE("the line says why and what to do meanwhile") {
  const auto found =
      lines(read_pool(object_with(R"({"queue": {"onDelete": "Purge"}})")).unsupported);
  REQUIRE(found.size() == 1);
  CHECK(found[0] ==
        "spec.queue.onDelete is not supported by this version: a deleted pool's jobs stay in Redis "
        "so far; allowed: the default, or leave it out");
  CHECK_THROWS_AS(parse_pool(object_with(R"({"queue": {"onDelete": "Purge"}})")), SpecError);
}
