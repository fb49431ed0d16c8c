#include "operator/workload/kube_workload.h"

#include <algorithm>
#include <utility>

#include "base/ids.h"
#include "base/log.h"
#include "operator/kube/version.h"
#include "operator/workload/ownership.h"
#include "operator/workload/pod_template.h"

namespace wp::workload {
namespace {

using kube::KubeError;
using Json = nlohmann::json;
using Kind = WorkloadError::Kind;

WorkloadError not_ours(const pool::Pool& pool, const DeploymentInfo& live) {
  if (live.owner_pool == pool.meta.name) {
    return {Kind::retry, named(pool) + " belongs to an earlier pool of this name; it goes soon"};
  }
  return {Kind::name_conflict, named(pool) +
                                   " exists and is not this pool's: nothing is written; "
                                   "remove it, or give the pool another name"};
}

}  // namespace

KubeWorkload::KubeWorkload(KubeWorkloadOptions options)
    : options_(std::move(options)),
      clock_(options_.clock != nullptr ? *options_.clock : system_clock()),
      client_(options_.cluster, options_.client),
      api_(client_),
      marks_(client_, clock_),
      objects_({.cluster = options_.cluster,
                .client = options_.client,
                .namespaces = options_.namespaces,
                .metrics = options_.metrics,
                .timings = options_.timings,
                .on_change = options_.on_change,
                .on_deployment_gone = [this](const std::string& key,
                                             const std::string& uid) { written_.gone(key, uid); }}),
      targets_({.cluster = options_.cluster,
                .client = options_.client,
                .ns = {},
                .name = {},
                .metrics = options_.metrics,
                .timings = options_.timings,
                .on_change = {},
                .on_deployment_gone = [this](const std::string& key,
                                             const std::string& uid) { written_.gone(key, uid); }},
               options_.on_change) {}

KubeWorkload::~KubeWorkload() {
  stop();
}

void KubeWorkload::stop() {
  client_.stop();
  objects_.stop();
  targets_.stop();
}

KubeWorkload::Deployment KubeWorkload::current(const pool::Pool& pool) const {
  const std::string key = deployment_key(pool);
  if (!pool.spec.workers.deployment_ref) {
    return written_.newest(key, objects_.deployment(key), now());
  }
  const auto target = targets_.find(pool);
  return target ? written_.newest(key, target->deployment(), now()) : nullptr;
}

std::optional<DeploymentObjects> KubeWorkload::objects_of(const pool::Pool& pool) const {
  if (!synced()) return std::nullopt;
  const auto target = pool.spec.workers.deployment_ref ? targets_.find(pool) : nullptr;
  if (pool.spec.workers.deployment_ref && !(target && target->synced())) return std::nullopt;
  const Deployment live = current(pool);
  if (!live || !belongs_to(*live, pool)) return std::nullopt;
  return objects_below(live, target.get());
}

DeploymentObjects KubeWorkload::objects_below(Deployment deployment, const Target* target) const {
  DeploymentObjects made;
  made.deployment = std::move(deployment);
  const std::string& uid = made.deployment->uid;
  made.sets = target ? target->replica_sets(uid) : objects_.replica_sets(uid);
  for (const auto& set : made.sets) {
    for (const auto& pod : target ? target->pods(set->uid) : objects_.pods(set->uid)) {
      // Marks that no ReplicaSet confirms count only once the watch has shown them.
      made.pods.push_back(set->state.empty() ? pod : marks_.newest(pod));
    }
  }
  return made;
}

View KubeWorkload::observe(const pool::Pool& pool) const {
  View view;
  if (const auto objects = objects_of(pool)) {
    view = view_of(*objects, worker_container(pool));
    view.known = true;
  }
  if (!pool.spec.workers.deployment_ref) view.selector = pod_selector(pool);
  const std::lock_guard lock(mutex_);
  const auto memory = memories_.find(pool.key());
  if (memory == memories_.end() || memory->second.pool_uid != pool.meta.uid) return view;
  if (memory->second.doubtful) view.known = false;
  view.foreign_scaler = memory->second.foreign.contender(now());
  view.left_alone_for = memory->second.foreign.left_alone_for(now());
  if (memory->second.unconfirmed_since) {
    view.unconfirmed_for = now() - *memory->second.unconfirmed_since;
  }
  return view;
}

void KubeWorkload::ensure(const pool::Pool& pool, int initial_replicas) {
  refuse_what_goes(pool);
  Memory& memory = memory_of(pool);
  const auto reject = [&pool, &memory](const std::string& message) {
    memory.rejected_generation = pool.meta.generation;
    memory.rejected_message = message;
  };
  try {
    if (pool.spec.workers.deployment_ref) return ensure_target(pool, memory);
    learn_version(pool);
    Deployment live = memory.doubtful ? read(pool, memory) : current(pool);
    if (memory.rejected_generation == pool.meta.generation) {
      throw WorkloadError(Kind::rejected, memory.rejected_message);
    }
    // What the watch does not show may exist all the same: its label may be missing.
    if (!live || !belongs_to(*live, pool)) live = read(pool, memory);
    if (!live) return create(pool, initial_replicas, memory);
    if (live->deleting) throw WorkloadError(Kind::retry, named(pool) + " is being deleted");
    if (!belongs_to(*live, pool)) throw not_ours(pool, *live);
    bring_up_to_date(pool, std::move(live), memory);
  } catch (const TemplateError& error) {
    reject(error.what());
    throw WorkloadError(Kind::rejected, error.what());
  } catch (const KubeError& error) {
    const WorkloadError meaning = to_workload_error(error, "ensure " + named(pool));
    if (meaning.kind() == Kind::rejected) reject(meaning.what());
    // A conflict: the namesake that was expected is another one. Read before the next try.
    if (is_doubtful(error) || meaning.kind() == Kind::conflict) doubt(memory, true);
    throw meaning;
  }
}

// Of what others declare only the replicas are ours, and those are for scale().
void KubeWorkload::ensure_target(const pool::Pool& pool, Memory& memory) {
  const auto target = targets_.claim(pool);
  target->follow();
  Deployment live = memory.doubtful ? read(pool, memory) : current(pool);
  if (!live) live = read(pool, memory);
  if (!live || live->deleting) {
    throw WorkloadError(Kind::target_missing,
                        named(pool) + " (workers.deploymentRef) does not exist in this namespace");
  }
  if (!belongs_to(*live, pool)) {
    throw WorkloadError(Kind::target_conflict,
                        named(pool) + " is the WorkerPool \"" + live->owner_pool + "\"'s own");
  }
  if (const auto problem = target->failing()) {
    throw WorkloadError(Kind::retry, named(pool) + " cannot be watched: " + *problem);
  }
  if (!target->synced()) throw WorkloadError(Kind::conflict, named(pool) + " is not yet seen");
}

void KubeWorkload::doubt(Memory& memory, bool doubtful) {
  const std::lock_guard lock(mutex_);
  memory.doubtful = doubtful;
}

KubeWorkload::Deployment KubeWorkload::read(const pool::Pool& pool, Memory& memory) {
  const std::string key = deployment_key(pool);
  std::optional<DeploymentInfo> found = api_.read(pool.meta.ns, deployment_name(pool));
  if (found && !memory.lost_version.empty() && found->resource_version == memory.lost_version) {
    found = api_.fence(*found, format_time(clock_.wall()));
  }
  memory.lost_version.clear();
  doubt(memory, false);
  if (!found) {
    written_.forget(key);
    return nullptr;
  }
  return written_.put(key, std::move(*found), now());
}

void KubeWorkload::create(const pool::Pool& pool, int replicas, Memory& memory) {
  const DeploymentInfo made =
      api_.create(body(pool, runner_image(pool, nullptr), std::max(0, replicas)));
  note_applied(pool, made, memory);
  log::info("deployment created", {{"namespace", pool.meta.ns},
                                   {"name", pool.meta.name},
                                   {"deployment", made.name},
                                   {"replicas", made.replicas}});
  try {
    // Not conditional: the Deployment controller has written the status by now. A different number
    // would be a conflict all the same, as the operator owns the field too.
    const std::string version = api_.scale(made.ns, made.name, made.replicas, "", false);
    note_scaled(pool, made, made.replicas, version, memory);
  } catch (const KubeError& error) {
    // Someone was faster with another number: scale() meets them. Nothing else is lost either, as
    // no apply goes without the scaler's part.
    if (!error.is_field_manager_conflict()) throw;
  }
}

void KubeWorkload::bring_up_to_date(const pool::Pool& pool, Deployment live, Memory& memory) {
  const auto reason = reason_to_apply(pool, *live, memory);
  if (!reason) return;
  const Json wanted = body(pool, runner_image(pool, live.get()), std::nullopt);
  // An apply without replicas from their only owner would put them back to 1.
  if (!owns_replicas(*live, kScalerManager)) live = share_replicas(pool, live, memory);
  const DeploymentInfo made = api_.apply(wanted, live->uid);
  const bool changed = made.generation != live->generation;
  note_applied(pool, made, memory);
  if (!changed) return;
  log::info("deployment applied", {{"namespace", pool.meta.ns},
                                   {"name", pool.meta.name},
                                   {"deployment", made.name},
                                   {"reason", *reason}});
}

std::optional<std::string_view> KubeWorkload::reason_to_apply(const pool::Pool& pool,
                                                              const DeploymentInfo& live,
                                                              Memory& memory) const {
  if (memory.deployment_uid != live.uid) {
    // Seen for the first time by this process. Spread, so that a restart with a thousand pools is
    // no storm; what others changed meanwhile is put right by then.
    memory.deployment_uid = live.uid;
    memory.expected_generation = live.generation;
    memory.next_apply =
        now() + Millis{static_cast<std::int64_t>(
                    random_u64() % static_cast<std::uint64_t>(options_.reapply_after.count() + 1))};
  }
  const std::string image = runner_image(pool, &live);
  if (memory.hash_generation != pool.meta.generation || memory.hash_image != image) {
    memory.hash = applied_hash(body(pool, image, std::nullopt));
    memory.hash_generation = pool.meta.generation;
    memory.hash_image = image;
  }
  if (live.template_hash != memory.hash) return "the pool declares another one";
  if (live.pool != pool.meta.name) return "its label is missing";
  if (live.generation != memory.expected_generation) return "another writer changed it";
  if (now() >= memory.next_apply) return "periodic";
  return std::nullopt;
}

void KubeWorkload::note_applied(const pool::Pool& pool, const DeploymentInfo& live,
                                Memory& memory) {
  memory.deployment_uid = live.uid;
  memory.expected_generation = live.generation;
  const std::int64_t tenth = options_.reapply_after.count() / 10;
  const auto chance =
      static_cast<std::int64_t>(random_u64() % static_cast<std::uint64_t>(2 * tenth + 1));
  memory.next_apply = now() + options_.reapply_after + Millis{chance - tenth};
  doubt(memory, false);
  written_.put(deployment_key(pool), live, now());
}

Json KubeWorkload::body(const pool::Pool& pool, const std::string& image,
                        std::optional<int> replicas) const {
  DeploymentOptions options = options_.deployment;
  options.runner_image = image;
  {
    const std::lock_guard lock(mutex_);
    options.native_sidecars = native_sidecars_.value_or(options.native_sidecars);
  }
  return build_deployment(pool, options, replicas);
}

void KubeWorkload::learn_version(const pool::Pool& pool) {
  if (!pool.spec.workers.handler.http) return;
  {
    const std::lock_guard lock(mutex_);
    if (native_sidecars_) return;
  }
  const kube::ServerVersion version = kube::read_server_version(client_);
  log::info("version of the cluster", {{"major", version.major}, {"minor", version.minor}});
  const std::lock_guard lock(mutex_);
  native_sidecars_ = version >= kube::kNativeSidecars;
}

// What the user asks for, else what the Deployment was created with, else our own.
std::string KubeWorkload::runner_image(const pool::Pool& pool, const DeploymentInfo* live) const {
  if (pool.spec.workers.runner_image) return *pool.spec.workers.runner_image;
  if (live != nullptr && !live->runner_image.empty()) return live->runner_image;
  return options_.deployment.runner_image;
}

KubeWorkload::Memory& KubeWorkload::memory_of(const pool::Pool& pool) {
  const std::lock_guard lock(mutex_);
  Memory& memory = memories_[pool.key()];
  if (memory.pool_uid != pool.meta.uid) {
    memory = {};
    memory.pool_uid = pool.meta.uid;
  }
  return memory;
}

void KubeWorkload::forget(const std::string& pool_key) {
  if (const auto target = targets_.held_by(pool_key)) leave_unmarked(*target, pool_key);
  {
    const std::lock_guard lock(mutex_);
    memories_.erase(pool_key);
  }
  written_.forget(pool_key + "-worker");
  targets_.release(pool_key);
}

}  // namespace wp::workload
