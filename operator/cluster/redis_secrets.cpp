#include "operator/cluster/redis_secrets.h"

#include <fmt/format.h>
#include <openssl/evp.h>

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

// A trailing newline is what `echo` leaves, and never part of a password or URL.
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
    const pool::Credentials& c = *redis->credentials;
    endpoint.password = value(ns, c.secret, c.password_key, refresh);
    const Data data = secret(ns, c.secret, false);
    const auto user = data.find(c.username_key);
    endpoint.username = user == data.end() ? "" : user->second;
  }
  return endpoint;
}

}  // namespace wp::cluster
