// A pool's Redis in a cluster, with passwords and TLS material: from the spec, or from Secrets of
// the pool's own namespace, read by name and never listed. Answers are cached for five minutes, so
// that a reconcile costs no API call. Thread safe.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "operator/controller/ports.h"
#include "operator/kube/client.h"

namespace wp::cluster {

class RedisSecrets {
 public:
  explicit RedisSecrets(kube::Client& client) : client_(client) {}

  /// Throws controller::EndpointError; its message names the Secret and the key, never a value.
  redis::Endpoint endpoint(const pool::Pool& pool, bool refresh);

 private:
  using Data = std::map<std::string, std::string>;
  struct Cached {
    Data data;
    Millis read_at{0};
  };
  Data secret(const std::string& ns, const std::string& name, bool refresh);
  redis::Tls tls(const std::string& ns, const pool::Tls& spec, bool refresh);
  redis::Sentinel sentinel(const std::string& ns, const pool::Sentinel& spec, bool refresh);
  /// User name (empty when the Secret lacks it) and password.
  std::pair<std::string, std::string> login(const std::string& ns, const pool::Credentials& spec,
                                            bool refresh);
  std::string value(const std::string& ns, const std::string& name, const std::string& key,
                    bool refresh);

  kube::Client& client_;
  std::mutex mutex_;
  std::map<std::string, Cached> cache_;
};

}  // namespace wp::cluster
