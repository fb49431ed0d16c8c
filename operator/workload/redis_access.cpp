#include "operator/workload/redis_access.h"

#include <string>

#include "operator/workload/template_json.h"

namespace wp::workload {
namespace {

using Json = nlohmann::json;

// The variables of Redis itself and of the sentinels have the same names behind these, and their
// files in the volume as well.
struct Kind {
  const char* variables;
  const char* files;
};
constexpr Kind kRedis{"WP_REDIS_", ""};
constexpr Kind kSentinel{"WP_REDIS_SENTINEL_", "sentinel-"};

void set(Json& variables, const std::string& name, const std::string& value) {
  variables.push_back(text_variable(name, value));
}

void set_from_secret(Json& variables, const std::string& name, const std::string& secret,
                     const std::string& key, bool optional = false) {
  Json reference = {{"name", secret}, {"key", key}};
  if (optional) reference["optional"] = true;
  variables.push_back({{"name", name}, {"valueFrom", {{"secretKeyRef", std::move(reference)}}}});
}

std::string file(const Kind& kind, const char* name) {
  return std::string(kRedisFolder) + "/" + kind.files + name;
}

// The password as a file: a variable would be the one of the pod's start for ever.
void set_credentials(Json& variables, const Kind& kind, const pool::Credentials& credentials) {
  const std::string prefix = kind.variables;
  // Without a user name it is the default user.
  set_from_secret(variables, prefix + "USERNAME", credentials.secret, credentials.username_key,
                  true);
  set(variables, prefix + "PASSWORD_FILE", file(kind, "password"));
}

void set_tls(Json& variables, const Kind& kind, const pool::Tls& tls) {
  const std::string prefix = kind.variables;
  if (tls.ca) set(variables, prefix + "CA_FILE", file(kind, "ca.pem"));
  if (tls.cert_secret) {
    set(variables, prefix + "CERT_FILE", file(kind, "tls.crt"));
    set(variables, prefix + "KEY_FILE", file(kind, "tls.key"));
  }
  if (tls.server_name && !tls.server_name->empty()) {
    set(variables, prefix + "SERVER_NAME", *tls.server_name);
  }
  if (tls.insecure_skip_verify) set(variables, prefix + "INSECURE_SKIP_VERIFY", "true");
}

void set_sentinel(Json& variables, const pool::Sentinel& sentinel) {
  set(variables, "WP_REDIS_SENTINEL_MASTER", sentinel.master_name);
  std::string nodes;
  for (const std::string& node : sentinel.nodes) nodes += (nodes.empty() ? "" : ",") + node;
  set(variables, "WP_REDIS_SENTINEL_NODES", nodes);
  set(variables, "WP_REDIS_SENTINEL_TLS", sentinel.tls ? "own" : "off");
  if (sentinel.credentials) set_credentials(variables, kSentinel, *sentinel.credentials);
  if (sentinel.tls) set_tls(variables, kSentinel, *sentinel.tls);
}

void add_source(Json& sources, const std::string& secret, Json items) {
  sources.push_back({{"secret", {{"name", secret}, {"items", std::move(items)}}}});
}

void add_password(Json& sources, const Kind& kind, const pool::Credentials& credentials) {
  const std::string path = std::string(kind.files) + "password";
  add_source(sources, credentials.secret, {{{"key", credentials.password_key}, {"path", path}}});
}

void add_tls(Json& sources, const Kind& kind, const pool::Tls& tls) {
  const std::string prefix = kind.files;
  if (tls.ca) {
    add_source(sources, tls.ca->name, {{{"key", tls.ca->key}, {"path", prefix + "ca.pem"}}});
  }
  if (tls.cert_secret) {
    add_source(sources, *tls.cert_secret,
               {{{"key", "tls.crt"}, {"path", prefix + "tls.crt"}},
                {{"key", "tls.key"}, {"path", prefix + "tls.key"}}});
  }
}

}  // namespace

Json redis_variables(const pool::Redis& redis) {
  Json variables = Json::array();
  if (redis.url) set(variables, "WP_REDIS_URL", *redis.url);
  if (redis.url_secret) {
    set_from_secret(variables, "WP_REDIS_URL", redis.url_secret->name, redis.url_secret->key);
  }
  if (redis.credentials) set_credentials(variables, kRedis, *redis.credentials);
  if (redis.tls) set_tls(variables, kRedis, *redis.tls);
  if (redis.sentinel) set_sentinel(variables, *redis.sentinel);
  return variables;
}

Json redis_volume(const pool::Redis& redis) {
  Json sources = Json::array();
  if (redis.credentials) add_password(sources, kRedis, *redis.credentials);
  if (redis.tls) add_tls(sources, kRedis, *redis.tls);
  if (redis.sentinel) {
    const pool::Sentinel& sentinel = *redis.sentinel;
    if (sentinel.credentials) add_password(sources, kSentinel, *sentinel.credentials);
    if (sentinel.tls) add_tls(sources, kSentinel, *sentinel.tls);
  }
  if (sources.empty()) return nullptr;
  return {{"name", kRedisVolume}, {"projected", {{"sources", std::move(sources)}}}};
}

}  // namespace wp::workload
