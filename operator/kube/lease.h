// Leader election by a Lease (coordination.k8s.io/v1): of several replicas one leads. Runs on a
// thread and on connections of its own, so that a stuck request elsewhere cannot cost the lease.
// Whoever writes as the leader asks `leading()` right before each write: it is judged by the steady
// clock, so that a process that was suspended does not believe in an old lease.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "operator/kube/client.h"

namespace wp::kube {

struct LeaseOptions {
  std::string ns = {};
  std::string name = {};
  std::string identity = {};         // unique per process start: hostname_uuid
  std::string term_annotation = {};  // key of the annotation that keeps the term
  Millis duration{15000};            // others wait so long after the last renewal they saw
  Millis renew_deadline{10000};      // we give up when no renewal succeeded for so long
  Millis retry_period{2000};
  ClientOptions client = {};
  metrics::Registry* metrics = nullptr;  // leader_election_master_status{name}
  const Clock* clock = nullptr;          // system_clock()
};

class LeaderElector {
 public:
  struct Callbacks {
    /// We lead. `term` is greater than that of every earlier leader of this Lease: the wall time in
    /// ms at which it was taken, or the previous term + 1 if that is greater.
    std::function<void(std::int64_t term)> on_started = {};
    /// We led and do so no longer, without having been asked to stop. The process should end.
    std::function<void()> on_lost = {};
  };

  /// Throws std::invalid_argument unless duration > renew_deadline > 1.2 × retry_period.
  LeaderElector(const ClusterConfig& config, LeaseOptions options, Callbacks callbacks);
  ~LeaderElector();  // stop(), but the lease is left to expire
  LeaderElector(const LeaderElector&) = delete;
  LeaderElector& operator=(const LeaderElector&) = delete;

  /// Begins to compete. The callbacks run on the elector's thread. Called once.
  void start();
  /// Ends the competition and joins. With `release`, a held lease is given up, so that the next
  /// leader need not wait for it to expire: only once nothing writes any more. With a server
  /// that does not answer this takes about two retry periods.
  void stop(bool release);

  /// True while we hold the lease and its renewal is not overdue. Cheap.
  bool leading() const;
  /// Ours while leading(), else nothing.
  std::optional<std::int64_t> term() const;
  /// For liveness: we believe to lead and have not renewed for the lease's duration + `tolerance`.
  bool stuck(Millis tolerance) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace wp::kube
