// How a pod gets to a Redis with TLS and sentinels: what the spec says becomes variables that the
// runner understands and files that it reads.
#include "operator/workload/redis_access.h"

#include <doctest/doctest.h>

#include "operator/workload/pod_template.h"
#include "tests/operator/workload/pools.h"

using namespace wp;
using namespace wp::workload;
using nlohmann::json;

namespace {

constexpr const char* kWorkers =
    "{template: {spec: {containers: [{name: side}, {name: app}]}}, container: app, "
    "handler: {exec: {command: [x]}}}";

json pod_of(const std::string& queue, const std::string& workers = kWorkers) {
  return build_pod_template(test::pool_with_workers(workers, queue),
                            {.runner_image = "registry/runner:1"});
}

json named(const json& list, const std::string& name) {
  for (const json& one : list) {
    if (one.at("name") == name) return one;
  }
  return nullptr;
}

}  // namespace

TEST_CASE("TLS: files of a volume, only in the container that runs the jobs") {
  const json spec = pod_of(R"({redis: {url: "rediss://redis:6379/0", tls: {
      caSecretRef: {name: roots, key: ca.crt}, certSecretRef: {name: client},
      serverName: other}}})")
                        .at("spec");
  const json& app = spec.at("containers").at(1);
  const auto value = [&](const char* name) { return named(app.at("env"), name).at("value"); };
  CHECK(value("WP_REDIS_URL") == "rediss://redis:6379/0");
  CHECK(value("WP_REDIS_CA_FILE") == "/workerpool-redis/ca.pem");
  CHECK(value("WP_REDIS_CERT_FILE") == "/workerpool-redis/tls.crt");
  CHECK(value("WP_REDIS_KEY_FILE") == "/workerpool-redis/tls.key");
  CHECK(value("WP_REDIS_SERVER_NAME") == "other");
  CHECK(named(app.at("env"), "WP_REDIS_INSECURE_SKIP_VERIFY").is_null());
  CHECK(named(app.at("volumeMounts"), "workerpool-redis") ==
        json::parse(R"({"name": "workerpool-redis", "mountPath": "/workerpool-redis",
                        "readOnly": true})"));
  CHECK_FALSE(spec.at("containers").at(0).contains("volumeMounts"));
  CHECK(named(spec.at("volumes"), "workerpool-redis") == json::parse(R"({
    "name": "workerpool-redis", "projected": {"sources": [
      {"secret": {"name": "roots", "items": [{"key": "ca.crt", "path": "ca.pem"}]}},
      {"secret": {"name": "client", "items": [{"key": "tls.crt", "path": "tls.crt"},
                                              {"key": "tls.key", "path": "tls.key"}]}}]}})"));
}

TEST_CASE("sentinels: their own credentials and TLS") {
  const json spec = pod_of(R"({redis: {url: "redis://ignored:1/2", sentinel: {
      masterName: main, nodes: [a, "b:7"], secretRef: {name: watch},
      tls: {caSecretRef: {name: roots, key: ca}, insecureSkipVerify: true}}}})")
                        .at("spec");
  const json& app = spec.at("containers").at(1);
  const auto value = [&](const char* name) { return named(app.at("env"), name).at("value"); };
  CHECK(value("WP_REDIS_SENTINEL_MASTER") == "main");
  CHECK(value("WP_REDIS_SENTINEL_NODES") == "a,b:7");
  CHECK(value("WP_REDIS_SENTINEL_TLS") == "own");
  CHECK(value("WP_REDIS_SENTINEL_CA_FILE") == "/workerpool-redis/sentinel-ca.pem");
  CHECK(value("WP_REDIS_SENTINEL_INSECURE_SKIP_VERIFY") == "true");
  CHECK(value("WP_REDIS_SENTINEL_PASSWORD_FILE") == "/workerpool-redis/sentinel-password");
  CHECK(named(app.at("env"), "WP_REDIS_SENTINEL_USERNAME")
            .at("valueFrom")
            .at("secretKeyRef")
            .at("optional") == true);
  CHECK(named(spec.at("volumes"), "workerpool-redis").at("projected").at("sources") ==
        json::parse(R"([
    {"secret": {"name": "watch", "items": [{"key": "password", "path": "sentinel-password"}]}},
    {"secret": {"name": "roots", "items": [{"key": "ca", "path": "sentinel-ca.pem"}]}}])"));
}

TEST_CASE("no volume where there is nothing to put into it") {
  for (const char* queue :
       {"{redis: {url: redis://redis:6379/0}}",
        R"({redis: {url: "rediss://redis:6379/0", tls: {serverName: x}}})",
        R"({redis: {url: "redis://redis:6379/0", sentinel: {masterName: main, nodes: [a]}}})"}) {
    const json spec = pod_of(queue).at("spec");
    CHECK(named(spec.at("volumes"), "workerpool-redis").is_null());
    CHECK_FALSE(named(spec.at("volumes"), "workerpool").is_null());
  }
}

TEST_CASE("the volume's name and folder are the operator's own") {
  constexpr const char* kQueue =
      R"({redis: {url: "rediss://r:1/0", tls: {caSecretRef: {name: roots, key: ca}}}})";
  CHECK_THROWS_AS(pod_of(kQueue,
                         "{template: {spec: {containers: [{name: a}], volumes: [{name: "
                         "workerpool-redis}]}}, handler: {exec: {command: [x]}}}"),
                  TemplateError);
  CHECK_THROWS_AS(pod_of(kQueue,
                         "{template: {spec: {containers: [{name: a, volumeMounts: [{name: v, "
                         "mountPath: /workerpool-redis}]}]}}, handler: {exec: {command: [x]}}}"),
                  TemplateError);
}
