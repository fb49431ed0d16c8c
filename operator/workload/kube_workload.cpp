#include "operator/workload/kube_workload.h"

#include <algorithm>
#include <utility>

#include "base/ids.h"
#include "base/log.h"
#include "base/units.h"
#include "operator/kube/store.h"

namespace wp::workload {
namespace {

using kube::KubeError;
using Json = nlohmann::json;
using Kind = WorkloadError::Kind;

/// A conditional write competes with the Deployment controller's status updates.
constexpr int kTries = 4;

std::string deployment_key(const pool::Pool& pool) {
  return kube::object_key(pool.meta.ns, deployment_name(pool));
}

std::string named(const pool::Pool& pool) {
  return "the Deployment \"" + deployment_name(pool) + "\"";
}

bool belongs_to(const DeploymentInfo& live, const pool::Pool& pool) {
  return live.controller_uid == pool.meta.uid;
}

void refuse_what_is_not_ours(const pool::Pool& pool) {
  if (pool.meta.deleting) throw WorkloadError(Kind::gone, "the pool is being deleted");
  if (pool.spec.workers.deployment_ref) {
    throw WorkloadError(Kind::target_missing,
                        "workers.deploymentRef is not supported by this version: declare the "
                        "workers as workers.template");
  }
}

WorkloadError not_ours(const pool::Pool& pool, const DeploymentInfo& live) {
  if (live.owner_pool == pool.meta.name) {
    return {Kind::retry, named(pool) + " belongs to an earlier pool of this name; it goes soon"};
  }
  return {Kind::name_conflict, named(pool) +
                                   " exists and is not this pool's: nothing is written; "
                                   "remove it, or give the pool another name"};
}

// True when the operator itself still holds the replicas, from the creation, and nobody else does.
bool held_by_operator(const DeploymentInfo& live) {
  bool operator_holds = false;
  for (const FieldOwner& owner : live.replicas_owners) {
    if (owner.manager == kOperatorManager) {
      operator_holds = true;
    } else if (owner.manager != kScalerManager) {
      return false;
    }
  }
  return operator_holds;
}

// 'conflict with "kubectl" with subresource "scale" using apps/v1'
std::string manager_in(const KubeError& conflict) {
  for (const KubeError::Cause& cause : conflict.causes()) {
    if (cause.reason != "FieldManagerConflict") continue;
    const std::size_t begin = cause.message.find('"');
    const std::size_t end = cause.message.find('"', begin + 1);
    if (begin < end && end != std::string::npos) {
      return cause.message.substr(begin + 1, end - begin - 1);
    }
  }
  return "another writer";
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
                .ns = options_.ns,
                .metrics = options_.metrics,
                .timings = options_.timings,
                .on_change = options_.on_change,
                .on_deployment_gone = [this](const std::string& key, const std::string& uid) {
                  written_.gone(key, uid);
                }}) {}

KubeWorkload::~KubeWorkload() {
  stop();
}

void KubeWorkload::stop() {
  client_.stop();
  objects_.stop();
}

KubeWorkload::Deployment KubeWorkload::current(const pool::Pool& pool) const {
  const std::string key = deployment_key(pool);
  return written_.newest(key, objects_.deployment(key), now());
}

std::optional<DeploymentObjects> KubeWorkload::objects_of(const pool::Pool& pool) const {
  if (!synced() || pool.spec.workers.deployment_ref) return std::nullopt;
  DeploymentObjects made;
  made.deployment = current(pool);
  if (!made.deployment || !belongs_to(*made.deployment, pool)) return std::nullopt;
  made.sets = objects_.replica_sets(made.deployment->uid);
  for (const auto& set : made.sets) {
    for (const auto& pod : objects_.pods(set->uid)) made.pods.push_back(marks_.newest(pod));
  }
  return made;
}

View KubeWorkload::observe(const pool::Pool& pool) const {
  View view;
  if (const auto objects = objects_of(pool)) {
    view = view_of(*objects, pool.spec.workers.container);
    view.known = true;
  }
  view.selector = pod_selector(pool);
  const std::lock_guard lock(mutex_);
  const auto memory = memories_.find(pool.key());
  if (memory == memories_.end() || memory->second.pool_uid != pool.meta.uid) return view;
  if (memory->second.doubtful) view.known = false;
  view.foreign_scaler = memory->second.foreign.contender(now());
  view.left_alone_for = memory->second.foreign.left_alone_for(now());
  return view;
}

void KubeWorkload::ensure(const pool::Pool& pool, int initial_replicas) {
  refuse_what_is_not_ours(pool);
  Memory& memory = memory_of(pool);
  const auto reject = [&pool, &memory](const std::string& message) {
    memory.rejected_generation = pool.meta.generation;
    memory.rejected_message = message;
  };
  try {
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
    const WorkloadError meaning = to_workload_error(error, "apply " + named(pool));
    if (meaning.kind() == Kind::rejected) reject(meaning.what());
    // A conflict: the namesake that was expected is another one. Read before the next try.
    if (is_doubtful(error) || meaning.kind() == Kind::conflict) doubt(memory, true);
    throw meaning;
  }
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

// Makes the scaler an owner of the replicas, without changing them.
KubeWorkload::Deployment KubeWorkload::share_replicas(const pool::Pool& pool, Deployment live,
                                                      Memory& memory) {
  for (int tries = kTries;; --tries) {
    try {
      // Forced where only our other hand holds them: a Scale with 0 replicas leaves the number out,
      // which the API server takes for a conflict with the 0 of the creation.
      const std::string version = api_.scale(live->ns, live->name, live->replicas,
                                             live->resource_version, held_by_operator(*live));
      return note_scaled(pool, *live, live->replicas, version, memory);
    } catch (const KubeError& error) {
      if (!error.is_conflict() || tries <= 1) throw;
    }
    live = read(pool, memory);
    if (!live || !belongs_to(*live, pool)) {
      throw WorkloadError(Kind::conflict, named(pool) + " was replaced in between");
    }
    if (owns_replicas(*live, kScalerManager)) return live;
  }
}

void KubeWorkload::scale(const pool::Pool& pool, int replicas,
                         const std::vector<std::string>& /*victims*/) {
  refuse_what_is_not_ours(pool);
  Memory& memory = memory_of(pool);
  if (memory.doubtful) {
    throw WorkloadError(Kind::conflict, "an answer about " + named(pool) + " was lost");
  }
  const Deployment live = current(pool);
  if (!live || !belongs_to(*live, pool) || live->deleting) {
    throw WorkloadError(Kind::conflict, named(pool) + " is not there, or not yet seen");
  }
  if (live->replicas == replicas) return;
  if (!owns_replicas(*live, kScalerManager)) leave_to_contender(pool, memory);
  try {
    std::string version;
    try {
      // Our own second hand is no reason for a conflict, and at this version nobody else has one.
      version = api_.scale(live->ns, live->name, replicas, live->resource_version,
                           held_by_operator(*live));
    } catch (const KubeError& error) {
      if (!error.is_field_manager_conflict()) throw;
      version = take_back_replicas(pool, *live, replicas, error, memory);
    }
    note_scaled(pool, *live, replicas, version, memory);
  } catch (const KubeError& error) {
    if (is_doubtful(error)) memory.lost_version = live->resource_version;
    if (is_doubtful(error) || error.is_not_found()) doubt(memory, true);
    throw to_workload_error(error, "scale " + named(pool));
  }
}

// Throws a conflict while the replicas stay with whoever sets them again and again.
void KubeWorkload::leave_to_contender(const pool::Pool& pool, const Memory& memory) {
  const Millis wait = memory.foreign.left_alone_for(now());
  if (wait == Millis{0}) return;
  throw WorkloadError(Kind::conflict, memory.foreign.contender(now()) + " sets the replicas of " +
                                          named(pool) + "; they are taken back in " +
                                          format_duration(wait));
}

std::string KubeWorkload::take_back_replicas(const pool::Pool& pool, const DeploymentInfo& live,
                                             int replicas, const KubeError& conflict,
                                             Memory& memory) {
  {
    const std::lock_guard lock(mutex_);
    memory.foreign.found(manager_in(conflict), now());
  }
  leave_to_contender(pool, memory);
  log::warn("another writer set the replicas of a pool's deployment; taking them back",
            {{"namespace", live.ns},
             {"name", live.pool},
             {"deployment", live.name},
             {"writer", manager_in(conflict)},
             {"found", live.replicas},
             {"replicas", replicas}});
  const std::string version = api_.scale(live.ns, live.name, replicas, live.resource_version, true);
  const std::lock_guard lock(mutex_);
  memory.foreign.repaired(now());
  return version;
}

KubeWorkload::Deployment KubeWorkload::note_scaled(const pool::Pool& pool,
                                                   const DeploymentInfo& live, int replicas,
                                                   const std::string& version, Memory& memory) {
  DeploymentInfo now_there = live;
  now_there.resource_version = version;
  const FieldOwner scaler{
      .manager = std::string(kScalerManager), .subresource = "scale", .applied = true};
  if (live.replicas != replicas) {
    now_there.replicas = replicas;
    // The answer of /scale does not tell the generation; one change of the spec is one step.
    ++now_there.generation;
    if (memory.deployment_uid == live.uid) ++memory.expected_generation;
    now_there.replicas_owners = {scaler};
  } else if (!owns_replicas(live, kScalerManager)) {
    now_there.replicas_owners.push_back(scaler);
  }
  return written_.put(deployment_key(pool), std::move(now_there), now());
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
  return build_deployment(pool, options, replicas);
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
  {
    const std::lock_guard lock(mutex_);
    memories_.erase(pool_key);
  }
  written_.forget(pool_key + "-worker");
}

}  // namespace wp::workload
