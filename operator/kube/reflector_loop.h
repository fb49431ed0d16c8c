// The engine of a Reflector, without its type: runs the list+watch machine (watch.h) on a thread,
// talks to the server through a Client of its own, and hands objects to a sink. Owned by one
// Reflector. Public methods may be called from any thread; the sink is called on the loop's.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "operator/kube/client.h"

namespace wp::kube {

/// How long a watch lives and how failures are spaced; the defaults are those of kube-rs.
struct WatchTimings {
  Millis watch_timeout{290000};  // asked of the server; up to a tenth less, by chance
  Millis idle_margin{5000};      // over the watch timeout, before a silent path is given up
  Millis short_watch{1000};      // an empty watch that ends sooner is an error
  Millis backoff_initial{800};   // doubles per failure, jitter up to +100 %
  Millis backoff_max{30000};
  Millis backoff_reset{120000};  // after so long without a failure
  // A page is there as text and as JSON at once, some ten times its text: pages of 500 took a
  // hundred MiB at the start of an operator with a thousand pools.
  int page_size = 100;
};

struct ReflectorOptions {
  std::string name = {};             // for logs and metrics, for example "pods"
  std::string collection_path = {};  // from resource_path(), without a query
  ListOptions selectors = {};
  ClientOptions client = {};
  metrics::Registry* metrics = nullptr;  // reflector_*; must outlive the reflector
  WatchTimings timings = {};             // for tests
};

/// Where the objects go. `begin_replace`, objects, `end_replace` is a complete list; another
/// `begin_replace` discards an incomplete one.
struct ReflectorSink {
  std::function<void()> begin_replace;
  std::function<void(const std::string& key, const nlohmann::json& object)> add_to_replace;
  std::function<void()> end_replace;
  std::function<void(const std::string& key, const nlohmann::json& object)> apply;
  std::function<void(const std::string& key)> remove;
};

class ReflectorLoop {
 public:
  ReflectorLoop(const ClusterConfig& config, ReflectorOptions options, ReflectorSink sink);
  ~ReflectorLoop();  // stops

  void start();
  void stop();
  bool synced() const;
  bool wait_synced(Millis timeout) const;
  std::optional<std::string> failing() const;
  Millis last_heard() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace wp::kube
