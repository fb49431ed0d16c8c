// What the operator keeps of the Deployments, ReplicaSets and Pods of its pools: small structs, so
// that ten thousand pods fit into a few MB. Decoding is pure and total: what is missing or of a
// wrong type is an empty value, and an object without a name or a uid is nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "operator/scaling/budget.h"

namespace wp::workload {

/// Who owns a field, from managedFields.
struct FieldOwner {
  std::string manager;
  std::string subresource;  // "scale", or empty
  bool applied = false;     // by server-side apply; else by an update
  bool operator==(const FieldOwner&) const = default;
};

struct DeploymentInfo {
  std::string ns;
  std::string name;
  std::string uid;
  std::string resource_version;
  std::string controller_uid;  // of its owner; empty: it has none
  std::string owner_pool;      // the name of its owner, when that is a WorkerPool
  std::string pool;            // the label
  std::string template_hash;   // the annotation
  std::string runner_image;    // the annotation
  std::string selector;        // of its pods, as kubectl writes it
  std::int64_t generation = 0;
  std::int64_t observed_generation = 0;
  bool deleting = false;
  int replicas = 0;                         // asked for
  int status_replicas = 0;                  // that exist
  int updated_replicas = 0;                 // of them, with the newest template
  bool no_progress = false;                 // ProgressDeadlineExceeded
  std::optional<Millis> grace_period;       // of its pods, to end in
  scaling::PodRequest pod_request;          // of one pod, by the template
  std::vector<FieldOwner> replicas_owners;  // of spec.replicas
};

struct ReplicaSetInfo {
  std::string ns;
  std::string uid;
  std::string controller_uid;
  std::string pool;
  std::string state;  // workerpool.dev/state in its template; empty: it has none
  std::int64_t generation = 0;
  std::int64_t observed_generation = 0;
  int replicas = 0;         // asked for
  int status_replicas = 0;  // that exist: neither terminating nor finished
  int fully_labeled = 0;    // of them, with every label of the template
  int ready_replicas = 0;
  bool operator==(const ReplicaSetInfo&) const = default;
};

/// What became of one container of a pod.
struct ContainerInfo {
  std::string name = {};
  std::string id = {};  // the first 12 digits, without the runtime's name; empty: none yet
  int restarts = 0;
  bool running = false;
  bool out_of_memory = false;  // its last end was a kill by the kernel for memory
  int exit_code = 0;           // of its last end
  bool operator==(const ContainerInfo&) const = default;
};

struct PodInfo {
  std::string ns;
  std::string name;
  std::string uid;
  std::string controller_uid;
  std::string pool;
  std::string resource_version;
  Millis created{0};
  Millis ready_since{0};  // 0 while it is not ready
  bool assigned = false;  // to a node
  bool running = false;   // its phase
  bool ready = false;
  bool terminating = false;
  bool finished = false;
  bool marked = false;                    // workerpool.dev/state is "retiring"
  int deletion_cost = 0;                  // as the ReplicaSet controller reads it
  std::optional<int> earlier_cost;        // of somebody else, before it was marked
  std::string waiting;                    // why it does not run; the usual steps do not count
  std::vector<ContainerInfo> containers;  // as declared: the first one first
  bool operator==(const PodInfo&) const = default;
};

std::optional<DeploymentInfo> decode_deployment(const nlohmann::json& object);
std::optional<ReplicaSetInfo> decode_replica_set(const nlohmann::json& object);
std::optional<PodInfo> decode_pod(const nlohmann::json& object);

/// True when `manager` owns spec.replicas by an apply of the /scale sub-resource.
bool owns_replicas(const DeploymentInfo& deployment, std::string_view manager);

/// Whether the later one tells anything that the earlier did not: heartbeats of a status and
/// relists do not. Of a Deployment the version alone is news: writes need it.
bool is_news(const DeploymentInfo& earlier, const DeploymentInfo& later);
bool is_news(const ReplicaSetInfo& earlier, const ReplicaSetInfo& later);
bool is_news(const PodInfo& earlier, const PodInfo& later);

/// True when `a` is a newer version of an object than `b`. Versions of one object are numbers that
/// grow; anything else is never newer.
bool newer_version(std::string_view a, std::string_view b);

}  // namespace wp::workload
