// The verbs of the Kubernetes API on JSON documents, by path. A Client owns a few connections and
// shares the credentials of its ClusterConfig with other clients. Any thread may call any method.
// Every verb throws KubeError: code 0 when there was no answer, else the server's Status.
// 429 and 503 with Retry-After are waited out and repeated within the limits of ClientOptions; 401
// is repeated once with fresh credentials; nothing else is repeated here.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "base/metrics.h"
#include "operator/kube/config.h"
#include "operator/kube/error.h"
#include "operator/kube/http.h"

namespace wp::kube {

using Json = nlohmann::json;

/// A kind of object as it appears in paths. The core group is "".
struct Resource {
  std::string group = {};
  std::string version = {};
  std::string plural = {};

  /// "apps/v1", or "v1" in the core group.
  std::string api_version() const;
};

/// /apis/apps/v1/namespaces/NS/deployments/NAME/scale, each part percent-encoded. An empty
/// namespace means all of them, or a resource without namespaces; an empty name the collection.
std::string resource_path(const Resource& resource, std::string_view ns, std::string_view name = {},
                          std::string_view subresource = {});

/// Percent-encodes everything but unreserved characters: safe in a path segment and in a query.
std::string url_encode(std::string_view text);

struct ListOptions {
  std::string label_selector = {};
  std::string field_selector = {};
};

/// "labelSelector=…&fieldSelector=…" with what is set, encoded; empty when nothing is.
std::string selector_query(const ListOptions& options);

enum class PatchType { merge, json, strategic, apply };

struct WriteOptions {
  std::string field_manager = {};  // required for apply
  bool force = false;              // apply only: take fields that others own
  bool strict = false;             // fieldValidation=Strict: unknown fields are an error
  bool dry_run = false;
};

enum class Propagation { background, foreground, orphan };

struct DeleteOptions {
  std::string uid = {};               // preconditions: at least one of the two should be given, so
  std::string resource_version = {};  // that a namesake is never deleted
  Propagation propagation = Propagation::background;
  std::optional<int> grace_period_seconds = {};
};

struct ClientOptions {
  std::string user_agent = "wp-kube";  // program/version (os/arch)
  Millis timeout{30000};               // of one exchange
  int retries = 3;                     // at most so many repetitions for Retry-After
  Millis max_retry_wait{5000};         // a longer Retry-After is left to the caller
  HttpOptions http = {};
  /// Asked right before each request that may change something, also a repeated one: whether this
  /// process may still write. No: Transport::barred. Empty: it may.
  std::function<bool()> may_write = {};
  metrics::Registry* metrics = nullptr;  // rest_client_*; must outlive the client
};

class Client {
 public:
  Client(ClusterConfig config, ClientOptions options = {});
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// Any GET that answers JSON. `path` may carry a query.
  Json get(const std::string& path);
  /// All items of a collection, read in pages of 500 at one resourceVersion (a quorum read).
  /// metadata.resourceVersion is that of the list. A list that expires midway is begun anew once.
  Json list(const std::string& path, const ListOptions& options = {});
  /// As fresh, of every item its metadata alone: a fraction of the bytes. In one answer within
  /// `timeout`, and not asked again: for whoever must know now or do without.
  Json list_metadata(const std::string& path, const ListOptions& options, Millis timeout);
  Json create(const std::string& collection_path, const Json& object,
              const WriteOptions& options = {});
  /// PUT: `object` should carry metadata.resourceVersion.
  Json update(const std::string& path, const Json& object, const WriteOptions& options = {});
  Json patch(const std::string& path, PatchType type, const Json& body,
             const WriteOptions& options = {});
  /// Answers the Status or the object that the server answered.
  Json remove(const std::string& path, const DeleteOptions& options = {});

  struct StreamOptions {
    std::function<bool(std::string_view)> on_data = {};  // false ends the stream
    std::function<void()> on_open = {};                  // the answer has begun; may be empty
    Millis idle_timeout{295000};
    Millis total_timeout{0};  // 0: no bound
  };
  /// A watch or any other GET that streams. Returns at its clean end; throws as the verbs do.
  void stream(const std::string& path, const StreamOptions& options);

  /// Ends what is in progress with Transport::stopped and refuses anything new. Any thread.
  void stop();

  const ClusterConfig& config() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace wp::kube
