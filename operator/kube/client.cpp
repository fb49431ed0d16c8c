#include "operator/kube/client.h"

#include <algorithm>
#include <charconv>
#include <condition_variable>
#include <mutex>
#include <set>
#include <utility>

#include "base/log.h"
#include "operator/kube/document.h"

namespace wp::kube {
namespace {

constexpr std::size_t kRememberedWarnings = 1000;
constexpr int kPageSize = 500;

constexpr const char* kJson = "application/json";
constexpr const char* kMetadataList =
    "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json";

using Counted = std::function<void(const std::string& code)>;

std::string_view content_type(PatchType type) {
  switch (type) {
    case PatchType::merge:
      return "application/merge-patch+json";
    case PatchType::json:
      return "application/json-patch+json";
    case PatchType::strategic:
      return "application/strategic-merge-patch+json";
    case PatchType::apply:
      return "application/apply-patch+yaml";
  }
  return "application/merge-patch+json";
}

std::string_view to_string(Propagation propagation) {
  switch (propagation) {
    case Propagation::background:
      return "Background";
    case Propagation::foreground:
      return "Foreground";
    case Propagation::orphan:
      return "Orphan";
  }
  return "Background";
}

std::string with_query(const std::string& path, const std::string& query) {
  if (query.empty()) return path;
  return path + (path.find('?') == std::string::npos ? "?" : "&") + query;
}

std::string write_query(const WriteOptions& options) {
  std::string query;
  const auto add = [&query](std::string_view name, std::string_view value) {
    query.append(query.empty() ? "" : "&").append(name).append("=").append(url_encode(value));
  };
  if (!options.field_manager.empty()) add("fieldManager", options.field_manager);
  if (options.force) add("force", "true");
  if (options.strict) add("fieldValidation", "Strict");
  if (options.dry_run) add("dryRun", "All");
  return query;
}

// Broken UTF-8 (a job's words in a status, say) is replaced: it must not stop a write.
std::string dump(const Json& document) {
  return document.dump(-1, ' ', false, Json::error_handler_t::replace);
}

/// Seconds, the only form that the API server sends.
std::optional<Millis> retry_after_of(const Response& response) {
  const std::string text = response.header("retry-after");
  int seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc{} || end != text.data() + text.size() || seconds < 0) return std::nullopt;
  return Millis{1000} * seconds;
}

KubeError::Status status_of(const Response& response) {
  KubeError::Status status;
  status.code = response.status;
  status.retry_after = retry_after_of(response);
  const Json body = Json::parse(response.body, nullptr, false);
  if (!body.is_object()) {
    status.message = response.body.substr(0, 200);
    return status;
  }
  KubeError::Status parsed = parse_status(body);
  parsed.code = response.status;
  if (status.retry_after) parsed.retry_after = status.retry_after;
  return parsed;
}

}  // namespace

std::string Resource::api_version() const {
  return group.empty() ? version : group + "/" + version;
}

std::string url_encode(std::string_view text) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string encoded;
  encoded.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                       (byte >= '0' && byte <= '9') || byte == '-' || byte == '.' || byte == '_' ||
                       byte == '~';
    if (plain) {
      encoded += c;
    } else {
      encoded += '%';
      encoded += kDigits[byte >> 4];
      encoded += kDigits[byte & 15];
    }
  }
  return encoded;
}

std::string resource_path(const Resource& resource, std::string_view ns, std::string_view name,
                          std::string_view subresource) {
  std::string path = resource.group.empty() ? "/api/" : "/apis/" + url_encode(resource.group) + "/";
  path += url_encode(resource.version);
  if (!ns.empty()) path += "/namespaces/" + url_encode(ns);
  path += "/" + url_encode(resource.plural);
  if (!name.empty()) path += "/" + url_encode(name);
  if (!subresource.empty()) path += "/" + url_encode(subresource);
  return path;
}

std::string selector_query(const ListOptions& options) {
  std::string query;
  if (!options.label_selector.empty()) {
    query = "labelSelector=" + url_encode(options.label_selector);
  }
  if (!options.field_selector.empty()) {
    query +=
        (query.empty() ? "fieldSelector=" : "&fieldSelector=") + url_encode(options.field_selector);
  }
  return query;
}

struct Client::Impl {
  Impl(ClusterConfig cluster, ClientOptions wanted)
      : config(std::move(cluster)),
        options(std::move(wanted)),
        http(
            config.endpoint, [credentials = config.credentials] { return credentials->tls(); },
            options.http) {}

  const ClusterConfig config;
  const ClientOptions options;
  HttpClient http;

  std::mutex mutex;
  std::condition_variable stop_requested;
  bool stopped = false;
  std::set<std::string> warnings;

  Headers headers() {
    Headers headers = config.credentials->headers();
    headers.emplace("User-Agent", options.user_agent);
    headers.emplace("Accept", kJson);
    return headers;
  }

  void count(const std::string& method, const std::string& code, Millis took) {
    if (options.metrics == nullptr) return;
    const std::string host = config.endpoint.authority();
    options.metrics
        ->counter("rest_client_requests_total", "HTTP requests to the API server.",
                  {{"code", code}, {"method", method}, {"host", host}})
        .Increment();
    options.metrics
        ->histogram("rest_client_request_duration_seconds",
                    "Latency of requests to the API server.", metrics::duration_buckets(),
                    {{"verb", method}, {"host", host}})
        .Observe(std::chrono::duration<double>(took).count());
  }

  void count_retry(const std::string& method) {
    if (options.metrics == nullptr) return;
    options.metrics
        ->counter("rest_client_request_retries_total", "Repeated requests to the API server.",
                  {{"verb", method}, {"host", config.endpoint.authority()}})
        .Increment();
  }

  void log_warnings(const Response& response) {
    const auto [begin, end] = response.headers.equal_range("warning");
    for (auto header = begin; header != end; ++header) {
      const std::lock_guard lock(mutex);
      if (warnings.size() >= kRememberedWarnings || !warnings.insert(header->second).second) {
        continue;
      }
      log::warn("the API server warns", {{"warning", header->second}});
    }
  }

  /// False when the client was stopped meanwhile.
  bool pause(Millis duration) {
    std::unique_lock lock(mutex);
    return !stop_requested.wait_for(lock, duration, [this] { return stopped; });
  }

  /// Sends by `send` until the answer is not one to be repeated; throws what is not a success.
  template <typename Send>
  Response exchange(const std::string& method, int retries, Send send) {
    bool renewed = false;
    for (int tries = 0;; ++tries) {
      const Millis asked = system_clock().steady();
      const Headers with_credentials = headers();
      Response response;
      // Once per exchange: a stream counts when it opens, for its length is no latency.
      const Counted counted = [&, begin = system_clock().steady(),
                               done = false](const std::string& code) mutable {
        if (!std::exchange(done, true)) count(method, code, system_clock().steady() - begin);
      };
      try {
        if (method != "GET" && options.may_write && !options.may_write()) {
          throw KubeError(Transport::barred, "another replica may lead by now: nothing is written");
        }
        response = send(with_credentials, counted);
      } catch (const KubeError&) {
        counted("<error>");
        throw;
      }
      counted(std::to_string(response.status));
      log_warnings(response);
      if (response.status >= 200 && response.status < 300) return response;
      if (response.status == 401 && !renewed && config.credentials->refused(asked)) {
        renewed = true;
        continue;
      }
      KubeError error(status_of(response));
      const bool throttled = response.status == 429 || response.status == 503;
      const auto wait = retry_after_of(response);
      if (!throttled || !wait || *wait > options.max_retry_wait || tries >= retries ||
          !pause(*wait)) {
        throw error;
      }
      count_retry(method);
    }
  }

  Json send(const std::string& method, const std::string& path, const Json* body = nullptr,
            std::string_view type = kJson) {
    const std::string text = body == nullptr ? "" : dump(*body);
    return json_of(method, exchange(method, options.retries, [&](Headers headers, const Counted&) {
                     if (body != nullptr) headers.emplace("Content-Type", std::string(type));
                     return http.request(method, path, headers, text, options.timeout);
                   }));
  }

  static Json json_of(const std::string& method, const Response& response) {
    Json answer = Json::parse(response.body, nullptr, false);
    if (answer.is_discarded()) {
      throw KubeError(Transport::protocol, "the answer to " + method + " is not JSON");
    }
    return answer;
  }
};

Client::Client(ClusterConfig config, ClientOptions options)
    : impl_(std::make_unique<Impl>(std::move(config), std::move(options))) {}

Client::~Client() {
  stop();
}

Json Client::get(const std::string& path) {
  return impl_->send("GET", path);
}

Json Client::list(const std::string& path, const ListOptions& wanted) {
  const std::string query =
      with_query(with_query(path, selector_query(wanted)), "limit=" + std::to_string(kPageSize));
  for (bool again = false;; again = true) {
    Json all;
    std::string token;
    try {
      do {
        Json page = get(token.empty() ? query : query + "&continue=" + url_encode(token));
        token = continue_token(page);
        if (all.is_null()) {
          all = std::move(page);
        } else {
          for (Json& item : page["items"]) all["items"].push_back(std::move(item));
        }
      } while (!token.empty());
      if (!all["items"].is_array()) all["items"] = Json::array();
      return all;
    } catch (const KubeError& error) {
      if (!error.is_expired() || again) throw;
    }
  }
}

// Without a page's size: for pages many versions of the server go to etcd, and not to a cache that
// is as fresh.
Json Client::list_metadata(const std::string& path, const ListOptions& wanted, Millis timeout) {
  const auto response = impl_->exchange("GET", 0, [&](Headers headers, const Counted&) {
    headers.erase("Accept");
    headers.emplace("Accept", kMetadataList);
    return impl_->http.request("GET", with_query(path, selector_query(wanted)), headers, "",
                               timeout);
  });
  Json all = Impl::json_of("GET", response);
  if (!all["items"].is_array()) all["items"] = Json::array();
  return all;
}

Json Client::create(const std::string& collection_path, const Json& object,
                    const WriteOptions& options) {
  return impl_->send("POST", with_query(collection_path, write_query(options)), &object);
}

Json Client::update(const std::string& path, const Json& object, const WriteOptions& options) {
  return impl_->send("PUT", with_query(path, write_query(options)), &object);
}

Json Client::patch(const std::string& path, PatchType type, const Json& body,
                   const WriteOptions& options) {
  return impl_->send("PATCH", with_query(path, write_query(options)), &body, content_type(type));
}

Json Client::remove(const std::string& path, const DeleteOptions& options) {
  Json body = {{"apiVersion", "v1"},
               {"kind", "DeleteOptions"},
               {"propagationPolicy", to_string(options.propagation)}};
  if (!options.uid.empty()) body["preconditions"]["uid"] = options.uid;
  if (!options.resource_version.empty()) {
    body["preconditions"]["resourceVersion"] = options.resource_version;
  }
  if (options.grace_period_seconds) body["gracePeriodSeconds"] = *options.grace_period_seconds;
  return impl_->send("DELETE", path, &body);
}

void Client::stream(const std::string& path, const StreamOptions& options) {
  impl_->exchange("GET", impl_->options.retries,
                  [&](const Headers& headers, const Counted& counted) {
                    return impl_->http.stream(path, headers,
                                              {.on_data = options.on_data,
                                               .on_open =
                                                   [&] {
                                                     counted("200");
                                                     if (options.on_open) options.on_open();
                                                   },
                                               .idle_timeout = options.idle_timeout,
                                               .total_timeout = options.total_timeout});
                  });
}

void Client::stop() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stopped = true;
    impl_->stop_requested.notify_all();
  }
  impl_->http.stop();
}

const ClusterConfig& Client::config() const {
  return impl_->config;
}

}  // namespace wp::kube
