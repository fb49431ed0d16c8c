#include "operator/cluster/cluster.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <fmt/format.h>
#include <malloc.h>
#include <memory>
#include <mutex>
#include <unistd.h>

#include "base/http_server.h"
#include "base/ids.h"
#include "base/log.h"
#include "base/stop_signals.h"
#include "operator/cluster/pools.h"
#include "operator/cluster/redis_secrets.h"
#include "operator/cluster/status_writer.h"
#include "operator/controller/controller.h"
#include "operator/kube/events.h"
#include "operator/kube/lease.h"
#include "operator/kube/reflectors.h"
#include "operator/workload/kube_workload.h"

namespace wp::cluster {
namespace {

constexpr Millis kEventFlush{2000};
// Each costs four watches, with a thread and a connection each.
constexpr std::size_t kMostNamespaces = 20;

// What main waits for, and what may end the wait.
class Ending {
 public:
  void ask(int exit_code) {
    {
      const std::lock_guard lock(mutex_);
      if (asked_) return;
      asked_ = true;
      code_ = exit_code;
    }
    changed_.notify_all();
  }
  bool asked() const {
    const std::lock_guard lock(mutex_);
    return asked_;
  }
  int wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return asked_; });
    return code_;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool asked_ = false;
  int code_ = 0;
};

std::string host_name() {
  char name[256] = "unknown";
  gethostname(name, sizeof name - 1);
  return name;
}

controller::EventWriter event_writer(kube::EventRecorder& recorder) {
  return [&recorder](const pool::Pool& pool, const controller::EventNote& note) {
    kube::Event event;
    event.regarding = {std::string(pool::kApiVersion),
                       std::string(pool::kKind),
                       pool.meta.ns,
                       pool.meta.name,
                       pool.meta.uid,
                       pool.meta.resource_version};
    event.type = note.warning ? kube::EventType::warning : kube::EventType::normal;
    event.reason = note.reason;
    event.action = note.action;
    event.note = note.note;
    recorder.emit(std::move(event));
  };
}

std::optional<controller::StoredPool> decode_pool(const nlohmann::json& object) {
  controller::StoredPool stored;
  stored.parsed = pool::read_pool(object);
  const auto status = object.find("status");
  if (status != object.end()) stored.status = pool::status_from_json(*status);
  return stored;
}

// The parts of a running operator, in the order in which they depend on each other.
class Operator {
 public:
  Operator(const ClusterOptions& options, kube::ClusterConfig config, Ending& ending)
      : options_(options),
        config_(std::move(config)),
        ending_(ending),
        client_(config_, leader_options()),
        secrets_(client_),
        events_(config_, event_options()),
        workload_(workload_options()),
        pools_(config_, pool_options(), kPools, options_.namespaces, decode_pool,
               [this](const std::string& key, const auto&, const auto&) { changed(key); }) {}

  ~Operator() { stop(); }

  void run() {
    HttpServer metrics(options_.metrics_addr, {.metrics = &metrics_});
    HttpServer probes(options_.probe_addr, {.live = live_checks(), .ready = ready_checks()});
    log::info("serving", {{"metrics_port", metrics.port()}, {"probe_port", probes.port()}});
    pools_.start();
    workload_.start();
    while (!ending_.asked() &&
           !(pools_.wait_synced(Millis{500}) && workload_.wait_synced(Millis{500}))) {
    }
    if (!ending_.asked()) {
      log::info("synced with the API server", {{"pools", pools_.size()}});
      if (options_.leader_elect) {
        compete();
      } else {
        lead(system_clock().wall().count());
      }
    }
    const int code = ending_.wait();
    stop();
    // Only now, when nothing writes any more, may another replica take over.
    if (elector_) elector_->stop(code == 0);
  }

 private:
  // Of all writes in the leader's name: a process that stood still for long may not be it any more.
  kube::ClientOptions leader_options() {
    kube::ClientOptions options = client_options();
    options.may_write = [this] {
      const kube::LeaderElector* elector = competing_.load();
      return elector == nullptr || elector->leading();
    };
    return options;
  }
  kube::ClientOptions client_options() {
    kube::ClientOptions options;
    options.user_agent = "workerpool-operator/" WORKERPOOL_VERSION " (linux)";
    options.metrics = &metrics_;
    // One for each thread that writes: a connection too few is a handshake for each write.
    options.http.idle_connections = static_cast<std::size_t>(options_.threads);
    return options;
  }
  kube::EventOptions event_options() {
    kube::EventOptions options;
    options.controller = "workerpool.dev/operator";
    options.instance = host_name();
    options.client = client_options();
    options.metrics = &metrics_;
    return options;
  }
  workload::KubeWorkloadOptions workload_options() {
    workload::KubeWorkloadOptions options;
    options.cluster = config_;
    options.client = leader_options();
    options.namespaces = options_.namespaces;
    options.deployment.runner_image = options_.runner_image;
    options.on_change = [this](const std::string& key) { changed(key); };
    options.metrics = &metrics_;
    return options;
  }
  kube::ReflectorOptions pool_options() {
    kube::ReflectorOptions options;
    options.name = "workerpools";
    options.client = client_options();
    options.metrics = &metrics_;
    return options;
  }

  void changed(const std::string& key) {
    if (controller::Controller* controller = leading_.load()) controller->enqueue(key);
  }

  void lead(std::int64_t term) {
    controller::Controller::Options options;
    options.pools = [this](const std::string& key) { return pools_.get(key); };
    options.endpoint = [this](const pool::Pool& pool, bool refresh) {
      return secrets_.endpoint(pool, refresh);
    };
    options.write_status = status_writer(client_);
    options.write_event = event_writer(events_);
    options.workload = &workload_;
    options.metrics = &metrics_;
    options.term = term;
    options.threads = static_cast<int>(options_.threads);
    const std::lock_guard lock(leading_mutex_);
    if (stopped_) return;
    controller_ = std::make_unique<controller::Controller>(std::move(options));
    leading_ = controller_.get();
    controller_->start();
    for (const auto& stored : pools_.list()) {
      controller_->enqueue(stored->parsed.pool.key());
    }
    log::info("reconciling", {{"term", term}});
  }

  void compete() {
    kube::LeaseOptions lease;
    lease.ns = options_.lease_namespace;
    lease.name = options_.lease_name;
    lease.identity = host_name() + "_" + random_uuid();
    lease.term_annotation = "workerpool.dev/term";
    lease.client = client_options();
    lease.metrics = &metrics_;
    elector_ = std::make_unique<kube::LeaderElector>(
        config_, std::move(lease),
        kube::LeaderElector::Callbacks{.on_started = [this](std::int64_t term) { lead(term); },
                                       .on_lost =
                                           [] {
                                             // Whatever still runs must not write: no orderly end
                                             // that could hang.
                                             log::error("the lease was lost: ending at once");
                                             _exit(1);
                                           }});
    competing_ = elector_.get();
    elector_->start();
  }

  void stop() {
    {
      // The elector's thread may be about to lead: then it finds that it is too late.
      const std::lock_guard lock(leading_mutex_);
      stopped_ = true;
      leading_ = nullptr;
      if (controller_) controller_->stop();
    }
    pools_.stop();
    workload_.stop();
    events_.stop(kEventFlush);
    client_.stop();
  }

  std::vector<HealthCheck> live_checks() {
    return {{"election", [this]() -> std::optional<std::string> {
               const kube::LeaderElector* elector = competing_.load();
               if (elector != nullptr && elector->stuck(Millis{20000})) {
                 return "the lease is not renewed";
               }
               return std::nullopt;
             }}};
  }
  std::vector<HealthCheck> ready_checks() {
    return {{"workerpools",
             [this]() -> std::optional<std::string> {
               return pools_.synced() ? std::nullopt : std::optional<std::string>("not listed yet");
             }},
            {"workload", [this]() -> std::optional<std::string> {
               return workload_.synced() ? std::nullopt
                                         : std::optional<std::string>("not listed yet");
             }}};
  }

  const ClusterOptions& options_;
  const kube::ClusterConfig config_;
  Ending& ending_;
  metrics::Registry metrics_;
  kube::Client client_;
  RedisSecrets secrets_;
  kube::EventRecorder events_;
  std::atomic<controller::Controller*> leading_{nullptr};
  workload::KubeWorkload workload_;
  kube::Reflectors<controller::StoredPool> pools_;
  std::mutex leading_mutex_;  // guards the two below
  bool stopped_ = false;
  std::unique_ptr<controller::Controller> controller_;
  std::unique_ptr<kube::LeaderElector> elector_;
  std::atomic<kube::LeaderElector*> competing_{nullptr};  // for the probes' threads
};

}  // namespace

Options& add_cluster_command(Options& root, ClusterOptions& o) {
  Options& run = root.command("run", "Watch WorkerPools in a cluster and keep their workers.");
  declare_place(run, o);
  run.text({.name = "runner-image",
            .env = "WP_RUNNER_IMAGE",
            .help = "where pools with a handler get the runner from",
            .placeholder = "IMAGE"},
           o.runner_image)
      .text({.name = "metrics-addr",
             .env = "WP_METRICS_ADDR",
             .help = "where /metrics is served",
             .placeholder = "HOST:PORT"},
            o.metrics_addr)
      .text({.name = "probe-addr",
             .env = "WP_PROBE_ADDR",
             .help = "where /healthz and /readyz are served",
             .placeholder = "HOST:PORT"},
            o.probe_addr)
      .integer({.name = "threads", .help = "pools reconciled at once", .placeholder = "N"},
               o.threads, {1, 64})
      .toggle({.name = "leader-elect",
               .env = "WP_LEADER_ELECT",
               .help = "of several replicas one reconciles (a Lease)"},
              o.leader_elect)
      .choice({.name = "log-level", .env = "WP_LOG_LEVEL", .help = "what is logged"}, o.log_level,
              {"debug", "info", "warn", "error"});
  return run;
}

int run_cluster(ClusterOptions options, const Options& resolved) {
  // Named twice it would be watched twice, and each of its pods counted twice.
  std::sort(options.namespaces.begin(), options.namespaces.end());
  options.namespaces.erase(std::unique(options.namespaces.begin(), options.namespaces.end()),
                           options.namespaces.end());
  if (options.namespaces.size() > kMostNamespaces) {
    throw UsageError(
        fmt::format("--namespace: {} are given, {} at most can be watched one by one; "
                    "without any all are",
                    options.namespaces.size(), kMostNamespaces));
  }
  log::Level level = log::Level::info;
  (void)log::parse_level(options.log_level, level);
  log::set_level(level);
  // Threads share two heaps, and what is freed goes back to the system: a heap for each, and free
  // blocks of the size of the largest answer, cost more than the contention is worth.
  mallopt(M_ARENA_MAX, 2);
  mallopt(M_MMAP_THRESHOLD, 256 * 1024);
  Ending ending;
  const StopSignals signals([&ending](int count) {
    if (count > 1) _exit(1);
    ending.ask(0);
  });
  kube::ClusterConfig config;
  try {
    config = kube::load_config({.kubeconfig = options.kubeconfig});
  } catch (const kube::KubeConfigError& error) {
    throw UsageError(error.what());
  }
  log::info("operator starts", {{"version", WORKERPOOL_VERSION}, {"cluster", config.source}});
  for (const ResolvedSetting& setting : resolved.resolved()) {
    log::info("setting",
              {{"name", setting.name}, {"value", setting.value}, {"source", setting.source}});
  }
  Operator(options, std::move(config), ending).run();
  log::info("operator ended");
  return 0;
}

}  // namespace wp::cluster
