// The workers of pools as Deployments of a cluster. Watches the Deployments, ReplicaSets and Pods
// that carry the label workerpool.dev/pool, and writes a Deployment only where it differs from what
// its pool declares.
//
// observe() reads the stores. The others write, each pool from one thread at a time, and throw
// WorkloadError. A pool whose Deployment belongs to someone else is never written; of one that the
// pool names (workers.deploymentRef) only the replicas and the marks of its pods are. Replicas that
// someone else sets again and again are taken back ever more seldom: scale() is a conflict
// meanwhile.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/metrics.h"
#include "operator/kube/client.h"
#include "operator/workload/deployment.h"
#include "operator/workload/deployment_api.h"
#include "operator/workload/deployment_view.h"
#include "operator/workload/foreign_scaler.h"
#include "operator/workload/kube_objects.h"
#include "operator/workload/pod_marks.h"
#include "operator/workload/pool_objects.h"
#include "operator/workload/recent_writes.h"
#include "operator/workload/targets.h"
#include "operator/workload/workload.h"

namespace wp::workload {

struct KubeWorkloadOptions {
  kube::ClusterConfig cluster;
  kube::ClientOptions client;
  std::vector<std::string> namespaces;  // empty: all of them
  DeploymentOptions deployment;
  /// Something of this pool changed: its key. On the reflectors' threads; must not block.
  std::function<void(const std::string& pool_key)> on_change;
  metrics::Registry* metrics = nullptr;  // must outlive the workload
  const Clock* clock = nullptr;          // nullptr: the machine's
  /// A Deployment that looks right is applied again after so long, up to a tenth more or less.
  Millis reapply_after{600000};
  kube::WatchTimings timings;
};

class KubeWorkload : public Workload {
 public:
  explicit KubeWorkload(KubeWorkloadOptions options);
  ~KubeWorkload() override;  // stop()

  void start() { objects_.start(); }
  /// Ends the watches and the writes in progress. Call it after the controller has stopped.
  void stop();
  /// True once all three kinds were listed.
  bool synced() const { return objects_.synced(); }
  bool wait_synced(Millis timeout) const { return objects_.wait_synced(timeout); }
  /// Why what observe() shows may be stale, in one line; nothing when all is well.
  std::optional<std::string> failing() const { return objects_.failing(); }

  View observe(const pool::Pool& pool) const override;
  void ensure(const pool::Pool& pool, int initial_replicas) override;
  /// Which pods go is the ReplicaSet controller's choice, by the marks that it has seen.
  void scale(const pool::Pool& pool, int replicas,
             const std::vector<std::string>& victims) override;
  int mark(const pool::Pool& pool, const std::vector<std::string>& uids) override;
  int unmark(const pool::Pool& pool, const std::vector<std::string>& uids) override;
  void remove(const pool::Pool& pool, const std::string& uid) override;
  void forget(const std::string& pool_key) override;

 private:
  using Deployment = std::shared_ptr<const DeploymentInfo>;

  /// What is remembered of a pool between calls. Lost at a restart, and then learnt anew.
  struct Memory {
    std::string pool_uid;
    std::int64_t rejected_generation = -1;  // of the pool: its template was refused
    std::string rejected_message;
    std::string hash;                      // of what is to be applied at …
    std::int64_t hash_generation = -1;     // … this generation of the pool …
    std::string hash_image;                // … with this runner
    std::string deployment_uid;            // of whom the next two speak; empty: none seen yet
    std::int64_t expected_generation = 0;  // another one was made by another's hand
    Millis next_apply{0};
    bool fenced = false;                  // what an earlier leader had on its way is too late
    bool taken_over = false;              // of a named target: the replicas were ours once
    Millis look_again{0};                 // at the pods, before a lowering
    std::optional<Millis> leaving_since;  // the pool is gone, and its target bears marks
    std::string lost_version;  // a write of the replicas for this version may still be on its way
    // observe() reads these three: under the lock.
    bool doubtful = false;                    // an answer was lost: read before anything is decided
    std::optional<Millis> unconfirmed_since;  // the pods, when a lowering was about to be
    ForeignScaler foreign;
  };

  Deployment current(const pool::Pool& pool) const;
  /// Nothing when there is no Deployment of this pool.
  std::optional<DeploymentObjects> objects_of(const pool::Pool& pool) const;
  /// With what is below it; `target`: nullptr when it is ours.
  DeploymentObjects objects_below(Deployment deployment, const Target* target) const;
  /// What the server has. Whatever of ours is still on its way comes too late after it.
  Deployment read(const pool::Pool& pool, Memory& memory);
  void fence_earlier_leaders(const pool::Pool& pool);
  /// Throws a conflict unless our watch shows the pods that there are, right now.
  void confirm_pods(const pool::Pool& pool, Memory& memory);
  /// Takes our marks off a target that is about to be released. Throws a conflict: not yet.
  void leave_unmarked(const Target& target, const std::string& pool_key);
  void ensure_target(const pool::Pool& pool, Memory& memory);
  void create(const pool::Pool& pool, int replicas, Memory& memory);
  void bring_up_to_date(const pool::Pool& pool, Deployment live, Memory& memory);
  /// Nothing, or why the template has to be applied.
  std::optional<std::string_view> reason_to_apply(const pool::Pool& pool,
                                                  const DeploymentInfo& live, Memory& memory) const;
  Deployment share_replicas(const pool::Pool& pool, Deployment live, Memory& memory);
  void doubt(Memory& memory, bool doubtful);
  void leave_to_contender(const pool::Pool& pool, const Memory& memory);
  std::string take_back_replicas(const pool::Pool& pool, const DeploymentInfo& live, int replicas,
                                 const kube::KubeError& conflict, Memory& memory);
  Deployment note_scaled(const pool::Pool& pool, const DeploymentInfo& live, int replicas,
                         const std::string& version, Memory& memory);
  void note_applied(const pool::Pool& pool, const DeploymentInfo& live, Memory& memory);
  nlohmann::json body(const pool::Pool& pool, const std::string& image,
                      std::optional<int> replicas) const;
  std::string runner_image(const pool::Pool& pool, const DeploymentInfo* live) const;
  /// Asks the API server once whether it has native sidecars, when the pool's pods need to know.
  void learn_version(const pool::Pool& pool);
  /// Its pool's thread alone uses it, so it needs no lock once found.
  Memory& memory_of(const pool::Pool& pool);
  Millis now() const { return clock_.steady(); }

  const KubeWorkloadOptions options_;
  const Clock& clock_;
  kube::Client client_;
  DeploymentApi api_;
  RecentWrites<DeploymentInfo> written_;
  PodMarks marks_;
  mutable std::mutex mutex_;  // of the map, of what observe() reads in it, and of the last one
  std::map<std::string, Memory> memories_;  // by pool key
  std::optional<bool> native_sidecars_;     // nothing: not asked yet

  // Last: their threads use the members above.
  PoolObjects objects_;
  Targets targets_;
};

}  // namespace wp::workload
