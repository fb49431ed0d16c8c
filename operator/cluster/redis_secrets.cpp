#include "operator/cluster/redis_secrets.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <tuple>

#include "operator/pool/event_reasons.h"

namespace wp::cluster {
namespace {

constexpr Millis kCacheAge{300000};

// Kubernetes stores Secret values in base64. Nothing when it is not.
std::optional<std::string> decode_base64(const std::string& text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::string out(text.size() / 4 * 3, '\0');
  const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                   reinterpret_cast<const unsigned char*>(text.data()),
                                   static_cast<int>(text.size()));
  if (size < 0) return std::nullopt;
  out.resize(static_cast<std::size_t>(size));
  for (std::size_t i = text.size(); i > 0 && text[i - 1] == '='; --i) out.pop_back();
  return out;
}

// A trailing newline is what `echo` leaves, and never part of a password or URL. PEM text does not
// need it.
std::string trimmed(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  return text;
}

}  // namespace

RedisSecrets::Data RedisSecrets::secret(const std::string& ns, const std::string& name,
                                        bool refresh) {
  const std::string key = ns + "/" + name;
  const Millis now = system_clock().steady();
  {
    const std::lock_guard lock(mutex_);
    const auto found = cache_.find(key);
    if (!refresh && found != cache_.end() && now - found->second.read_at < kCacheAge) {
      return found->second.data;
    }
  }
  kube::Json object;
  try {
    object = client_.get(kube::resource_path({"", "v1", "secrets"}, ns, name));
  } catch (const kube::KubeError& error) {
    const bool missing = error.is_not_found();
    throw controller::EndpointError(
        pool::reason::kSecretMissing,
        missing ? fmt::format("Secret {} does not exist in namespace {}: create it", name, ns)
                : fmt::format("Secret {} cannot be read ({}): grant the operator `get` on it", name,
                              error.error_class()));
  }
  Data data;
  const auto values = object.find("data");
  if (values != object.end() && values->is_object()) {
    for (const auto& [field, text] : values->items()) {
      if (!text.is_string()) continue;
      if (auto decoded = decode_base64(text.get<std::string>())) {
        data[field] = trimmed(std::move(*decoded));
      }
    }
  }
  const std::lock_guard lock(mutex_);
  cache_[key] = {data, now};
  return data;
}

std::string RedisSecrets::value(const std::string& ns, const std::string& name,
                                const std::string& key, bool refresh) {
  const Data data = secret(ns, name, refresh);
  const auto found = data.find(key);
  if (found == data.end() || found->second.empty()) {
    throw controller::EndpointError(
        pool::reason::kSecretMissing,
        fmt::format("Secret {} has no key {}: add it or name another", name, key));
  }
  return found->second;
}

std::pair<std::string, std::string> RedisSecrets::login(const std::string& ns,
                                                        const pool::Credentials& spec,
                                                        bool refresh) {
  std::string password = value(ns, spec.secret, spec.password_key, refresh);
  const Data data = secret(ns, spec.secret, false);
  const auto user = data.find(spec.username_key);
  return {user == data.end() ? "" : user->second, std::move(password)};
}

redis::Tls RedisSecrets::tls(const std::string& ns, const pool::Tls& spec, bool refresh) {
  redis::Tls made;
  if (spec.ca) made.ca_pem = value(ns, spec.ca->name, spec.ca->key, refresh);
  if (spec.cert_secret) {
    made.cert_pem = value(ns, *spec.cert_secret, "tls.crt", refresh);
    made.key_pem = value(ns, *spec.cert_secret, "tls.key", false);
  }
  made.server_name = spec.server_name.value_or("");
  made.insecure_skip_verify = spec.insecure_skip_verify;
  return made;
}

redis::Sentinel RedisSecrets::sentinel(const std::string& ns, const pool::Sentinel& spec,
                                       bool refresh) {
  redis::Sentinel made;
  made.master_name = spec.master_name;
  try {
    for (const std::string& node : spec.nodes) {
      made.nodes.push_back(redis::parse_address(node, redis::kSentinelPort));
    }
  } catch (const std::invalid_argument& error) {
    throw controller::EndpointError(
        pool::reason::kRefused,
        fmt::format("spec.queue.redis.sentinel.nodes: {}: write host or host:port", error.what()));
  }
  if (spec.credentials) {
    std::tie(made.username, made.password) = login(ns, *spec.credentials, refresh);
  }
  if (spec.tls) made.tls = tls(ns, *spec.tls, refresh);
  return made;
}

redis::Endpoint RedisSecrets::endpoint(const pool::Pool& pool, bool refresh) {
  const auto& redis = pool.spec.queue.redis;
  if (!redis || (!redis->url && !redis->url_secret)) {
    throw controller::EndpointError(pool::reason::kRefused,
                                    "spec.queue.redis.url is missing: name the queue's Redis");
  }
  const std::string& ns = pool.meta.ns;
  const std::string url = redis->url
                              ? *redis->url
                              : value(ns, redis->url_secret->name, redis->url_secret->key, refresh);
  redis::Endpoint endpoint;
  try {
    endpoint = redis::parse_endpoint(url);
  } catch (const std::invalid_argument& error) {
    throw controller::EndpointError(pool::reason::kRefused, error.what());
  }
  if (redis->credentials) {
    std::tie(endpoint.username, endpoint.password) = login(ns, *redis->credentials, refresh);
  }
  if (redis->tls) {
    if (!endpoint.tls) {
      throw controller::EndpointError(
          pool::reason::kTls,
          "spec.queue.redis.tls is set, but the URL goes without TLS: write rediss://");
    }
    endpoint.tls = tls(ns, *redis->tls, refresh);
  }
  if (redis->sentinel) {
    endpoint.sentinel = sentinel(ns, *redis->sentinel, refresh);
    endpoint.host.clear();
    endpoint.port = redis::Endpoint{}.port;
  }
  return endpoint;
}

}  // namespace wp::cluster
