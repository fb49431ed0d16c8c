#include "operator/kube/lease.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <utility>

#include "base/ids.h"
#include "base/log.h"
#include "operator/kube/lease_record.h"

namespace wp::kube {
namespace {

const Resource kLeases{"coordination.k8s.io", "v1", "leases"};

// A throttled or slow answer must not eat the time in which to renew.
ClientOptions election_client(const LeaseOptions& options) {
  ClientOptions client = options.client;
  client.user_agent += " leader-election";
  client.timeout = std::max(Millis{1000}, options.renew_deadline / 2);
  client.http.connect_timeout = client.timeout;
  client.retries = 0;
  return client;
}

}  // namespace

struct LeaderElector::Impl {
  Impl(const ClusterConfig& cluster, LeaseOptions wanted, Callbacks wanted_callbacks)
      : config(cluster),
        options(std::move(wanted)),
        callbacks(std::move(wanted_callbacks)),
        clock(options.clock != nullptr ? *options.clock : system_clock()),
        client(config, election_client(options)),
        record(options.identity, options.term_annotation, options.duration),
        path(resource_path(kLeases, options.ns, options.name)) {}

  const ClusterConfig config;
  const LeaseOptions options;
  const Callbacks callbacks;
  const Clock& clock;
  Client client;
  LeaseRecord record;  // of the thread
  const std::string path;

  std::atomic<bool> leader{false};
  std::atomic<Millis::rep> renewed_at{0};  // steady time just before the last renewal was sent
  std::atomic<std::int64_t> term{0};

  std::mutex mutex;
  std::condition_variable stop_requested;
  bool stopping = false;
  std::jthread thread;

  void run();
  bool try_acquire_or_renew();
  bool write(LeaseRecord::Verdict verdict);
  bool pause(Millis duration);
  void set_leader(bool leads);
  void give_up();

  bool overdue() const {
    return clock.steady() >= Millis{renewed_at.load()} + options.renew_deadline;
  }
};

void LeaderElector::Impl::set_leader(bool leads) {
  leader = leads;
  if (options.metrics != nullptr) {
    options.metrics
        ->gauge("leader_election_master_status", "1 when this process leads.",
                {{"name", options.name}})
        .Set(leads ? 1 : 0);
  }
}

// Answers true when the lease is ours as of now. Throws KubeError.
bool LeaderElector::Impl::write(LeaseRecord::Verdict verdict) {
  const Millis sent_at = clock.steady();
  const Json claim = record.claim(verdict, options.ns, options.name, clock.wall());
  Json answer = verdict == LeaseRecord::Verdict::create
                    ? client.create(resource_path(kLeases, options.ns), claim)
                    : client.update(path, claim);
  record.observe(std::move(answer), clock.steady());
  renewed_at = sent_at.count();
  term = record.term();
  return true;
}

bool LeaderElector::Impl::try_acquire_or_renew() {
  using Verdict = LeaseRecord::Verdict;
  // The leader knows the document that it wrote: no need to read it first.
  if (leader && record.verdict(clock.steady()) == Verdict::renew) {
    try {
      return write(Verdict::renew);
    } catch (const KubeError& error) {
      if (!error.is_conflict() && !error.is_not_found()) throw;
    }
  }
  try {
    record.observe(client.get(path), clock.steady());
  } catch (const KubeError& error) {
    if (!error.is_not_found()) throw;
    record.forget();
  }
  const Verdict verdict = record.verdict(clock.steady());
  return verdict != Verdict::wait && write(verdict);
}

/// False when the elector is to end.
bool LeaderElector::Impl::pause(Millis duration) {
  std::unique_lock lock(mutex);
  return !stop_requested.wait_for(lock, duration, [this] { return stopping; });
}

void LeaderElector::Impl::run() {
  std::string last_problem;
  Millis wait{0};
  while (pause(wait)) {
    bool ours = false;
    try {
      ours = try_acquire_or_renew();
      last_problem.clear();
    } catch (const KubeError& error) {
      // A conflict is only another candidate who was quicker.
      if (error.transport() == Transport::stopped) return;
      const bool outrun = error.is_conflict() || error.is_already_exists();
      if (!outrun && last_problem != error.error_class()) {
        last_problem = error.error_class();
        log::warn("the lease could not be read or renewed",
                  {{"lease", options.name}, {"class", last_problem}, {"error", error.what()}});
      }
    }
    if (!leader) {
      // Up to 1.2 of a period more, so that candidates do not collide for ever.
      const auto spread = static_cast<std::uint64_t>(options.retry_period.count() * 12 / 10 + 1);
      wait = options.retry_period + Millis{static_cast<std::int64_t>(random_u64() % spread)};
      if (!ours) continue;
      set_leader(true);
      log::info("leading", {{"lease", options.name}, {"term", term.load()}});
      callbacks.on_started(term);
      wait = options.retry_period;
      continue;
    }
    const bool taken_away =
        !ours && !record.holder().empty() && record.holder() != options.identity;
    if (taken_away || overdue()) {
      set_leader(false);
      log::error("the lease was lost", {{"lease", options.name}, {"holder", record.holder()}});
      callbacks.on_lost();
      return;
    }
    const Millis left = Millis{renewed_at.load()} + options.renew_deadline - clock.steady();
    wait = std::clamp(left, Millis{0}, options.retry_period);
  }
}

void LeaderElector::Impl::give_up() {
  ClientOptions quick = election_client(options);
  quick.timeout = options.retry_period;
  quick.http.connect_timeout = options.retry_period;
  Client releaser(config, quick);
  for (int attempt = 0; attempt < 3; ++attempt) {
    try {
      record.observe(releaser.get(path), clock.steady());
      const auto released = record.release(clock.wall());
      if (released) releaser.update(path, *released);
      return;
    } catch (const KubeError& error) {
      if (error.is_conflict()) continue;
      log::warn("the lease could not be released; it expires by itself",
                {{"lease", options.name}, {"error", error.what()}});
      return;
    }
  }
}

LeaderElector::LeaderElector(const ClusterConfig& config, LeaseOptions options, Callbacks callbacks)
    : impl_(std::make_unique<Impl>(config, std::move(options), std::move(callbacks))) {
  const LeaseOptions& checked = impl_->options;
  if (checked.duration <= checked.renew_deadline ||
      checked.renew_deadline * 10 <= checked.retry_period * 12) {
    throw std::invalid_argument(
        "leader election needs duration > renew deadline > 1.2 x retry period");
  }
  impl_->set_leader(false);
}

LeaderElector::~LeaderElector() {
  stop(false);
}

void LeaderElector::start() {
  impl_->thread = std::jthread([impl = impl_.get()] { impl->run(); });
}

void LeaderElector::stop(bool release) {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
    impl_->stop_requested.notify_all();
  }
  impl_->client.stop();
  if (impl_->thread.joinable()) impl_->thread.join();
  if (!impl_->leader) return;
  impl_->set_leader(false);
  if (release) impl_->give_up();
}

bool LeaderElector::leading() const {
  return impl_->leader && !impl_->overdue();
}

std::optional<std::int64_t> LeaderElector::term() const {
  if (!leading()) return std::nullopt;
  return impl_->term.load();
}

bool LeaderElector::stuck(Millis tolerance) const {
  return impl_->leader && impl_->clock.steady() >= Millis{impl_->renewed_at.load()} +
                                                       impl_->options.duration + tolerance;
}

}  // namespace wp::kube
